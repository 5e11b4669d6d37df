"""SQLite: statements run on the event loop, commits on a thread, many changes to one commit.

A statement takes microseconds; what takes time is the disk. Running statements in a thread
would cost a hand-over of the interpreter lock for each of them, so only waiting leaves the loop.
"""

import asyncio
import fcntl
import os
import sqlite3
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from time import monotonic
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Select, Table, create_engine
from sqlalchemy.dialects.sqlite import dialect, insert
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.dml import Insert

from openccp.store.database import JOBS, AlreadyOpen, Database, Row, T, Work, lower, unavailable

LONGEST_GROUP = 0.005
READ_PRAGMAS = ("busy_timeout=500", "foreign_keys=ON", "query_only=ON", "cache_size=-8192")
WRITE_PRAGMAS = (
    "busy_timeout=5000",
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",
    "journal_size_limit=67108864",
    "busy_timeout=0",
)


def _create(path: str) -> None:
    """The file, private from the start: the journal files take their permissions from it.

    A file that is there is not opened: closing it again would drop every POSIX lock that this
    process holds on it, and another process would then take SQLite's journal away from under us.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def open_connection(url: URL, pragmas: tuple[str, ...]) -> tuple[Connection, sqlite3.Connection]:
    """A connection on which transactions begin and end only by our own words, and its driver's."""
    assert url.database is not None
    _create(url.database)
    engine = create_engine(
        url,
        poolclass=NullPool,
        connect_args={"isolation_level": None, "check_same_thread": False},
    )
    connection = engine.connect()
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    for pragma in pragmas:
        driver.execute(f"PRAGMA {pragma}")
    return connection, driver


@cache
def _text(statement: Select[Any]) -> str:
    return str(statement.compile(dialect=dialect(paramstyle="named")))


@dataclass(slots=True)
class Pending:
    """One asked-for write and where its outcome goes."""

    work: Work[Any]
    outcome: asyncio.Future[Any]
    value: Any = None
    error: Exception | None = None

    def settle(self) -> None:
        """Tell the one who waits (who may have left)."""
        if self.outcome.done():
            return
        if self.error is None:
            self.outcome.set_result(self.value)
        else:
            self.outcome.set_exception(self.error)


class Savepoint:
    """Undoes one write of a group and keeps its error, so that the others go on."""

    def __init__(self, driver: sqlite3.Connection, pending: Pending) -> None:
        self._driver = driver
        self._pending = pending

    def __enter__(self) -> None:
        self._driver.execute("SAVEPOINT one")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if isinstance(error, Exception):
            self._pending.error = _explained(error)
            if self._driver.in_transaction:
                self._driver.execute("ROLLBACK TO one")
        if self._driver.in_transaction:
            self._driver.execute("RELEASE one")
        return isinstance(error, Exception)


def _explained(error: Exception) -> Exception:
    """What the database itself cannot do (full, locked, failing disk) may pass."""
    if isinstance(error, OperationalError):
        return unavailable(f"The database does not answer ({error.orig}).")
    return error


