"""Device authorization (RFC 8628): a program asks, a person with a browser allows it."""

import secrets
from dataclasses import dataclass
from typing import Protocol

from openccp.core.identity import secret_digest

LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, so that codes are no words, and nothing that looks like a digit (RFC 8628, 6.1)."""
LENGTH = 8


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """What a program asked for; both codes are kept as SHA-256 (hex), times in seconds.

    `address` and `agent` say where it is and what it calls itself. It is asked not sooner than
    `interval` after `polled`. Once `decided`, `account` is who allowed it, None if denied.
    """

    digest: str
    user_code: str
    client: str
    context: str | None
    address: str
    agent: str
    created: float
    expires: float
    interval: int
    polled: float = 0.0
    decided: float | None = None
    account: str | None = None


class DeviceStore(Protocol):
    """Requests of programs until they are answered."""

    async def add(self, request: DeviceRequest, most: int) -> bool:
        """Keep a new one and forget old ones; False where there are `most`, or its code is."""

    async def by_device_code(self, digest: str) -> DeviceRequest | None:
        """The one that a program asks about."""

    async def by_user_code(self, digest: str) -> DeviceRequest | None:
        """The one that a person was shown the code of."""

    async def note_poll(self, seen: DeviceRequest, now: float, interval: int) -> bool:
        """Keep when it was asked about; False if somebody else has asked since it was seen."""

    async def decide(self, digest: str, account: str | None, now: float) -> bool:
        """Allow it for an account, or deny it (None); True for exactly one caller."""

    async def take(self, digest: str) -> bool:
        """Forget an allowed one, as its token is given out; True for exactly one caller."""


def new_user_code() -> str:
    """A code to be typed, such as `WDJB-MJHT`: 34 random bits."""
    letters = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    return f"{letters[:4]}-{letters[4:]}"


def user_code_digest(typed: str) -> str | None:
    """What is kept of a code, however it was typed; None if it can be none of ours."""
    letters = "".join(one for one in typed[:64].upper() if one not in "- \t")
    fits = len(letters) == LENGTH and set(letters) <= set(LETTERS)
    return secret_digest(letters) if fits else None
