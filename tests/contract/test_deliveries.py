import asyncio
from collections.abc import Awaitable, Callable

import pytest

from openccp.core.deliveries import DeliveryStore
from openccp.core.stores import JobStore
from openccp.store.cipher import Cipher
from openccp.store.connect import connect
from openccp.store.database import Database
from openccp.store.deliveries import Deliveries
from openccp.store.jobs import Jobs
from openccp.testing.delivery_contract import LEASE, DeliveryStoreContract, tell
from openccp.testing.stores import NOW


class TestSqliteDeliveries(DeliveryStoreContract):
    @pytest.fixture
    def jobs(self, sqlite: Database) -> JobStore:
        return Jobs(sqlite, Cipher(b"k" * 32))

    @pytest.fixture
    def deliveries(self, sqlite: Database) -> DeliveryStore:
        return Deliveries(sqlite)


@pytest.mark.postgresql
class TestPostgresqlDeliveries(DeliveryStoreContract):
    @pytest.fixture
    def jobs(self, postgresql: Database) -> JobStore:
        return Jobs(postgresql, Cipher(b"k" * 32))

    @pytest.fixture
    def deliveries(self, postgresql: Database) -> DeliveryStore:
        return Deliveries(postgresql)


async def test_a_new_delivery_wakes_who_delivers_and_nobody_else(
    database: Database, jobs_of_both: Jobs, eventually: Callable[[asyncio.Event], Awaitable[None]]
) -> None:
    delivers, reconciles = asyncio.Event(), asyncio.Event()
    store = Deliveries(database)
    store.on_new(delivers.set)
    jobs_of_both.on_new_job(reconciles.set)
    if database.skips_locked:
        await eventually(delivers)  # on connecting: what came before is not missed
    delivers.clear()
    _, (made,) = await tell(jobs_of_both, "https://a.example/")
    await eventually(delivers)
    (claimed,) = await store.claim(NOW, LEASE, 1)
    reconciles.clear()
    delivers.clear()
    await store.retry(claimed.id, NOW)
    await eventually(delivers)
    assert not reconciles.is_set()
    assert made.id == claimed.id


@pytest.mark.postgresql
async def test_two_processes_share_the_outbox(postgresql_url: str) -> None:
    databases = [connect(postgresql_url) for _ in range(2)]
    stores = [Deliveries(database) for database in databases]
    await tell(Jobs(databases[0], Cipher(b"k" * 32)), *(f"https://{n}.example/" for n in range(30)))
    claims = await asyncio.gather(*(stores[n % 2].claim(NOW, LEASE, 4) for n in range(10)))
    taken = [it.id for claim in claims for it in claim]
    assert len(taken) == len(set(taken))
    assert taken
    await asyncio.gather(*(database.close() for database in databases))


async def test_the_only_process_ends_the_leases_of_an_earlier_one(
    database: Database, jobs_of_both: Jobs
) -> None:
    store = Deliveries(database)
    await tell(jobs_of_both, "https://a.example/")
    (lost,) = await store.claim(NOW, LEASE, 1)
    await store.release()
    (again,) = await store.claim(NOW + 1, LEASE, 1)
    assert (again.id, again.attempts) == (lost.id, 2)


async def test_changes_of_one_target_do_not_lock_each_other(
    database: Database, jobs_of_both: Jobs
) -> None:
    """Whoever changes a target's row and deliveries takes the target first."""
    store = Deliveries(database)
    jobs = [
        await tell(jobs_of_both, *(f"https://{n}.example/" for n in range(4))) for _ in range(4)
    ]

    async def work(round_: int) -> None:
        now = NOW + round_
        for claimed in await store.claim(now, LEASE, 9):
            await store.settle(claimed, now + LEASE, now)
        await tell(jobs_of_both, *(f"https://{n}.example/" for n in range(4)))
        await store.retry(jobs[round_ % 4][1][0].id, now)

    await asyncio.gather(*(work(n) for n in range(12)))
    assert await store.next_due() is not None
