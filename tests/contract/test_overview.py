"""What the database says of everybody at once, on both databases."""

from dataclasses import replace

from openccp.core.access import Role
from openccp.core.deliveries import DeliveryState
from openccp.core.overview import Holding, Queue
from openccp.core.stores import Account, Credential, StoredCredential
from openccp.store.accounts import Accounts
from openccp.store.database import Database
from openccp.store.deliveries import Deliveries
from openccp.store.jobs import Jobs
from openccp.store.overview import DatabaseOverview
from openccp.testing.delivery_contract import LEASE, tell
from openccp.testing.stores import NOW, a_job


async def test_queues_are_told_by_the_names_of_accounts(
    database: Database, jobs_of_both: Jobs
) -> None:
    await Accounts(database).add_account(Account("id-of-ann", "ann", Role.USER, NOW))
    for owner in ("id-of-ann", "id-of-ann", "gone"):
        await jobs_of_both.add(a_job(owner=owner, infrastructure="there"), b"{}", {})
    told = await DatabaseOverview(database).queues(10)
    context = a_job().context
    assert list(told) == [
        Queue("there", "context", context, 3, 0),
        Queue("there", "total", "there", 3, 0),
        Queue("there", "user", "ann", 2, 0),
        Queue("there", "user", "gone", 1, 0),
    ]
    assert list(await DatabaseOverview(database).queues(1)) == [told[0]]


async def test_accounts_say_what_they_hold_and_when_they_signed_in(
    database: Database, jobs_of_both: Jobs
) -> None:
    accounts, seen = Accounts(database), DatabaseOverview(database)
    await accounts.add_account(Account("b", "bob", Role.ADMIN, NOW))
    await accounts.add_account(Account("a", "ann", Role.USER, NOW))
    await jobs_of_both.add(a_job(owner="a"), b"{}", {})
    for kind, at in (
        (Credential.SESSION, NOW + 1),
        (Credential.REFRESH, NOW + 2),
        (Credential.PERSONAL, NOW + 3),
    ):
        await accounts.add_credential(StoredCredential(kind.value, kind, "a", at, None))
    assert list(await seen.accounts(10)) == [
        Holding("ann", Role.USER, NOW, NOW + 2, 1),
        Holding("bob", Role.ADMIN, NOW, None, 0),
    ]
    assert len(await seen.accounts(1)) == 1
    assert await seen.account_count() == 2


async def test_callbacks_of_everybody_that_were_given_up(
    database: Database, jobs_of_both: Jobs
) -> None:
    deliveries = Deliveries(database)
    await tell(jobs_of_both, "https://a.example/", owner="ann")
    _, (wanted,) = await tell(jobs_of_both, "https://b.example/", owner="bob")
    for claimed in await deliveries.claim(NOW, LEASE, 2):
        state = DeliveryState.DEAD if claimed.id == wanted.id else DeliveryState.DELIVERED
        await deliveries.settle(replace(claimed, state=state, due=None), NOW + LEASE, NOW)
    (dead,) = await DatabaseOverview(database).dead(10)
    assert (dead.id, dead.owner, dead.body) == (wanted.id, "bob", "")


async def test_the_database_has_a_size(database: Database, jobs_of_both: Jobs) -> None:
    seen = DatabaseOverview(database)
    assert await seen.database_bytes() > 4096
