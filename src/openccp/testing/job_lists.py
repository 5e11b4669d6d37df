# ruff: noqa: D102 - the name of a test says what it says
"""What the pages of every job store must be: a part of its contract."""

import random
import secrets
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openccp.core.job import Job, Phase, Status
from openccp.core.job_list import JobFilter, JobPage, Word, fits, place_of
from openccp.core.stores import JobStore

NOW = 1_800_000_000.25
WORDS = ("élan", "50%", "a_b", "done", "!", "Ünit", "\\", "'")
FILTERS: dict[str, Any] = {
    "nothing": {},
    "a status": {"statuses": (Status.FAILED,)},
    "statuses": {"statuses": (Status.RUNNING, Status.ACCEPTED, Status.FAILED)},
    "a method": {"methods": ("m1",)},
    "methods": {"methods": ("m2", "m1", "none", "m2")},
    "a method and a status": {"methods": ("m1",), "statuses": (Status.FAILED,)},
    "since": {"since": NOW + 2},
    "until": {"until": NOW + 4},
    "a time and a status": {"since": NOW + 1, "until": NOW + 5, "statuses": (Status.ACCEPTED,)},
    "shortest": {"shortest": 2.0, "now": NOW + 9},
    "longest": {"longest": 1.5, "now": NOW + 9},
    "a word": {"search": ((Word("50%"),),)},
    "a word beyond ASCII": {"search": ((Word("élan"),),)},
    "two words": {"search": ((Word("done"), Word("a_b")),)},
    "any word": {"search": ((Word("ünit"),), (Word("!"),), (Word("\\"),))},
    "a title": {"search": ((Word("50%", frozenset({"m1"})),),)},
    "a tag": {"tags": ("blue",)},
    "tags": {"tags": ("blue", "a,b")},
    "a tag and more": {
        "tags": ("a,b",),
        "methods": ("m1", "m2"),
        "statuses": (Status.FAILED, Status.RUNNING),
        "since": NOW + 1,
        "search": ((Word("done"),),),
    },
    "all of it": {
        "methods": ("m1", "m2"),
        "statuses": (Status.FAILED, Status.RUNNING),
        "since": NOW + 1,
        "until": NOW + 6,
        "shortest": 0.5,
        "longest": 7.0,
        "now": NOW + 9,
        "search": ((Word("done"),), (Word("50%"),), (Word("a_b"),)),
    },
}
FUNCTION_FIXTURE = [HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]


def a_job(**changes: Any) -> Job:
    """A new job of owner `ann`."""
    job = Job(secrets.token_hex(16), "echo", 1, "ann", "default", "local", NOW, NOW)
    return replace(job, **changes)


async def add(jobs: JobStore, **changes: Any) -> Job:
    """A new job that is stored."""
    return await jobs.add(a_job(**changes), b"{}", {})


async def finish(jobs: JobStore, job: Job, status: Status = Status.FAILED) -> Job:
    """The job brought to its end, as the transitions allow."""
    if status is Status.SUCCESSFUL:
        job = await jobs.save(replace(job, status=Status.RUNNING, phase=Phase.EXECUTING))
    return await jobs.save(replace(job, status=status, phase=Phase.DONE))


class Crowd:
    """Jobs of one owner that arrive, start, end, are dismissed and removed, as dice say."""

    def __init__(self, jobs: JobStore, seed: int) -> None:
        self._jobs = jobs
        self._dice = random.Random(seed)
        self.owner = secrets.token_hex(8)
        self.there: dict[str, Job] = {}

    async def arrive(self) -> None:
        """One more, somewhere in the list, also at a place in time that others share."""
        dice = self._dice
        created = NOW + dice.randrange(8) + dice.choice((0, 0, 0.5))
        words = " ".join(dice.choice((w, w.upper())) for w in dice.choices(WORDS, k=2))
        job = await add(
            self._jobs,
            owner=self.owner,
            method=f"m{dice.randrange(4)}",
            created=created,
            note=words,
        )
        tags = tuple(tag for tag in ("a,b", "blue", "red") if dice.random() < 0.4)
        if tags:
            job = await self._jobs.label(replace(job, tags=tags))
        self.there[job.id] = job

    async def change(self) -> None:
        """Something happens to some job, or one arrives."""
        job = self._dice.choice([*self.there.values(), None])
        if job is None:
            await self.arrive()
        elif job.phase is Phase.DONE:
            await self._jobs.remove(job.id)
            del self.there[job.id]
        elif job.status is Status.ACCEPTED and self._dice.random() < 0.7:
            started = job.created + self._dice.randrange(3)
            running = replace(job, status=Status.RUNNING, started=started)
            self.there[job.id] = await self._jobs.save(running)
        else:
            end = self._dice.choice((Status.FAILED, Status.DISMISSED))
            finished = job.created + self._dice.randrange(9)
            done = replace(job, status=end, phase=Phase.DONE, finished=finished, message="done")
            self.there[job.id] = await self._jobs.save(done)

    def right(self, wanted: JobFilter) -> list[Job]:
        """Those wanted, newest first."""
        found = (job for job in self.there.values() if fits(job, wanted))
        return sorted(found, key=place_of, reverse=True)


