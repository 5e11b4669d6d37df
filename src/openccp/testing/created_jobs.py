# ruff: noqa: D102 - the name of a test says what it says
"""What every job store must do with jobs that are created and not started."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from openccp.core.job import Event, Job, Phase, Status
from openccp.core.job_list import JobFilter
from openccp.core.problems import NoSuchJob
from openccp.core.stores import Conflict, JobStore
from openccp.testing.stores import NOW, a_job, finish

CHANGED = Event("changed", NOW + 1)
ACCEPTED = Event("accepted", NOW + 2)


async def created(jobs: JobStore, **changes: Any) -> Job:
    """A stored job that is not started."""
    job = a_job(status=Status.CREATED, phase=Phase.CREATED, **changes)
    return await jobs.add(job, b"{}", {}, None, b'{"a": 1}')


def started(job: Job) -> Job:
    """The job as it is started."""
    return replace(job, status=Status.ACCEPTED, phase=Phase.QUEUED, message="queued")


class CreatedJobsContract:
    """JobStore: a created job is nobody's work until it is started, once."""

    async def test_what_was_sent_is_there(self, jobs: JobStore) -> None:
        job = await created(jobs)
        assert await jobs.sent(job.id) == b'{"a": 1}'
        assert await jobs.get(job.id) == job
        assert [event.kind for event in await jobs.events(job.id)] == ["created"]
        with pytest.raises(NoSuchJob):
            await jobs.sent("nobody")

    async def test_a_created_job_is_not_claimed(self, jobs: JobStore) -> None:
        job = await created(jobs)
        assert await jobs.claim("r", NOW + 1e9, 30, 9) == []
        page = await jobs.page(JobFilter("ann", statuses=(Status.CREATED,)))
        assert page.jobs == (job,)

    async def test_a_started_job_is_claimed(self, jobs: JobStore) -> None:
        job = await created(jobs)
        saved = await jobs.redefine(started(job), b'{"b": 2}', {"s": "x"}, b'{"a": 2}', ACCEPTED)
        assert saved == replace(started(job), version=job.version + 1)
        assert [taken.id for taken in await jobs.claim("r", NOW, 30, 9)] == [job.id]
        assert await jobs.request(job.id) == b'{"b": 2}'
        assert await jobs.sent(job.id) == b'{"a": 2}'
        assert await jobs.secrets(job.id) == {"s": "x"}
        assert [event.kind for event in await jobs.events(job.id)] == ["created", "accepted"]

    async def test_a_changed_job_is_another_and_not_claimed(self, jobs: JobStore) -> None:
        job = await jobs.add(
            a_job(status=Status.CREATED, phase=Phase.CREATED), b"{}", {"old": "o", "both": "b"}
        )
        other = replace(
            job, method="m2", revision=7, infrastructure="far", note="n", updated=NOW + 5
        )
        saved = await jobs.redefine(other, b"{}", {"both": "c"}, b"{}", CHANGED)
        assert saved == await jobs.get(job.id) == replace(other, version=job.version + 1)
        assert await jobs.secrets(job.id) == {"both": "c"}
        assert await jobs.claim("r", NOW, 30, 9) == []

    async def test_of_ten_starts_and_changes_of_one_version_one_wins(self, jobs: JobStore) -> None:
        job = await created(jobs)
        wanted = [started(job) if number % 2 else job for number in range(10)]
        outcomes = await asyncio.gather(
            *(jobs.redefine(one, b"{}", {}, b"{}", CHANGED) for one in wanted),
            return_exceptions=True,
        )
        assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 9
        assert len(await jobs.events(job.id)) == 2

    async def test_a_started_job_is_not_redefined(self, jobs: JobStore) -> None:
        job = await jobs.redefine(started(await created(jobs)), b"{}", {}, b"{}", ACCEPTED)
        for now in (job, await finish(jobs, job)):
            with pytest.raises(Conflict):
                await jobs.redefine(started(now), b"{}", {}, b"{}", ACCEPTED)
        with pytest.raises(Conflict):
            await jobs.redefine(a_job(), b"{}", {}, b"{}", ACCEPTED)

    async def test_a_created_job_only_starts_or_is_dismissed(self, jobs: JobStore) -> None:
        job = await created(jobs)
        for status in (Status.RUNNING, Status.SUCCESSFUL, Status.FAILED):
            with pytest.raises(Conflict):
                await jobs.save(replace(job, status=status))
        await jobs.save(replace(job, status=Status.DISMISSED, phase=Phase.DONE))
        with pytest.raises(Conflict):
            await jobs.redefine(started(job), b"{}", {}, b"{}", ACCEPTED)

    async def test_a_created_job_is_removed_once_it_is_dismissed(self, jobs: JobStore) -> None:
        job = await created(jobs)
        with pytest.raises(Conflict):
            await jobs.remove(job.id)
        await jobs.save(replace(job, status=Status.DISMISSED, phase=Phase.DONE))
        await jobs.remove(job.id)
        assert await jobs.get(job.id) is None

    async def test_what_nobody_started_is_forgotten(self, jobs: JobStore) -> None:
        old, new = await created(jobs), await created(jobs, updated=NOW + 10)
        running = await jobs.redefine(started(await created(jobs)), b"{}", {}, b"{}", ACCEPTED)
        assert await jobs.forget_created(NOW) == 1
        assert await jobs.forget_created(NOW) == 0
        assert await jobs.get(old.id) is None
        assert await jobs.get(new.id) == new
        assert await jobs.get(running.id) == running
