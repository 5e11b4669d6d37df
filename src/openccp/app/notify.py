"""The deliverer: posts what lies in the outbox, and keeps what came of it.

It never touches a job. Any number may run: a claim leases a target, so that one of an owner's
messages at a time goes to it, and a slow target keeps only its own waiting. What a kill cuts off
is sent again under the same webhook-id once the lease is over.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from openccp.app.changes import pause
from openccp.app.subscribe import may_be_called
from openccp.app.webhooks import Webhooks
from openccp.core.callback import SCHEDULE, given_up, outcome
from openccp.core.deliveries import Delivery, DeliveryStore
from openccp.core.failpoint import failpoint
from openccp.core.ports import Clock, Fetched, Fetcher, NotFetched
from openccp.core.problems import Unavailable
from openccp.core.webhooks import signed_headers

log = logging.getLogger(__name__)

AT_ONCE = 32
EACH = 8
"""So many are claimed at a time, and an owner with so many at work waits: others get their turn."""
ATTEMPT_SECONDS = 10.0
LEASE = 60.0
"""Longer than an attempt and what is saved of it may take."""
BETWEEN = 0.1
"""Seconds between two messages of an owner to one target."""
TROUBLE = 5.0
"""Seconds until the next look when the database does not answer."""
LAST_WORDS = 1.0
UNREACHED = "The address could not be reached, or may not be."
"""Said alike of what is closed, silent, unknown or forbidden, so that nobody learns which."""


class Notifier:
    """Runs until `stop()`. While nothing is pending it sleeps until `wake()`."""

    def __init__(
        self,
        store: DeliveryStore,
        fetcher: Fetcher,
        webhooks: Webhooks,
        clock: Clock,
        address: str,
        schedule: Sequence[float] = SCHEDULE,
        *,
        by_http: bool = False,
    ) -> None:
        self._store = store
        self._fetcher = fetcher
        self._webhooks = webhooks
        self._clock = clock
        self._address = address
        self._schedule = schedule
        self._by_http = by_http
        self._news = asyncio.Event()
        self._stopped = False
        self._at_work: dict[asyncio.Task[None], str] = {}

    def wake(self) -> None:
        """Something may have become due: look at once."""
        self._news.set()

    def stop(self) -> None:
        """End `run`; what is being posted just now is posted again later if it takes long."""
        self._stopped = True
        self._news.set()

    async def run(self) -> None:
        """Claim and post as things become due."""
        while not self._stopped:
            self._news.clear()
            await self._sleep(await self._guarded(self._round, TROUBLE))
        if self._at_work:
            await asyncio.wait(self._at_work, timeout=LAST_WORDS)
        for task in self._at_work:
            task.cancel()

    async def _sleep(self, seconds: float | None) -> None:
        if seconds is None:
            await self._news.wait()
        else:
            await pause(self._news, seconds)

    async def _round(self) -> float | None:
        """Begin what is due; the seconds until there is more, None if that takes news."""
        room = min(EACH, AT_ONCE - len(self._at_work))
        found = await self._store.claim(self._clock(), LEASE, room, self._busy) if room else ()
        for delivery in found:
            task = asyncio.create_task(self._attempt(delivery))
            self._at_work[task] = delivery.owner
            task.add_done_callback(self._done)
        due = await self._store.next_due(self._busy) if len(self._at_work) < AT_ONCE else None
        return None if due is None else max(0.0, due - self._clock())

    @property
    def _busy(self) -> list[str]:
        counted = Counter(self._at_work.values())
        return [owner for owner, count in counted.items() if count >= EACH]

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._at_work[task]
        self._news.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a callback could not be tried; it will be, again", exc_info=error)

    async def _attempt(self, delivery: Delivery) -> None:
        failpoint("callback.before")
        if not may_be_called(self._fetcher, delivery.url, by_http=self._by_http):
            await self._settle(delivery, given_up(delivery, UNREACHED))
            return
        answered = await self._posted(delivery)
        failpoint("callback.after")
        now, chance = self._clock(), random.random()
        after = outcome(delivery, answered, now, schedule=self._schedule, chance=chance)
        await self._settle(delivery, after)

    async def _settle(self, claimed: Delivery, after: Delivery) -> None:
        assert claimed.tried is not None
        await self._store.settle(after, claimed.tried + LEASE, self._clock() + BETWEEN)

    async def _posted(self, delivery: Delivery) -> Fetched | str:
        secrets = await self._webhooks.secrets(delivery.owner)
        body = delivery.body.encode()
        headers = {
            "Content-Type": "application/json",
            "Link": f'<{self._address}/jobs/{delivery.job}>; rel="monitor"',
            "CCP-News": str(delivery.news),
            **signed_headers(delivery.id, body, self._clock(), secrets.keys),
        }
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                each = f"{delivery.owner} {delivery.target}"
                return await self._fetcher.post(delivery.url, body, headers, by=each)
        except (TimeoutError, NotFetched):
            return UNREACHED

    async def _guarded(
        self, work: Callable[[], Awaitable[float | None]], otherwise: float
    ) -> float | None:
        try:
            return await work()
        except Unavailable as error:
            log.warning("the outbox cannot be read just now: %s", error)
            return otherwise