async def _next(jobs: JobStore, wanted: JobFilter, page: JobPage) -> JobPage | None:
    """The next page of a walk in the direction of `wanted`."""
    if wanted.upwards:
        return await jobs.page(replace(wanted, before=page.newer)) if page.newer else None
    return await jobs.page(replace(wanted, after=page.older)) if page.older else None


class PagingContract:
    """JobStore.page: however long a page or a search is, nothing is lost or met twice."""

    @settings(max_examples=30, deadline=None, suppress_health_check=FUNCTION_FIXTURE)
    @given(
        seed=st.integers(0, 2**32),
        kind=st.sampled_from(sorted(FILTERS)),
        limit=st.integers(1, 4),
        upwards=st.booleans(),
        before=st.integers(0, 16),
        meanwhile=st.integers(0, 4),
    )
    async def test_paging_neither_loses_nor_repeats_while_others_come_and_go(
        self,
        jobs: JobStore,
        seed: int,
        kind: str,
        limit: int,
        upwards: bool,
        before: int,
        meanwhile: int,
    ) -> None:
        crowd = Crowd(jobs, seed)
        for _ in range(before):
            await crowd.arrive()
        bottom = (0.0, "") if upwards else None
        wanted = JobFilter(crowd.owner, limit, before=bottom, **FILTERS[kind])
        steady = {job.id for job in crowd.right(wanted)}
        seen: list[Job] = []
        page: JobPage | None = await jobs.page(wanted)
        while page is not None:
            assert len(page.jobs) <= limit
            seen += reversed(page.jobs) if upwards else page.jobs
            for _ in range(meanwhile if len(seen) < 60 else 0):
                await crowd.change()
                steady &= {job.id for job in crowd.right(wanted)}
            page = await _next(jobs, wanted, page)
        places = [place_of(job) for job in seen]
        assert places == sorted(set(places), reverse=not upwards)
        assert steady <= {job.id for job in seen}


class JobListContract(PagingContract):
    """JobStore.page: the owner's, newest first, whole, and once."""

    async def test_a_page_is_the_owners_and_newest_first(self, jobs: JobStore) -> None:
        made = [await add(jobs, created=NOW + n % 3) for n in range(7)]
        await add(jobs, owner="bob")
        newest = tuple(sorted(made, key=place_of, reverse=True))
        assert (await jobs.page(JobFilter("ann", limit=5))).jobs == newest[:5]
        assert await jobs.page(JobFilter("nobody")) == JobPage()

    async def test_pages_meet_in_both_directions(self, jobs: JobStore) -> None:
        made = [await add(jobs, created=NOW + n % 3) for n in range(7)]
        newest = tuple(sorted(made, key=place_of, reverse=True))
        wanted = JobFilter("ann", 3)
        first = await jobs.page(wanted)
        second = await jobs.page(replace(wanted, after=first.older))
        third = await jobs.page(replace(wanted, after=second.older))
        assert (first.jobs, second.jobs, third.jobs) == (newest[:3], newest[3:6], newest[6:])
        assert (first.newer, third.older) == (None, None)
        assert await jobs.page(replace(wanted, before=third.newer)) == second
        again = await jobs.page(replace(wanted, before=second.newer))
        assert again == replace(first, older=second.newer)

    @pytest.mark.parametrize("changes", FILTERS.values(), ids=FILTERS)
    async def test_a_page_holds_what_fits(self, jobs: JobStore, changes: dict[str, Any]) -> None:
        crowd = Crowd(jobs, 7)
        for _ in range(30):
            await crowd.arrive()
        for _ in range(40):
            await crowd.change()
        wanted = JobFilter(crowd.owner, 100, **changes)
        assert list((await jobs.page(wanted)).jobs) == crowd.right(wanted)
        upwards = replace(wanted, before=(0.0, ""))
        assert list((await jobs.page(upwards)).jobs) == crowd.right(wanted)
        assert (await jobs.page(replace(wanted, owner="ann"))).jobs == ()

    async def test_what_no_database_takes_fits_nothing(self, jobs: JobStore) -> None:
        await add(jobs)
        for text in ("a\0b", "\ud800", "x" * 10_000, "\\", "!", "%"):
            assert (await jobs.page(JobFilter("ann", methods=(text,)))).jobs == ()
            assert (await jobs.page(JobFilter("ann", search=((Word(text),),)))).jobs == ()
            assert (await jobs.page(JobFilter("ann", after=(0.0, text)))).jobs == ()
