# ruff: noqa: D102 - the name of a test says what it says
"""The part of JobStore's contract that is about queues: limits, counts, and fair claims."""

import asyncio
import random
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
        full = {"local": Room(1, {"ann": 1}, most=1)}
        taken = await jobs.claim("r", NOW, 30, 3, full)
        assert {job.id for job in taken} == {job.id for job in begun}

    async def test_a_full_infrastructure_takes_no_place_of_another(self, jobs: JobStore) -> None:
        for number in range(12):
            await jobs.add(a_job(owner=f"user-{number}", infrastructure="a"), b"{}", {})
        free = await jobs.add(a_job(owner="zoe", infrastructure="b", created=NOW + 1), b"{}", {})
        rooms = {"a": Room(3, {"ann": 4}, most=4), "b": Room(3, most=8)}
        assert [job.id for job in await jobs.claim("r", NOW + 2, 30, 3, rooms)] == [free.id]

    async def test_scarce_places_go_to_who_holds_least_then_to_the_oldest(
        self, jobs: JobStore
    ) -> None:
        for owner, age in (("ann", 9), ("bob", 1), ("cy", 5), ("dan", 3)):
            for number in range(3):
                await jobs.add(a_job(owner=owner, created=NOW - age + number / 9), b"{}", {})
        rooms = {"local": Room(2, {"ann": 1, "eve": 2}, most=5)}
        taken = await jobs.claim("r", NOW + 2, 30, 9, rooms)
        assert [job.owner for job in taken] == ["cy", "dan"]
        rooms = {"local": Room(2, {"ann": 1, "cy": 1, "dan": 1, "eve": 2}, most=6)}
        assert [job.owner for job in await jobs.claim("r", NOW + 2, 30, 9, rooms)] == ["bob"]

    @pytest.mark.parametrize("seed", range(5))
    async def test_any_mix_of_users_and_infrastructures_is_served_fairly(
        self, jobs: JobStore, seed: int
    ) -> None:
        mix = Mix(random.Random(seed))
        for job in mix.jobs:
            await jobs.add(job, b"{}", {})
        taken = await jobs.claim("r", NOW, 30, 5, mix.rooms)
        for place, room in mix.rooms.items():
            here = [job for job in taken if job.infrastructure == place]
            served = Counter(job.owner for job in here)
            waiting = Counter(job.owner for job in mix.jobs if job.infrastructure == place)
            assert len(here) <= room.free
            assert bool(here) == bool(room.free and waiting), "nobody waits for a free place"
            _check_fair(waiting, served, room)
            for owner, count in served.items():
                own = sorted(
                    j.created for j in mix.jobs if (j.infrastructure, j.owner) == (place, owner)
                )
                assert [job.created for job in here if job.owner == owner] == own[:count]


class Mix:
    """Some users with some jobs on some infrastructures, of which nothing is held yet."""

    def __init__(self, dice: random.Random) -> None:
        self.rooms = {
            place: Room(dice.randint(1, 9), most=dice.randint(0, 12)) for place in ("a", "b", "c")
        }
        self.jobs = [
            a_job(owner=owner, infrastructure=place, created=NOW - dice.uniform(0, 100))
            for place in self.rooms
            for owner in dice.sample("abcdefghijklmnop", dice.randint(0, 16))
            for _ in range(dice.randint(1, 6))
        ]


def _check_fair(waiting: Counter[str], served: Counter[str], room: Room) -> None:
    for one in waiting:
        for other in waiting:
            if waiting[one] == waiting[other]:
                assert abs(served[one] - served[other]) <= 1, (waiting, served, room)
            if served[one] < waiting[one]:
                assert served[other] <= served[one] + 1, (waiting, served, room)
