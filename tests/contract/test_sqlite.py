"""SQLite only: a foreign writer, one platform process, groups of writes."""

import asyncio
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import Connection, Select, text
from sqlalchemy.dialects.sqlite import dialect

from openccp.core.problems import Unavailable
from openccp.core.stores import JobFilter
from openccp.store import statements as sql
from openccp.store.cipher import Cipher
from openccp.store.connect import connect
from openccp.store.database import AlreadyOpen, Database
from openccp.store.jobs import PLACE, Jobs
from openccp.store.rows import COLUMNS
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
    assert await jobs.page(JobFilter("ann")) == []
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


async def test_a_write_that_loses_the_transaction_fails_its_whole_group(sqlite: Database) -> None:
    def lose(connection: Connection) -> None:
        connection.exec_driver_sql("ROLLBACK")

    jobs, gate = Jobs(sqlite, Cipher(b"k" * 32)), threading.Event()
    opens = sqlite.write(lambda _: gate.wait(30))
    group = asyncio.gather(opens, add(jobs), sqlite.write(lose), add(jobs), return_exceptions=True)
    await asyncio.sleep(0)
    gate.set()
    outcomes = await group
    assert isinstance(outcomes[0], Unavailable)
    assert isinstance(outcomes[1], Unavailable)
    assert isinstance(outcomes[2], Unavailable)
    assert len(await jobs.page(JobFilter("ann"))) == 1


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


WALKS = [
    sql.page(columns, method=method, status=status, after=after)
    for columns in (COLUMNS, PLACE)
    for method in (False, True)
    for status in (False, True)
    for after in (False, True)
    if status or not method
]


@pytest.mark.parametrize("statement", [*WALKS, sql.DUE, sql.GET, sql.EVENTS, sql.UNDONE])
async def test_no_statement_walks_a_whole_table(
    sqlite: Database, statement: Select[tuple[object, ...]]
) -> None:
    plan = f"EXPLAIN QUERY PLAN {statement.compile(dialect=dialect(paramstyle='qmark'))}"
    ones = (1,) * plan.count("?")
    rows = await sqlite.read(lambda c: c.exec_driver_sql(plan, ones).all())
    steps = [str(row[-1]) for row in rows]
    assert not [step for step in steps if step == "SCAN jobs"]
    if any(statement is walk for walk in WALKS):
        assert len(steps) == 1
        assert steps[0].startswith("SEARCH jobs USING")
