# ruff: noqa: D102 - the name of a test says what it says
"""The part of JobStore's contract that is about queues: limits, counts, and fair claims."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from openccp.core.job import Event, Job, Phase, Status
from openccp.core.policy import QueueFull, QueueLimits
from openccp.core.queue import Load, Room
from openccp.core.stores import JobStore
from openccp.testing.created_jobs import created, started
from openccp.testing.stores import NOW, a_job

ONE = QueueLimits(total=1, context=1, user=1)
FEW = QueueLimits(total=5, context=4, user=3)


async def kept(jobs: JobStore, made: Job, most: QueueLimits | None = None) -> Job | None:
    """The job, or None where the queue is full."""
    try:
        return await jobs.add(made, b"{}", {}, most=most)
    except QueueFull:
        return None


class QueuedJobsContract:
    """What a store promises of jobs that wait."""

    async def test_of_many_at_once_no_more_wait_than_may(self, jobs: JobStore) -> None:
        made = [a_job(created=NOW + n) for n in range(20)]
        found = await asyncio.gather(*(kept(jobs, job, FEW) for job in made))
        assert sum(job is not None for job in found) == 3
        assert await jobs.loads() == {"local": Load(waiting=3)}
        for job, made_it in zip(made, found, strict=True):
            assert await jobs.get(job.id) == made_it

    @pytest.mark.parametrize(
        ("changes", "fits", "words"),
        [
            ({}, 3, "3 jobs of yours"),
            ({"owner": "bob"}, 1, "4 jobs of your context"),
            ({"owner": "bob", "context": "vre"}, 2, "5 jobs in all"),
            ({"infrastructure": "other"}, 3, "3 jobs of yours"),
        ],
    )
    async def test_a_full_queue_says_whose(
        self, jobs: JobStore, changes: dict[str, str], fits: int, words: str
    ) -> None:
        if changes:
            for _ in range(3):
                await jobs.add(a_job(), b"{}", {}, most=FEW)
        for _ in range(fits):
            await jobs.add(a_job(**changes), b"{}", {}, most=FEW)
        with pytest.raises(QueueFull, match=words) as full:
            await jobs.add(a_job(**changes), b"{}", {}, most=FEW)
        assert full.value.retry_after

    async def test_counts_follow_a_job_to_its_end(self, jobs: JobStore) -> None:
        job = await jobs.add(a_job(), b"{}", {})
        await created(jobs)
        assert await jobs.loads() == {"local": Load(1, 0)}
        assert await jobs.oldest_waiting() == {"local": job.created}
        job = await jobs.save(replace(job, message="still"), [Event("x", NOW)])
        job = await jobs.save(replace(job, status=Status.RUNNING, phase=Phase.EXECUTING))
        assert await jobs.loads() == {"local": Load(0, 1)}
        assert await jobs.oldest_waiting() == {}
        job = await jobs.save(replace(job, status=Status.SUCCESSFUL, phase=Phase.DONE))
        assert (await jobs.loads()).get("local", Load()) == Load()
        assert await kept(jobs, a_job(), QueueLimits(1, 1, 1))

    async def test_a_started_job_needs_a_place_too(self, jobs: JobStore) -> None:
        waits = await created(jobs)
        await jobs.add(a_job(), b"{}", {})
        start = started(waits)
        with pytest.raises(QueueFull):
            await jobs.redefine(start, b"{}", {}, b"{}", Event("accepted", NOW), ONE)
        assert await jobs.get(waits.id) == waits
        await jobs.redefine(start, b"{}", {}, b"{}", Event("accepted", NOW), FEW)
        assert await jobs.loads() == {"local": Load(2, 0)}

    async def test_nobody_is_starved_by_a_long_queue(self, jobs: JobStore) -> None:
        for number in range(50):
            await jobs.add(a_job(owner="ann", created=NOW + number), b"{}", {})
        for owner in ("bob", "cy"):
            await jobs.add(a_job(owner=owner, created=NOW + 100), b"{}", {})
        taken = await jobs.claim("r", NOW + 200, 30, 100, {"local": Room(6)})
        assert Counter(job.owner for job in taken) == {"ann": 4, "bob": 1, "cy": 1}
        assert [job.created - NOW for job in taken if job.owner == "ann"] == [0, 1, 2, 3]
        await jobs.add(a_job(owner="dan", created=NOW + 101), b"{}", {})
        full = {"local": Room(6, {"ann": 4, "bob": 1, "cy": 1})}
        (late,) = await jobs.claim("r", NOW + 200, 30, 100, full)
        assert late.owner == "dan"

    async def test_what_is_under_way_waits_for_no_share(self, jobs: JobStore) -> None:
        begun = [await jobs.add(a_job(), b"{}", {}) for _ in range(3)]
        for job in begun:
            await jobs.save(replace(job, phase=Phase.STARTING))
        await jobs.add(a_job(), b"{}", {})
        taken = await jobs.claim("r", NOW, 30, 3, {"local": Room(1)})
        assert {job.id for job in taken} == {job.id for job in begun}
