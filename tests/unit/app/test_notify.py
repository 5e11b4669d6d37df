"""The deliverer over a real outbox, with a network that answers as it is told."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from openccp.app import notify
from openccp.app.notify import AT_ONCE, BETWEEN, LEASE, UNREACHED, Notifier
from openccp.app.webhooks import Webhooks
from openccp.core.deliveries import Delivery, DeliveryFilter, DeliveryState
from openccp.core.ports import Fetched, NotFetched
from openccp.core.webhooks import ROTATION, written
from openccp.store.cipher import Cipher
from openccp.store.connect import connect
from openccp.store.deliveries import Deliveries
from openccp.store.jobs import Jobs
from openccp.store.migrate import migrate
from openccp.testing.delivery_contract import tell
from openccp.testing.memory import TestClock
from openccp.testing.stores import NOW


@dataclass
class Network:
    """Fetcher: keeps what was posted; `answers` and `gates` are by address."""

    answers: dict[str, int] = field(default_factory=dict)
    gates: defaultdict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(_open))
    posted: list[tuple[str, bytes, Mapping[str, str]]] = field(default_factory=list)
    at_work: set[str] = field(default_factory=set)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    most: int = 0

    def check(self, url: str) -> None:
        if "forbidden" in url:
            raise NotFetched("no")

    async def get(
        self, url: str, most: int | None = None, accept: str = "*/*", *, by: str = ""
    ) -> Fetched:
        raise NotFetched("no")

    async def post(
        self, url: str, content: bytes, headers: Mapping[str, str], *, by: str = ""
    ) -> Fetched:
        self.posted.append((url, content, headers))
        self.at_work.add(url)
        self.begun.set()
        self.most = max(self.most, len(self.at_work))
        try:
            await self.gates[url].wait()
        finally:
            self.at_work.discard(url)
        status = self.answers.get(url, 200)
        if not status:
            raise NotFetched("connection refused, of which nobody shall learn")
        return Fetched(status, "text/plain", b"secret words")

    def urls(self) -> list[str]:
        return [url for url, _, _ in self.posted]


def _open() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


class Watched(Deliveries):
    """Tells when something was settled, and counts how often somebody looked."""

    looks = 0
    settled: asyncio.Condition

    async def settle(self, delivery: Delivery, held: float, free: float) -> None:
        await super().settle(delivery, held, free)
        async with self.settled:
            self.settled.notify_all()

    async def next_due(self, without: Collection[str] = ()) -> float | None:
        self.looks += 1
        return await super().next_due(without)


@dataclass
class World:
    jobs: Jobs
    store: Watched
    network: Network
    webhooks: Webhooks
    clock: TestClock
    notifier: Notifier

    async def page(self) -> list[Delivery]:
        return list(await self.store.page(DeliveryFilter("ann", limit=999)))

    async def until(self, state: DeliveryState, count: int = 1) -> None:
        async with asyncio.timeout(20), self.store.settled:
            while [it.state for it in await self.page()].count(state) < count:
                await self.store.settled.wait()

    async def settled(self, begin: Callable[[], Awaitable[object]]) -> None:
        """Do something, and return after the next attempt is settled."""
        async with asyncio.timeout(20), self.store.settled:
            await begin()
            await self.store.settled.wait()

    async def later(self, seconds: float) -> None:
        self.clock.pass_(seconds)
        self.notifier.wake()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.notifier.run())
        try:
            yield
        finally:
            self.notifier.stop()
            async with asyncio.timeout(20):
                await task


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    url = f"sqlite:///{tmp_path / 'ccp.db'}"
    migrate(url)
    database = connect(url)
    store, network, clock = Watched(database), Network(), TestClock(NOW)
    store.settled = asyncio.Condition()
    webhooks = Webhooks(store, lambda: b"k" * 32, clock)
    notifier = Notifier(store, network, webhooks, clock, "https://ccp.example", (5, 60))
    store.on_new(notifier.wake)
    yield World(Jobs(database, Cipher(b"k" * 32)), store, network, webhooks, clock, notifier)
    await database.close()


async def test_it_posts_signed_and_keeps_what_came_of_it(world: World) -> None:
    async with world.running():
        job, (made,) = await tell(world.jobs, "https://a.example/x")
        await world.until(DeliveryState.DELIVERED)
    ((url, body, headers),) = world.network.posted
    assert (url, body) == (made.url, made.body.encode())
    assert headers["webhook-id"] == made.id
    assert headers["Link"] == f'<https://ccp.example/jobs/{job.id}>; rel="monitor"'
    (kept,) = await world.page()
    assert (kept.attempts, kept.detail, kept.due) == (1, "It answered 200.", None)


async def test_it_is_tried_as_scheduled_and_then_given_up(world: World) -> None:
    world.network.answers["https://a.example/x"] = 503
    async with world.running():
        _, (made,) = await tell(world.jobs, "https://a.example/x")
        for pause in (0, 5, 60):
            await world.settled(lambda pause=pause: world.later(pause))  # type: ignore[misc]
        await world.until(DeliveryState.DEAD)
        assert [headers["webhook-id"] for _, _, headers in world.network.posted] == [made.id] * 3
        world.network.answers.clear()
        await world.store.retry(made.id, world.clock())
        await world.later(BETWEEN)
        await world.until(DeliveryState.DELIVERED)


async def test_refused_closed_and_silent_sound_alike(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "ATTEMPT_SECONDS", 0.5)
    urls = ["https://closed.example/", "https://silent.example/", "https://forbidden.example/"]
    world.network.answers[urls[0]] = 0
    world.network.gates[urls[1]] = asyncio.Event()
    async with world.running():
        await tell(world.jobs, *urls)
        async with asyncio.timeout(20), world.store.settled:
            while any(not it.detail for it in await world.page()):
                await world.store.settled.wait()
    found = {it.url: it for it in await world.page()}
    assert {it.detail for it in found.values()} == {UNREACHED}
    assert found[urls[2]].state is DeliveryState.DEAD
    assert urls[2] not in world.network.urls()


async def test_plain_http_is_called_only_where_the_operator_says_so(world: World) -> None:
    async with world.running():
        await tell(world.jobs, "http://a.example/x")
        await world.until(DeliveryState.DEAD)
    assert not world.network.posted


async def test_a_slow_target_keeps_only_its_own_waiting(world: World) -> None:
    slow = [f"https://slow.example/{n}" for n in range(20)]
    for url in slow:
        world.network.gates[url] = asyncio.Event()
    async with world.running():
        await tell(world.jobs, *slow)
        await tell(world.jobs, *(f"https://{n}.example/" for n in range(100)))
        await world.until(DeliveryState.DELIVERED, 100)
        assert sum(url in slow for url in world.network.urls()) == 1
        assert world.network.most <= AT_ONCE
        for url in slow:
            world.network.gates[url].set()


async def test_an_owner_of_many_slow_targets_keeps_nobody_else_waiting(world: World) -> None:
    slow = [f"https://slow{n}.example/" for n in range(3 * AT_ONCE)]
    for url in slow:
        world.network.gates[url] = asyncio.Event()
    async with world.running():
        await tell(world.jobs, *slow, owner="bob")
        await tell(world.jobs, *(f"https://{n}.example/" for n in range(20)))
        await world.until(DeliveryState.DELIVERED, 20)
        assert len(world.network.at_work) < AT_ONCE / 2
        looks = world.store.looks
        await asyncio.sleep(0.2)
        assert world.store.looks <= looks + 1
        for url in slow:
            world.network.gates[url].set()


async def test_a_target_is_not_called_in_a_rush(world: World) -> None:
    async with world.running():
        await tell(world.jobs, *(f"https://a.example/{n}" for n in range(3)))
        for count in (1, 2, 3):
            await world.until(DeliveryState.DELIVERED, count)
            assert len(world.network.posted) == count
            await world.later(BETWEEN)


async def test_nothing_is_looked_for_while_there_is_nothing(world: World) -> None:
    async with world.running():
        await asyncio.sleep(0.3)
        assert world.store.looks == 1
        await tell(world.jobs, "https://a.example/x")
        await world.until(DeliveryState.DELIVERED)
        await asyncio.sleep(0.3)
        looks = world.store.looks
        await asyncio.sleep(0.3)
        assert world.store.looks == looks


async def test_what_was_cut_off_is_sent_again_under_the_same_id(world: World) -> None:
    url = "https://a.example/x"
    world.network.gates[url] = asyncio.Event()
    async with world.running():
        await tell(world.jobs, url)
        async with asyncio.timeout(20):
            await world.network.begun.wait()
    world.network.gates[url].set()
    again = Notifier(world.store, world.network, world.webhooks, world.clock, "", (5,))
    world.clock.pass_(LEASE)
    running = asyncio.create_task(again.run())
    await world.until(DeliveryState.DELIVERED)
    again.stop()
    await running
    assert len({headers["webhook-id"] for _, _, headers in world.network.posted}) == 1
    assert [it.attempts for it in await world.page()] == [2]


async def test_for_a_day_both_secrets_verify(world: World) -> None:
    old = written((await world.webhooks.secrets("ann")).keys[0])
    new = written((await world.webhooks.rotate("ann")).keys[0])
    assert old != new
    async with world.running():
        await tell(world.jobs, "https://a.example/x")
        await world.until(DeliveryState.DELIVERED)
    _, body, headers = world.network.posted[0]
    signatures = headers["webhook-signature"].split()
    assert len(signatures) == 2
    for secret, signature in zip((new, old), signatures, strict=True):
        assert _signed(secret, headers, body) == signature
    world.clock.pass_(ROTATION)
    assert len((await world.webhooks.secrets("ann")).keys) == 1


def _signed(secret: str, headers: Mapping[str, str], body: bytes) -> str:
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    return Webhook(secret).sign(headers["webhook-id"], at, body.decode())
