"""Callbacks on their way: what is posted where, how often it was tried, and what came of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from urllib.parse import urlsplit

from openccp.core.problems import Problem


class News(StrEnum):
    """What a callback tells of a job."""

    SUCCESS = "success"
    PROGRESS = "progress"
    FAILURE = "failure"


class DeliveryState(StrEnum):
    """PENDING is still tried. DEAD was given up; GONE, the address answered 410."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one address. `id` is its webhook-id, the same at every try.

    Times are seconds since the epoch. `due` is when it is tried next (None: never again);
    `tried` when that was done last.
    """

    id: str
    job: str
    owner: str
    news: News
    url: str
    body: str
    created: float
    due: float | None
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    tried: float | None = None
    detail: str = ""

    @property
    def target(self) -> str:
        """Whom it goes to: scheme, host and port. One of an owner's messages at a time does."""
        where = urlsplit(self.url)
        return f"{where.scheme}://{where.netloc}".lower()


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """A page of deliveries, newest first. `after` is the (created, id) of the last one seen."""

    owner: str
    limit: int = 10
    after: tuple[float, str] | None = None
    state: DeliveryState | None = None
    job: str | None = None


@dataclass(frozen=True, slots=True)
class Generation:
    """Which of an owner's signing secrets is in use, and since when."""

    number: int = 1
    since: float = 0.0


class NoSuchDelivery(Problem):
    """There is no delivery of this id, or you may not see it."""

    status, type, title = 404, "urn:openccp:problem:no-such-delivery", "No such delivery"


class AlreadyDelivered(Problem):
    """It was delivered, so it is not sent again."""

    status, type, title = 409, "urn:openccp:problem:already-delivered", "Already delivered"


class DeliveryStore(Protocol):
    """The outbox. Deliveries come into it by `JobStore.save`, with the change they tell of.

    A claim takes at most one delivery of an owner's target, and nobody else gets another of that
    target before it is settled or the lease is over.
    """

    async def claim(
        self, now: float, lease: float, limit: int, without: Collection[str] = ()
    ) -> Sequence[Delivery]:
        """Take up to `limit` due deliveries, the longest due first; counts the attempt.

        Those of the owners `without` are left.
        """

    async def settle(self, delivery: Delivery, held: float, free: float) -> None:
        """Keep what came of an attempt; its target may be asked again from `free` on.

        Does nothing where the lease, which was to end at `held`, is somebody else's by now, or
        to a delivery that was replaced or removed meanwhile. GONE ends every other pending
        delivery of the owner to the same address in any case.
        """

    async def next_due(self, without: Collection[str] = ()) -> float | None:
        """When there is something to claim, but for these owners; None if nothing is pending."""

    async def page(self, wanted: DeliveryFilter) -> Sequence[Delivery]:
        """One page, newest first: at most `limit`; the bodies, which may be long, are left out."""

    async def get(self, delivery_id: str) -> Delivery | None:
        """By id."""

    async def retry(self, delivery_id: str, now: float) -> Delivery:
        """Try it again from now on, as if for the first time; NoSuchDelivery, AlreadyDelivered."""

    async def generation(self, owner: str) -> Generation:
        """Which of the owner's signing secrets is in use."""

    async def rotate(self, owner: str, now: float) -> Generation:
        """Go on to the owner's next signing secret."""

    async def forget(self, before: float) -> None:
        """Drop deliveries that ended and were made before a moment; idempotent."""
