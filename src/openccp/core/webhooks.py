"""Signatures of callbacks as in Standard Webhooks: secrets, and the headers of a message."""

import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PREFIX = "whsec_"
ROTATION = 24 * 3600.0
"""Seconds in which messages are signed with the secret before, too."""


@dataclass(frozen=True, slots=True)
class SigningSecrets:
    """An owner's secrets, the current one first. `until`: when the one before ends."""

    keys: tuple[bytes, ...]
    until: float | None = None


def derived(key: bytes, owner: str, number: int) -> bytes:
    """The `number`th secret of an owner: HKDF-Expand (RFC 5869) of the platform's random key."""
    return hmac.digest(key, f"callbacks\0{number}\0{owner}".encode() + b"\x01", "sha256")


def written(secret: bytes) -> str:
    """A secret as its owner is shown it."""
    return PREFIX + b64encode(secret).decode()


def signed_headers(
    message: str, body: bytes, now: float, keys: Sequence[bytes]
) -> Mapping[str, str]:
    """webhook-id, webhook-timestamp, and webhook-signature with a signature for each key."""
    timestamp = str(int(now))
    content = f"{message}.{timestamp}.".encode() + body
    signatures = (b64encode(hmac.digest(key, content, "sha256")).decode() for key in keys)
    return {
        "webhook-id": message,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