class SqliteDatabase(Database):
    """A SQLite file in WAL mode. One platform process may hold its `lock`."""

    def __init__(self, url: URL, busy_timeout: float = 5.0) -> None:
        self.url = url
        self._busy_timeout = busy_timeout
        self._writer, self._driver = open_connection(url, WRITE_PRAGMAS)
        self._reader, self._reading = open_connection(url, READ_PRAGMAS)
        self._long_reader, _ = open_connection(url, READ_PRAGMAS)
        self._long_reads = ThreadPoolExecutor(1, thread_name_prefix="sqlite-read")
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
        self._waiting: deque[Pending] = deque()
        self._commits: asyncio.Task[None] | None = None
        self._listeners: list[tuple[str, Callable[[], None]]] = []
        self._announced: set[str] = set()
        self._lock_file: int | None = None

    async def read(self, work: Work[T]) -> T:
        """What `work` returns, on a connection that cannot write."""
        try:
            return work(self._reader)
        except OperationalError as error:
            raise _explained(error) from error

    async def row(self, statement: Select[Any], parameters: Mapping[str, Any]) -> Row | None:
        """The one row, by the driver itself: all else would take longer than the database."""
        try:
            rows: list[Row] = self._reading.execute(_text(statement), parameters).fetchall()
        except sqlite3.OperationalError as error:
            raise unavailable(f"The database does not answer ({error}).") from error
        return rows[0] if rows else None

    async def read_long(self, work: Work[T]) -> T:
        """What `work` returns, one after another on a thread with a connection of its own."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._long_reads, work, self._long_reader)
        except OperationalError as error:
            raise _explained(error) from error

    async def write(self, work: Work[T]) -> T:
        """What `work` returns, once the group it was put into is on disk."""
        pending = Pending(work, asyncio.get_running_loop().create_future())
        self._waiting.append(pending)
        if self._commits is None:
            self._commits = asyncio.create_task(self._commit_groups())
        outcome: T = await pending.outcome
        return outcome

    async def _commit_groups(self) -> None:
        try:
            while self._waiting:
                if await self._begin():
                    await self._commit(self._run_group())
                    await asyncio.sleep(0)  # who was just answered may have more to write
        finally:
            self._commits = None

    async def _begin(self) -> bool:
        """Take the write lock; who waits longer than the busy timeout is told to come back."""
        try:
            self._driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            try:
                await self._on_thread(self._begin_patiently)
            except sqlite3.OperationalError as error:
                self._refuse_waiting(error)
                return False
        return True

    def _begin_patiently(self) -> None:
        self._driver.execute(f"PRAGMA busy_timeout={int(self._busy_timeout * 1000)}")
        try:
            self._driver.execute("BEGIN IMMEDIATE")
        finally:
            self._driver.execute("PRAGMA busy_timeout=0")

    def _refuse_waiting(self, error: sqlite3.Error) -> None:
        while self._waiting:
            pending = self._waiting.popleft()
            pending.error = unavailable(f"The database cannot be written just now ({error}).")
            pending.settle()

    def _run_group(self) -> list[Pending]:
        """Run what waits, but let the event loop breathe: the rest goes into the next group."""
        group: list[Pending] = []
        started = monotonic()
        while self._waiting and monotonic() - started < LONGEST_GROUP:
            pending = self._waiting.popleft()
            if pending.outcome.done():
                continue
            group.append(pending)
            try:
                with Savepoint(self._driver, pending):
                    pending.value = pending.work(self._writer)
            except sqlite3.Error as error:
                pending.value = None  # an unread result would keep its statement running
                pending.error = unavailable(f"The change could not be kept ({error}).")
                self._driver.rollback()
            if not self._driver.in_transaction:
                break
        return group

    async def _commit(self, group: list[Pending]) -> None:
        failure = await self._on_thread(self._end_transaction)
        for pending in group:
            if failure is not None and pending.error is None:
                pending.error = unavailable(f"The change could not be kept ({failure}).")
            pending.settle()
        announced, self._announced = self._announced, set()
        for topic, listener in self._listeners if announced else ():
            if topic in announced:
                listener()

    def _end_transaction(self) -> sqlite3.Error | None:
        try:
            if not self._driver.in_transaction:
                return sqlite3.OperationalError("the transaction was rolled back")
            self._driver.execute("COMMIT")
        except sqlite3.Error as error:
            if self._driver.in_transaction:
                self._driver.execute("ROLLBACK")
            return error
        return None

    async def _on_thread(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._disk, function)

    def lock(self) -> bool:
        """Hold the lock file beside the database until `close` or the end of the process."""
        if self._lock_file is not None:
            return True
        path = f"{self.url.database}.lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise AlreadyOpen(f"{AlreadyOpen.__doc__} ({path})") from error
        self._lock_file = descriptor
        return True

    def listen(self, callback: Callable[[], None], topic: str = JOBS) -> None:
        """Call `callback` after an `announce` of this process."""
        self._listeners.append((topic, callback))

    def announce(self, connection: Connection, topic: str = JOBS) -> None:
        """Wake the listeners after the next commit."""
        self._announced.add(topic)

    def insert_unless_there(self, table: Table, *key: str) -> Insert:
        """An INSERT that does nothing where `key` is already taken."""
        return insert(table).on_conflict_do_nothing(index_elements=key)

    def insert_or_lower(self, table: Table, *key: str, column: str) -> Insert:
        """An INSERT that, where `key` is taken, lowers `column` to the new value."""
        new = insert(table)
        change = {column: lower(table.c[column], new.excluded[column])}
        return new.on_conflict_do_update(index_elements=key, set_=change)

    @property
    def skips_locked(self) -> bool:
        """There is one writer."""
        return False

    async def close(self) -> None:
        """Finish the writes that were asked for, then close."""
        while self._commits is not None:
            await asyncio.wait({self._commits})
        self._disk.shutdown()
        await asyncio.to_thread(self._long_reads.shutdown)
        self._long_reader.close()
        self._reader.close()
        self._writer.close()
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None
