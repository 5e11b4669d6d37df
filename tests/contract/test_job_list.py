"""Searches look at a bounded number of jobs, stay beside the event loop, and lose none."""

import asyncio
from dataclasses import replace

import pytest

from openccp.core.job import Status
from openccp.core.job_list import JobFilter, JobPage, Word
from openccp.core.stores import JobStore
from openccp.store import pages
from openccp.store.cipher import Cipher
from openccp.store.database import Database
from openccp.store.jobs import Jobs
from openccp.testing.fill import NEWEST, fill_jobs
from openccp.testing.job_lists import PagingContract, add

MANY = 45_000
SEARCHES = {
    "a word": JobFilter("ann", search=((Word("no job has this"),),)),
    "a word and a status": JobFilter(
        "ann", statuses=(Status.SUCCESSFUL,), search=((Word("no job has this"),),)
    ),
    "a duration": JobFilter("ann", shortest=1e6),
    "all of it": JobFilter(
        "ann",
        statuses=(Status.SUCCESSFUL, Status.FAILED),
        methods=("a", "b"),
        longest=0.1,
        search=((Word("a"),),),
    ),
}


class TestHurriedSearches(PagingContract):
    """The same promise where every search stops after a few jobs."""

    @pytest.fixture
    def jobs(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> JobStore:
        monkeypatch.setattr(pages, "ROWS_LOOKED_AT", 6)
        monkeypatch.setattr(pages, "FIRST_STEP", 2)
        monkeypatch.setattr(pages, "LONGEST_STEP", 4)
        return Jobs(database, Cipher(b"k" * 32))


@pytest.fixture
async def many(database: Database, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    monkeypatch.setattr(pages, "SECONDS_LOOKED", 60.0)
    await fill_jobs(database, MANY, "ann", methods=("a", "b"))
    return Jobs(database, Cipher(b"k" * 32))


@pytest.mark.parametrize("wanted", SEARCHES.values(), ids=SEARCHES)
async def test_a_search_stops_after_a_while_and_goes_on(many: Jobs, wanted: JobFilter) -> None:
    found: list[JobPage] = [await many.page(wanted)]
    while (place := found[-1].older) is not None:
        found.append(await many.page(replace(wanted, after=place)))
    assert len(found) == (2 if wanted.statuses == (Status.SUCCESSFUL,) else 3)
    assert all(page.searched_to == page.older for page in found)
    assert found[0].older is not None
    looked_at = NEWEST - found[0].older[0]
    assert looked_at <= pages.ROWS_LOOKED_AT * (5 / 3 if len(found) == 2 else 1)


async def test_a_search_out_of_time_stops(many: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "SECONDS_LOOKED", 0.0)
    page = await many.page(SEARCHES["a word"])
    assert page.older == page.searched_to
    assert page.older is not None
    assert page.older[0] == NEWEST - pages.FIRST_STEP + 1


async def test_a_search_holds_up_nobody(many: Jobs) -> None:
    """Reads and durable writes go on while searches wait for each other."""
    searches = [asyncio.create_task(many.page(SEARCHES["a word"])) for _ in range(8)]
    for _ in range(5):
        job = await add(many)
        assert await many.get(job.id) == job
    assert not all(search.done() for search in searches)
    for page in await asyncio.gather(*searches):
        assert page.older is not None


async def test_a_page_reads_no_more_than_it_may(many: Jobs) -> None:
    methods = (*(f"m{number}" for number in range(48)), "a", "b")
    wanted = JobFilter("ann", limit=10_000, methods=methods)
    page = await many.page(wanted)
    assert len(page.jobs) == pages.ROWS_LOOKED_AT // (len(methods) * len(Status))
    assert page.older is not None
    assert len((await many.page(JobFilter("ann", limit=10_000))).jobs) == 10_000
