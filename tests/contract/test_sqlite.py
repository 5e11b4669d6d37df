"""SQLite only: a foreign writer, one platform process, groups of writes."""

import asyncio
import re
import sqlite3
import time
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Select, event, text
from sqlalchemy.dialects.sqlite import dialect

from openccp.core.job import Status
from openccp.core.job_list import JobFilter
from openccp.core.problems import Unavailable
from openccp.store import claims, page_statements
from openccp.store import sqlite as module
from openccp.store import statements as sql
from openccp.store.cipher import Cipher
from openccp.store.connect import connect
from openccp.store.database import AlreadyOpen, Database
from openccp.store.jobs import Jobs
from openccp.store.pages import Walk
from openccp.store.rows import COLUMNS
from openccp.testing.job_lists import FILTERS
from openccp.testing.stores import add


async def test_a_foreign_lock_means_unavailable_then_all_is_well(
    sqlite_url: str, tmp_path: Path
) -> None:
    database = connect(sqlite_url, busy_timeout=0.2)
    jobs = Jobs(database, Cipher(b"k" * 32))
    foreign = sqlite3.connect(tmp_path / "ccp.db", isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    refused = await asyncio.gather(*(add(jobs) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(problem, Unavailable) for problem in refused)
    assert all(isinstance(p, Unavailable) and p.retry_after for p in refused)
    assert (await jobs.page(JobFilter("ann"))).jobs == ()
    foreign.execute("ROLLBACK")
    foreign.close()
    job = await add(jobs)
    assert await jobs.get(job.id) == job
    await database.close()


async def test_a_short_foreign_lock_is_waited_for(sqlite: Database, tmp_path: Path) -> None:
    jobs = Jobs(sqlite, Cipher(b"k" * 32))
    foreign = sqlite3.connect(tmp_path / "ccp.db", isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    adding = asyncio.create_task(add(jobs))
    started = time.monotonic()
    done, _ = await asyncio.wait({adding}, timeout=0.1)
    assert not done
    assert time.monotonic() - started < 1, "the event loop goes on while the lock is waited for"
    foreign.execute("ROLLBACK")
    foreign.close()
    assert await jobs.get((await adding).id)


async def test_one_platform_process(sqlite: Database, sqlite_url: str) -> None:
    sqlite.lock()
    sqlite.lock()
    other = connect(sqlite_url)
    with pytest.raises(AlreadyOpen):
        other.lock()
    await add(Jobs(other, Cipher(b"k" * 32)))
    await sqlite.close()
    other.lock()
    await other.close()


async def test_reading_cannot_write(sqlite: Database) -> None:
    with pytest.raises(Unavailable):
        await sqlite.read(lambda c: c.execute(text("DELETE FROM jobs")).rowcount)


async def test_a_write_that_loses_the_transaction_fails_its_whole_group(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(connection: Connection) -> None:
        connection.exec_driver_sql("ROLLBACK")

    monkeypatch.setattr(module, "LONGEST_GROUP", 60)
    jobs = Jobs(sqlite, Cipher(b"k" * 32))
    outcomes = await asyncio.gather(
        add(jobs), sqlite.write(lose), add(jobs), return_exceptions=True
    )
    assert isinstance(outcomes[0], Unavailable)
    assert isinstance(outcomes[1], Unavailable)
    assert len((await jobs.page(JobFilter("ann"))).jobs) == 1


async def test_a_statement_left_open_is_an_error_not_a_hang(sqlite: Database) -> None:
    left = text("INSERT INTO contexts VALUES ('a', 'b'), ('c', 'd') RETURNING name")
    with pytest.raises(Unavailable):
        await sqlite.write(lambda connection: connection.execute(left))
    await add(Jobs(sqlite, Cipher(b"k" * 32)))


async def test_closing_waits_for_what_was_asked(sqlite_url: str) -> None:
    database = connect(sqlite_url)
    jobs = Jobs(database, Cipher(b"k" * 32))
    adding = [asyncio.create_task(add(jobs)) for _ in range(10)]
    await asyncio.sleep(0)
    await database.close()
    assert len(await asyncio.gather(*adding)) == 10


BOUNDS = (None, (1.0, "a"))
WALKS = [
    Walk("ann", low, high, upwards, method, status)
    for method, status in product((None, "m"), (None, Status.FAILED))
    if status or not method
    for low, high, upwards in product(BOUNDS, BOUNDS, (False, True))
]
WANTED = [JobFilter("ann", **changes) for changes in FILTERS.values()]
SEARCHES = [wanted for wanted in WANTED if wanted.needs_search]


async def _steps(sqlite: Database, statement: Select[Any], given: dict[str, Any]) -> list[str]:
    """How the database goes about a statement."""
    plans: list[str] = []

    def work(connection: Connection) -> None:
        @event.listens_for(connection, "before_cursor_execute", retval=True)
        def explain(_1: Any, _2: Any, text: str, given: Any, _3: Any, _4: Any) -> tuple[str, Any]:
            return f"EXPLAIN QUERY PLAN {text}", given

        try:
            rows = connection.execute(statement, given).cursor.fetchall()
            plans.extend(str(row[-1]) for row in rows)
        finally:
            event.remove(connection, "before_cursor_execute", explain)

    await sqlite.read(work)
    return plans


def _goes_along(index: str, steps: list[str]) -> bool:
    """Jobs by their index, and nothing beside but a look at whether one has a tag."""
    first, *more = steps
    tags = all(re.match(r"SEARCH job_tags\w* USING PRIMARY KEY", step) for step in more)
    return first.startswith("SEARCH jobs USING") and f" {index} " in first and tags


def _index(walk: Walk) -> str:
    if walk.method is not None:
        return "jobs_by_method"
    return "jobs_newest" if walk.status is None else "jobs_by_status"


@pytest.mark.parametrize("walk", WALKS)
async def test_a_walk_goes_along_its_index(sqlite: Database, walk: Walk) -> None:
    given = walk.parameters | {"limit": 10, "offset": 9}
    steps = await _steps(sqlite, page_statements.walk(COLUMNS, walk.shape), given)
    assert _goes_along(_index(walk), steps)
    steps = await _steps(sqlite, page_statements.edge(walk.shape), given)
    assert _goes_along(_index(walk), steps)
    assert "COVERING INDEX" in steps[0], "an edge reads nothing but the index"


@pytest.mark.parametrize("wanted", SEARCHES)
@pytest.mark.parametrize("walk", WALKS)
async def test_a_search_goes_along_the_index_of_its_walk(
    sqlite: Database, walk: Walk, wanted: JobFilter
) -> None:
    statement = page_statements.search(walk.shape, wanted)
    given = walk.parameters | page_statements.search_parameters(wanted)
    steps = [s for s in await _steps(sqlite, statement, given) if "SCALAR" not in s]
    assert _goes_along(_index(walk), steps)


@pytest.mark.parametrize(
    "statement", [claims.BEGUN, claims.QUEUED, claims.FIRSTS, claims.OLDEST, sql.GET, sql.EVENTS]
)
async def test_no_statement_walks_a_whole_table(
    sqlite: Database, statement: Select[tuple[object, ...]]
) -> None:
    plan = f"EXPLAIN QUERY PLAN {statement.compile(dialect=dialect(paramstyle='qmark'))}"
    ones = (1,) * plan.count("?")
    rows = await sqlite.read(lambda c: c.exec_driver_sql(plan, ones).all())
    assert not [row for row in rows if row[-1] == "SCAN jobs"]
