"""What an operator looks at: queues, accounts, callbacks that were given up, and space used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from openccp.core.access import Role
from openccp.core.deliveries import Delivery


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits and runs on an infrastructure of one `kind`: user, context or total.

    `name` is that of the account, the context or the infrastructure.
    """

    infrastructure: str
    kind: str
    name: str
    waiting: int
    running: int


@dataclass(frozen=True, slots=True)
class Holding:
    """An account and what it holds. Times are seconds since the epoch.

    `signed_in`: when it last did so in a browser or got a refresh token, as far as that is kept.
    """

    name: str
    role: Role
    created: float
    signed_in: float | None
    jobs: int


class Overview(Protocol):
    """What the database says of everybody at once: for operators alone."""

    async def queues(self, limit: int) -> Sequence[Queue]:
        """Those that are not empty, by infrastructure and kind, the longest first."""

    async def accounts(self, limit: int) -> Sequence[Holding]:
        """The accounts by name, at most `limit`."""

    async def account_count(self) -> int:
        """How many accounts there are."""

    async def dead(self, limit: int) -> Sequence[Delivery]:
        """Callbacks of everybody that were given up, the newest first, without bodies."""

    async def database_bytes(self) -> int:
        """How large the database is."""


class Space(Protocol):
    """How much of the disk is used; a call walks through folders, so it belongs on a thread."""

    def used(self) -> Mapping[str, int]:
        """Bytes by part: `jobs`, `uploads`, and what is `free` on their disk."""
