"""PostgreSQL: a pool of connections, each used on a thread; every write its own transaction."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from sqlalchemy import Connection, Select, Table, create_engine, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.sql.dml import Insert

from openccp.store.database import (
    CALLBACKS,
    JOBS,
    CommitUnknown,
    Database,
    Row,
    T,
    Work,
    lower,
    unavailable,
)

CONNECTIONS = 10
LONG_READS = 2
CONNECT_SECONDS = 5
RECONNECT_SECONDS = 2.0
NOTIFY = {topic: text(f"NOTIFY {topic}") for topic in (JOBS, CALLBACKS)}


class PostgresqlDatabase(Database):
    """A PostgreSQL database; any number of platform processes may use it."""

    def __init__(self, url: URL) -> None:
        self.url = url.set(drivername="postgresql+psycopg")
        self._engine = create_engine(
            self.url,
            pool_size=CONNECTIONS,
            max_overflow=0,
            pool_timeout=CONNECT_SECONDS,
            pool_use_lifo=True,
            skip_autocommit_rollback=True,
            connect_args={"connect_timeout": CONNECT_SECONDS},
        )
        self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._threads = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="postgresql")
        self._long_reads = ThreadPoolExecutor(LONG_READS, thread_name_prefix="postgresql-read")
        self._listeners: list[tuple[str, Callable[[], None]]] = []
        self._listening: asyncio.Task[None] | None = None

    async def read(self, work: Work[T]) -> T:
        """What `work` returns, each statement seeing what is committed."""
        return await self._on_thread(self._threads, self._read, work)

    async def row(self, statement: Select[Any], parameters: Mapping[str, Any]) -> Row | None:
        """The one row."""
        return await self.read(lambda connection: connection.execute(statement, parameters).first())

    async def read_long(self, work: Work[T]) -> T:
        """The same with few threads, so that connections are left for everything else."""
        return await self._on_thread(self._long_reads, self._read, work)

    async def write(self, work: Work[T]) -> T:
        """What `work` returns, once its transaction is on the server's disk."""
        return await self._on_thread(self._threads, self._write, work)

    async def _on_thread(
        self, threads: ThreadPoolExecutor, function: Callable[[Work[T]], T], work: Work[T]
    ) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(threads, self._twice, function, work)

    def _twice(self, function: Callable[[Work[T]], T], work: Work[T]) -> T:
        """A second try over a fresh connection: the server may have been restarted."""
        try:
            return function(work)
        except OperationalError:
            pass
        except PoolExhausted as error:
            raise unavailable("The database is busy.") from error
        try:
            return function(work)
        except OperationalError as error:
            raise unavailable("The database does not answer.") from error

    def _read(self, work: Work[T]) -> T:
        with self._reading.connect() as connection:
            return work(connection)

    def _write(self, work: Work[T]) -> T:
        with self._engine.connect() as connection:
            value = work(connection)
            try:
                connection.commit()
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise CommitUnknown(retry_after=1) from error
                raise
            return value

    def lock(self) -> bool:
        """Nothing: leases and fences keep several processes apart."""
        return False

    def listen(self, callback: Callable[[], None], topic: str = JOBS) -> None:
        """Call `callback` after an `announce` of any process, and after every reconnection."""
        self._listeners.append((topic, callback))
        if self._listening is None:
            self._listening = asyncio.get_running_loop().create_task(self._hear())

    def announce(self, connection: Connection, topic: str = JOBS) -> None:
        """NOTIFY, delivered by the server at commit."""
        connection.execute(NOTIFY[topic])

    async def _hear(self) -> None:
        conninfo = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        while True:
            try:
                await self._hear_once(conninfo)
            except psycopg.OperationalError:
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _hear_once(self, conninfo: str) -> None:
        connection = await psycopg.AsyncConnection.connect(
            conninfo, autocommit=True, connect_timeout=CONNECT_SECONDS
        )
        async with connection:
            for topic in NOTIFY:
                await connection.execute(f"LISTEN {topic}".encode())
            self._wake(*NOTIFY)
            async for notified in connection.notifies():
                self._wake(notified.channel)

    def _wake(self, *topics: str) -> None:
        for topic, listener in self._listeners:
            if topic in topics:
                listener()

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
        """Writers run at once."""
        return True

    async def close(self) -> None:
        """Wait for what runs, then disconnect."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait({self._listening})
            self._listening = None
        for threads in (self._threads, self._long_reads):
            await asyncio.to_thread(threads.shutdown)
        self._engine.dispose()
