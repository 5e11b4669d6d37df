# ruff: noqa: D102 - the name of a test says what it says
"""What every outbox must do: subclass the contract, and give it two stores on one database."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import count

import pytest

from openccp.core.deliveries import (
    AlreadyDelivered,
    Delivery,
    DeliveryFilter,
    DeliveryState,
    DeliveryStore,
    Generation,
    News,
    NoSuchDelivery,
)
from openccp.core.job import Job, Phase, Status
from openccp.core.stores import Conflict, JobStore
from openccp.testing.stores import NOW, a_job

LEASE = 60.0
NUMBERS = count(1)


def a_delivery(job: Job, url: str = "https://a.example/x", **changes: object) -> Delivery:
    """A message of success, due at NOW."""
    made = Delivery(f"msg_{next(NUMBERS):06}", job.id, job.owner, News.SUCCESS, url, "{}", NOW, NOW)
    return replace(made, **changes)  # type: ignore[arg-type]


async def tell(jobs: JobStore, *urls: str, owner: str = "ann") -> tuple[Job, list[Delivery]]:
    """A job that ended with these deliveries in the outbox."""
    job = await jobs.add(a_job(owner=owner), b"{}", {})
    made = [a_delivery(job, url) for url in urls]
    done = replace(job, status=Status.FAILED, phase=Phase.DONE)
    return await jobs.save(done, (), made), made


def ids(deliveries: Sequence[Delivery]) -> list[str]:
    """Their ids."""
    return [delivery.id for delivery in deliveries]


def delivered(delivery: Delivery) -> Delivery:
    """As it is once it arrived."""
    return replace(delivery, state=DeliveryState.DELIVERED, due=None, detail="It answered 200.")


class DeliveryStoreContract:
    """DeliveryStore: kept with the job's change, leased by target, tried until settled."""

    async def test_it_is_there_with_the_change_it_tells_of(
        self, jobs: JobStore, deliveries: DeliveryStore
    ) -> None:
        job, made = await tell(jobs, "https://a.example/x")
        assert await deliveries.get(made[0].id) == made[0]
        assert await deliveries.next_due() == NOW
        claimed = await deliveries.claim(NOW, LEASE, 9)
        assert list(claimed) == [replace(made[0], attempts=1, tried=NOW)]
        assert job.phase is Phase.DONE

    async def test_a_change_that_is_not_kept_tells_nothing(
        self, jobs: JobStore, deliveries: DeliveryStore
    ) -> None:
        job = await jobs.add(a_job(), b"{}", {})
        await jobs.save(job)
        with pytest.raises(Conflict):
            await jobs.save(job, (), [a_delivery(job)])
        assert await deliveries.next_due() is None
        assert list(await deliveries.claim(NOW, LEASE, 9)) == []

    async def test_nothing_is_claimed_before_it_is_due(
        self, jobs: JobStore, deliveries: DeliveryStore
    ) -> None:
        await tell(jobs, "https://a.example/x")
        assert list(await deliveries.claim(NOW - 1, LEASE, 9)) == []

    async def test_one_of_a_target_at_a_time(
        self, jobs: JobStore, deliveries: DeliveryStore
    ) -> None:
        _, made = await tell(
            jobs, "https://a.example/x", "https://a.example/y", "https://b.example/"
        )
        first = await deliveries.claim(NOW, LEASE, 9)
        assert sorted(ids(first)) == [made[0].id, made[2].id]
        assert list(await deliveries.claim(NOW, LEASE, 9)) == []
        await deliveries.settle(delivered(first[0]), NOW + LEASE, NOW + 1)
        assert list(await deliveries.claim(NOW, LEASE, 9)) == []
        again = await deliveries.claim(NOW + 1, LEASE, 9)
        assert ids(again) == [made[1].id]

    async def test_owners_do_not_wait_for_each_other(
        self, jobs: JobStore, deliveries: DeliveryStore
    ) -> None:
        for owner in ("ann", "bob"):
            await tell(jobs, "https://a.example/x", owner=owner)
        assert {it.owner for it in await deliveries.claim(NOW, LEASE, 9)} == {"ann", "bob"}

    async def test_owners_may_be_left_out(self, jobs: JobStore, deliveries: DeliveryStore) -> None:
        await tell(jobs, "https://a.example/x", owner="ann")
        assert list(await deliveries.claim(NOW, LEASE, 9, ["ann", "bob"])) == []
        assert await deliveries.next_due(["ann"]) is None
        assert await deliveries.next_due(["bob"]) == NOW
        assert len(await deliveries.claim(NOW, LEASE, 9, ["bob"])) == 1

    async def test_the_limit_of_a_claim(self, jobs: JobStore, deliveries: DeliveryStore) -> None:
        await tell(jobs, *(f"https://{n}.example/" for n in range(5)))
        assert len(await deliveries.claim(NOW, LEASE, 3)) == 3
        assert len(await deliveries.claim(NOW, LEASE, 3)) == 2

    async def test_many_claims_at_once_share_nothing(
        self, jobs: JobStore, deliveries: DeliveryStore
    ) -> None:
        _, made = await tell(jobs, *(f"https://{n}.example/" for n in range(20)))
        claims = await asyncio.gather(*(deliveries.claim(NOW, LEASE, 5) for _ in range(8)))
        taken = [it.id for claim in claims for it in claim]
        assert len(taken) == len(set(taken))
        while claim := await deliveries.claim(NOW, LEASE, 5):
            taken += ids(claim)
        assert sorted(taken) == sorted(ids(made))

    async def test_a_lease_that_is_over_is_given_anew(
        self, jobs: JobStore, deliveries: DeliveryStore
    ) -> None:
        await tell(jobs, "https://a.example/x")
        (lost,) = await deliveries.claim(NOW, LEASE, 9)
        assert await deliveries.next_due() == NOW + LEASE
        (again,) = await deliveries.claim(NOW + LEASE, LEASE, 9)
        assert (again.id, again.attempts) == (lost.id, 2)
        await deliveries.settle(delivered(lost), NOW + LEASE, NOW)
        late = await deliveries.get(lost.id)
        assert late is not None
        assert late.state is DeliveryState.PENDING
        assert list(await deliveries.claim(NOW + LEASE, LEASE, 9)) == []

    async def test_a_failed_attempt_is_due_again(
        self, jobs: JobStore, deliveries: DeliveryStore
    ) -> None:
        await tell(jobs, "https://a.example/x")
        (claimed,) = await deliveries.claim(NOW, LEASE, 9)
        later = replace(claimed, due=NOW + 5, detail="It answered 500.")
        await deliveries.settle(later, NOW + LEASE, NOW)
        assert await deliveries.get(claimed.id) == later
        assert await deliveries.next_due() == NOW + 5
        assert list(await deliveries.claim(NOW + 4, LEASE, 9)) == []
        assert ids(await deliveries.claim(NOW + 5, LEASE, 9)) == [claimed.id]

    async def test_gone_ends_all_to_the_address(
        self, jobs: JobStore, deliveries: DeliveryStore
    ) -> None:
        _, (first,) = await tell(jobs, "https://a.example/x")
        _, (second, other) = await tell(jobs, "https://a.example/x", "https://a.example/y")
        _, (foreign,) = await tell(jobs, "https://a.example/x", owner="bob")
        claimed = next(it for it in await deliveries.claim(NOW, LEASE, 9) if it.owner == "ann")
        gone = replace(claimed, state=DeliveryState.GONE, due=None, detail="gone")
        await deliveries.settle(gone, NOW + LEASE, NOW)
        states = [await deliveries.get(it.id) for it in (first, second, other, foreign)]
        assert [it and it.state.value for it in states] == ["gone", "gone", "pending", "pending"]

    async def test_progress_is_replaced_by_newer_progress_and_by_the_end(
        self, jobs: JobStore, deliveries: DeliveryStore
    ) -> None:
        job = await jobs.add(a_job(), b"{}", {})
        said = [a_delivery(job, news=News.PROGRESS, body=f'"{n}"') for n in range(3)]
        for message in said[:2]:
            job = await jobs.save(job, (), [message])
        assert ids(await deliveries.page(DeliveryFilter("ann"))) == [said[1].id]
        (claimed,) = await deliveries.claim(NOW, LEASE, 9)
        job = await jobs.save(job, (), [said[2]])
        await deliveries.settle(delivered(claimed), NOW + LEASE, NOW)
        (waiting,) = await deliveries.page(DeliveryFilter("ann"))
        assert waiting.id == said[2].id
        assert waiting.due is not None
        assert waiting.due > NOW
        end = a_delivery(job)
        await jobs.save(replace(job, status=Status.FAILED, phase=Phase.DONE), (), [end])
        assert ids(await deliveries.claim(NOW, LEASE, 9)) == [end.id]
        assert await deliveries.get(waiting.id) is None

    async def test_gone_counts_also_where_its_message_was_replaced(
        self, jobs: JobStore, deliveries: DeliveryStore
    ) -> None:
        job = await jobs.add(a_job(), b"{}", {})
        job = await jobs.save(job, (), [a_delivery(job, news=News.PROGRESS)])
        (claimed,) = await deliveries.claim(NOW, LEASE, 9)
        end = a_delivery(job)
        await jobs.save(replace(job, status=Status.FAILED, phase=Phase.DONE), (), [end])
        gone = replace(claimed, state=DeliveryState.GONE, due=None, detail="gone")
        await deliveries.settle(gone, NOW + LEASE, NOW)
        kept = await deliveries.get(end.id)
        assert kept is not None
        assert (kept.state, kept.due) == (DeliveryState.GONE, None)

    # --- seeing and sending again -------------------------------------------------------------

    async def test_pages_of_ones_own(self, jobs: JobStore, deliveries: DeliveryStore) -> None:
        job, made = await tell(jobs, *(f"https://a.example/{n}" for n in range(7)))
        other, _ = await tell(jobs, "https://b.example/")
        await tell(jobs, "https://a.example/x", owner="bob")
        wanted = DeliveryFilter("ann", limit=3, job=job.id)
        seen: list[str] = []
        while page := await deliveries.page(wanted):
            assert {it.body for it in page} == {""}
            seen += ids(page)
            wanted = replace(wanted, after=(page[-1].created, page[-1].id))
        assert seen == sorted(ids(made), reverse=True)
        assert len(await deliveries.page(DeliveryFilter("ann", limit=99))) == 8
        assert {it.job for it in await deliveries.page(DeliveryFilter("ann", job=other.id))} == {
            other.id
        }
        dead = DeliveryFilter("ann", state=DeliveryState.DEAD)
        assert list(await deliveries.page(dead)) == []

    @pytest.mark.parametrize("delivery_id", ["", "nobody", "a\0b", "\ud800", "'; --"])
    async def test_an_unknown_one(self, deliveries: DeliveryStore, delivery_id: str) -> None:
        assert await deliveries.get(delivery_id) is None
        with pytest.raises(NoSuchDelivery):
            await deliveries.retry(delivery_id, NOW)
        wanted = DeliveryFilter("ann", job=delivery_id, after=(NOW, delivery_id))
        assert list(await deliveries.page(wanted)) == []

    async def test_a_dead_one_is_sent_again(
        self, jobs: JobStore, deliveries: DeliveryStore
    ) -> None:
        await tell(jobs, "https://a.example/x")
        (claimed,) = await deliveries.claim(NOW, LEASE, 9)
        dead = replace(claimed, state=DeliveryState.DEAD, due=None, detail="It answered 500.")
        await deliveries.settle(dead, NOW + LEASE, NOW)
        assert await deliveries.next_due() is None
        again = await deliveries.retry(dead.id, NOW + 9)
        assert (again.state, again.attempts, again.due) == (DeliveryState.PENDING, 0, NOW + 9)
        (claimed,) = await deliveries.claim(NOW + 9, LEASE, 9)
        await deliveries.settle(delivered(claimed), NOW + 9 + LEASE, NOW + 9)
        with pytest.raises(AlreadyDelivered):
            await deliveries.retry(dead.id, NOW + 10)

    async def test_a_removed_job_takes_its_deliveries_along(
        self, jobs: JobStore, deliveries: DeliveryStore
    ) -> None:
        job, made = await tell(jobs, "https://a.example/x", "https://b.example/")
        (*_, claimed) = await deliveries.claim(NOW, LEASE, 1)
        await jobs.remove(job.id)
        assert await deliveries.get(made[0].id) is None
        await deliveries.settle(delivered(claimed), NOW + LEASE, NOW)
        assert list(await deliveries.claim(NOW, LEASE, 9)) == []
        assert await deliveries.next_due() is None

    async def test_what_ended_long_ago_is_forgotten(
        self, jobs: JobStore, deliveries: DeliveryStore
    ) -> None:
        _, (ended, waiting) = await tell(jobs, "https://a.example/x", "https://a.example/y")
        (claimed,) = await deliveries.claim(NOW, LEASE, 9)
        await deliveries.settle(delivered(claimed), NOW + LEASE, NOW)
        await deliveries.forget(NOW)
        assert await deliveries.get(ended.id) is not None
        await deliveries.forget(NOW + 1)
        assert await deliveries.get(ended.id) is None
        assert ids(await deliveries.claim(NOW, LEASE, 9)) == [waiting.id]

    # --- secrets ------------------------------------------------------------------------------

    async def test_secrets_are_rotated_one_by_one(self, deliveries: DeliveryStore) -> None:
        assert await deliveries.generation("ann") == Generation()
        await asyncio.gather(*(deliveries.rotate("ann", NOW) for _ in range(4)))
        assert await deliveries.generation("ann") == Generation(5, NOW)
        assert await deliveries.generation("bob") == Generation()
