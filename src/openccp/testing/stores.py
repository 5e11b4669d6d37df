# ruff: noqa: D102 - the name of a test says what it says
"""What every store must do: subclass a contract, give it a fixture, and it is tested.

class TestMyJobs(JobStoreContract):
    @pytest.fixture
    async def jobs(self) -> JobStore: ...
"""

import asyncio
from dataclasses import replace

import pytest

from openccp.core.job import Blame, Event, Failure, Phase, Status
from openccp.core.job_list import JobFilter
from openccp.core.problems import KeyReused, NoSuchJob
from openccp.core.stores import Conflict, IdempotencyKey, JobStore
from openccp.testing.fill import fill_jobs
from openccp.testing.job_lists import NOW, JobListContract, a_job, add, finish
from openccp.testing.store_contracts import AccountStoreContract, MethodStoreContract

__all__ = [
    "NOW",
    "AccountStoreContract",
    "JobStoreContract",
    "MethodStoreContract",
    "a_job",
    "add",
    "fill_jobs",
    "finish",
]

DAY = 24 * 3600.0
HOSTILE = 'it\'s "quoted"; DROP TABLE jobs; -- \n\t{{x}} $HOME é 漢 🜚 \u2028'


class JobStoreContract(JobListContract):
    """JobStore: durable, compare-and-set, fenced, final is final."""

    async def test_what_was_added_is_there(self, jobs: JobStore) -> None:
        job = a_job(note=HOSTILE, progress=3, message=HOSTILE)
        assert await jobs.add(job, b'{"inputs": {}}', {}) == job
        assert await jobs.get(job.id) == job
        assert await jobs.request(job.id) == b'{"inputs": {}}'

    async def test_every_field_comes_back(self, jobs: JobStore) -> None:
        job = await add(jobs)
        full = replace(
            job,
            status=Status.RUNNING,
            phase=Phase.EXECUTING,
            message=HOSTILE,
            progress=42,
            started=NOW + 0.1,
            finished=NOW + 0.2,
            updated=NOW + 0.3,
            attempt=2,
            handle={"v": 1, "pid": 2**40, "deep": [{"ü": None}], "half": "\ud800", "nul": "\0"},
            failure=Failure(Blame.LIMIT, "memory", HOSTILE, 137),
            stage_started=NOW,
            stop_requested=NOW,
            stop_requested_by="bob",
            note=HOSTILE,
        )
        saved = await jobs.save(full)
        assert saved == replace(full, version=job.version + 1)
        assert await jobs.get(job.id) == saved

    async def test_text_no_database_takes_is_made_storable(self, jobs: JobStore) -> None:
        job = await add(jobs, note="a\0b\ud800c")
        found = await jobs.get(job.id)
        assert found is not None
        assert found.note == "a\ufffdb?c"

    @pytest.mark.parametrize("job_id", ["", "nobody", "a\0b", "'; --", "x" * 10_000, "\ud800"])
    async def test_an_unknown_job_is_none(self, jobs: JobStore, job_id: str) -> None:
        assert await jobs.get(job_id) is None

    async def test_the_request_of_an_unknown_job(self, jobs: JobStore) -> None:
        with pytest.raises(NoSuchJob):
            await jobs.request("nobody")

    async def test_a_big_binary_request_comes_back(self, jobs: JobStore) -> None:
        body = bytes(range(256)) * 8192
        job = await jobs.add(a_job(), body, {})
        assert await jobs.request(job.id) == body

    async def test_an_id_is_used_once(self, jobs: JobStore) -> None:
        job = await add(jobs)
        with pytest.raises(Conflict):
            await jobs.add(job, b"{}", {})

    # --- saving -------------------------------------------------------------------------------

    async def test_of_two_saves_of_one_version_one_loses(self, jobs: JobStore) -> None:
        job = await add(jobs)
        outcomes = await asyncio.gather(
            *(jobs.save(replace(job, message=str(n)), [Event("x", NOW)]) for n in range(10)),
            return_exceptions=True,
        )
        assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 9
        assert len(await jobs.events(job.id)) == 2

    async def test_a_lost_save_appends_nothing(self, jobs: JobStore) -> None:
        job = await add(jobs)
        await jobs.save(job, [Event("first", NOW)])
        with pytest.raises(Conflict):
            await jobs.save(job, [Event("second", NOW)])
        assert [event.kind for event in await jobs.events(job.id)] == ["accepted", "first"]

    async def test_saving_a_job_that_is_not_there(self, jobs: JobStore) -> None:
        with pytest.raises(Conflict):
            await jobs.save(a_job())

    @pytest.mark.parametrize("end", [Status.SUCCESSFUL, Status.FAILED, Status.DISMISSED])
    async def test_final_is_final(self, jobs: JobStore, end: Status) -> None:
        ended = await finish(jobs, await add(jobs), end)
        for other in set(Status) - {end}:
            with pytest.raises(Conflict):
                await jobs.save(replace(ended, status=other))
        assert await jobs.get(ended.id) == ended

    async def test_running_does_not_become_accepted_again(self, jobs: JobStore) -> None:
        running = await jobs.save(replace(await add(jobs), status=Status.RUNNING))
        with pytest.raises(Conflict):
            await jobs.save(replace(running, status=Status.ACCEPTED))

    async def test_a_dismissed_job_goes_on_stopping(self, jobs: JobStore) -> None:
        job = await add(jobs)
        stopping = replace(job, status=Status.DISMISSED, phase=Phase.STOPPING, stop_requested=NOW)
        saved = await jobs.save(stopping)
        assert [found.id for found in await jobs.claim("r", NOW, 30, 9)] == [job.id]
        assert saved.version == 1

    # --- events -------------------------------------------------------------------------------

    async def test_events_are_numbered_from_one(self, jobs: JobStore) -> None:
        job = await add(jobs)
        data = {"text": HOSTILE, "list": [1, 2.5, None, True]}
        job = await jobs.save(job, [Event("a", NOW, data), Event("b", NOW + 1)])
        await jobs.save(job, [Event("c", NOW + 2)])
        kinds = [(event.seq, event.kind) for event in await jobs.events(job.id)]
        assert kinds == [(1, "accepted"), (2, "a"), (3, "b"), (4, "c")]
        assert await jobs.events(job.id, after=1) == [
            Event("a", NOW, data, 2),
            Event("b", NOW + 1, {}, 3),
            Event("c", NOW + 2, {}, 4),
        ]
        assert await jobs.events(job.id, after=4) == []

    # --- secrets ------------------------------------------------------------------------------

    async def test_secrets_come_back_until_the_job_is_done(self, jobs: JobStore) -> None:
        kept = {"password": HOSTILE, "empty": ""}
        job = await jobs.add(a_job(), b"{}", kept)
        assert await jobs.secrets(job.id) == kept
        await jobs.save(replace(job, status=Status.FAILED, phase=Phase.UNDEPLOYING))
        assert await jobs.secrets(job.id) == kept
        found = await jobs.get(job.id)
        assert found is not None
        await jobs.save(replace(found, phase=Phase.DONE))
        assert await jobs.secrets(job.id) == {}

    # --- idempotency --------------------------------------------------------------------------

    async def test_a_hundred_identical_adds_make_one_job(self, jobs: JobStore) -> None:
        key = IdempotencyKey("ann default", "k", "digest")
        made = await asyncio.gather(*(jobs.add(a_job(), b"{}", {}, key) for _ in range(100)))
        assert len({job.id for job in made}) == 1
        assert len((await jobs.page(JobFilter("ann", limit=100))).jobs) == 1

    async def test_a_key_with_another_request_is_refused(self, jobs: JobStore) -> None:
        await jobs.add(a_job(), b"{}", {}, IdempotencyKey("s", "k", "one"))
        with pytest.raises(KeyReused):
            await jobs.add(a_job(), b"{}", {}, IdempotencyKey("s", "k", "two"))
        assert len((await jobs.page(JobFilter("ann"))).jobs) == 1

    async def test_scopes_do_not_share_keys(self, jobs: JobStore) -> None:
        first = await jobs.add(a_job(), b"{}", {}, IdempotencyKey("ann", "k", "d"))
        second = await jobs.add(a_job(), b"{}", {}, IdempotencyKey("bob", "k", "d"))
        assert first.id != second.id

    async def test_a_key_returns_the_job_as_it_is_now(self, jobs: JobStore) -> None:
        key = IdempotencyKey("s", "k", "d")
        ended = await finish(jobs, await jobs.add(a_job(), b"{}", {}, key))
        assert await jobs.add(a_job(created=NOW + DAY - 1), b"{}", {}, key) == ended

    async def test_a_key_is_forgotten_after_a_day(self, jobs: JobStore) -> None:
        first = await jobs.add(a_job(), b"{}", {}, IdempotencyKey("s", "k", "one"))
        later = a_job(created=NOW + DAY)
        second = await jobs.add(later, b"{}", {}, IdempotencyKey("s", "k", "two"))
        assert second.id != first.id

    async def test_keys_are_forgotten_until_a_moment(self, jobs: JobStore) -> None:
        old, new = IdempotencyKey("s", "old", "d"), IdempotencyKey("s", "new", "d")
        await jobs.add(a_job(), b"{}", {}, old)
        await jobs.add(a_job(created=NOW + 1), b"{}", {}, new)
        assert await jobs.forget_keys(NOW) == 1
        assert await jobs.forget_keys(NOW) == 0
        assert await jobs.made_under(old, NOW + 1) is None
        assert await jobs.made_under(new, NOW + 1) is not None

    async def test_a_digest_kept_in_the_former_way_is_known(self, jobs: JobStore) -> None:
        made = await jobs.add(a_job(), b"{}", {}, IdempotencyKey("s", "k", "plain"))
        again = IdempotencyKey("s", "k", "keyed", "plain")
        assert await jobs.made_under(again, NOW) == made
        assert await jobs.add(a_job(), b"{}", {}, again) == made
        with pytest.raises(KeyReused):
            await jobs.made_under(IdempotencyKey("s", "k", "keyed", "another"), NOW)

    async def test_a_key_can_be_asked_for_its_job(self, jobs: JobStore) -> None:
        key = IdempotencyKey("s", "k", "d")
        assert await jobs.made_under(key, NOW) is None
        made = await jobs.add(a_job(), b"{}", {}, key)
        assert await jobs.made_under(key, NOW + DAY - 1) == made
        assert await jobs.made_under(IdempotencyKey("other", "k", "d"), NOW) is None
        with pytest.raises(KeyReused):
            await jobs.made_under(IdempotencyKey("s", "k", "another"), NOW)

    async def test_a_removed_job_frees_its_key(self, jobs: JobStore) -> None:
        key = IdempotencyKey("s", "k", "d")
        first = await finish(jobs, await jobs.add(a_job(), b"{}", {}, key))
        await jobs.remove(first.id)
        assert (await jobs.add(a_job(), b"{}", {}, key)).id != first.id

    # --- leases -------------------------------------------------------------------------------

    async def test_claims_oldest_first_up_to_the_limit(self, jobs: JobStore) -> None:
        made = [await add(jobs, created=NOW - age) for age in (3, 9, 1, 7, 5)]
        oldest = sorted(made, key=lambda job: job.created)
        taken = await jobs.claim("r", NOW, 30, 3)
        assert [job.id for job in taken] == [job.id for job in oldest[:3]]
        assert all(job.fence == 1 for job in taken)
        assert [job.id for job in await jobs.claim("r", NOW, 30, 3)] == [
            job.id for job in oldest[3:]
        ]
        assert await jobs.claim("r", NOW, 30, 3) == []

    async def test_two_reconcilers_share_no_job(self, jobs: JobStore) -> None:
        made = {(await add(jobs)).id for _ in range(40)}
        claims = await asyncio.gather(*(jobs.claim(f"r{n}", NOW, 30, 10) for n in range(8)))
        rest = await jobs.claim("last", NOW, 30, 100)
        taken = [job.id for claim in [*claims, rest] for job in claim]
        assert sorted(taken) == sorted(made)

    async def test_a_lease_that_ran_out_is_taken_over(self, jobs: JobStore) -> None:
        await add(jobs)
        (stale,) = await jobs.claim("one", NOW, 30, 9)
        assert await jobs.claim("two", NOW + 29.9, 30, 9) == []
        (fresh,) = await jobs.claim("two", NOW + 30, 30, 9)
        assert fresh.fence == stale.fence + 1
        with pytest.raises(Conflict):
            await jobs.save(replace(stale, message="too late"), [Event("late", NOW)])
        await jobs.save(replace(fresh, message="mine"))

    async def test_only_own_leases_are_renewed(self, jobs: JobStore) -> None:
        made = [await add(jobs) for _ in range(2)]
        await jobs.claim("one", NOW, 30, 9)
        await jobs.renew("two", [job.id for job in made], NOW + 1000)
        await jobs.renew("one", [made[0].id, "nobody"], NOW + 60)
        await jobs.renew("one", [], NOW + 1000)
        assert [job.id for job in await jobs.claim("two", NOW + 30, 30, 9)] == [made[1].id]

    async def test_a_done_job_is_neither_claimed_nor_renewed(self, jobs: JobStore) -> None:
        await add(jobs)
        (job,) = await jobs.claim("one", NOW, 30, 9)
        await finish(jobs, job)
        await jobs.renew("one", [job.id], NOW + 60)
        assert await jobs.claim("one", NOW + 9999, 30, 9) == []

    async def test_a_dismissal_by_its_owner_reaches_the_reconciler(self, jobs: JobStore) -> None:
        await add(jobs)
        (leased,) = await jobs.claim("one", NOW, 30, 9)
        seen = await jobs.get(leased.id)
        assert seen is not None
        await jobs.save(replace(seen, status=Status.DISMISSED, phase=Phase.STOPPING))
        with pytest.raises(Conflict):
            await jobs.save(replace(leased, status=Status.RUNNING))
        again = await jobs.get(leased.id)
        assert again is not None
        await jobs.save(replace(again, phase=Phase.DONE))

    # --- removing -----------------------------------------------------------------------------

    async def test_a_removed_job_leaves_nothing(self, jobs: JobStore) -> None:
        job = await finish(jobs, await jobs.add(a_job(), b"{}", {"s": "x"}))
        await jobs.remove(job.id)
        await jobs.remove(job.id)
        assert await jobs.get(job.id) is None
        assert await jobs.events(job.id) == []
        assert (await jobs.page(JobFilter("ann"))).jobs == ()
        with pytest.raises(NoSuchJob):
            await jobs.request(job.id)

    async def test_a_live_job_is_not_removed(self, jobs: JobStore) -> None:
        job = await add(jobs)
        with pytest.raises(Conflict):
            await jobs.remove(job.id)
        assert await jobs.get(job.id) == job
