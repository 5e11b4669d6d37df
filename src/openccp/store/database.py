"""What every database offers: short pieces of work on a connection, read or written durably."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, Table, case, or_
from sqlalchemy.engine import URL
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.elements import ColumnElement

from openccp.core.problems import Unavailable

T = TypeVar("T")
Work = Callable[[Connection], T]
Row = Sequence[Any]
RETRY_AFTER = 2
JOBS = "openccp_jobs"
CALLBACKS = "openccp_callbacks"


class AlreadyOpen(Exception):
    """Another platform process uses this SQLite database; more processes need PostgreSQL."""


class CommitUnknown(Unavailable):
    """The connection broke while a change was being committed: it may or may not be there."""


def lower(old: ColumnElement[float], new: ColumnElement[float]) -> ColumnElement[float]:
    """The lesser of two, where NULL is more than any."""
    return case((or_(old.is_(None), old > new), new), else_=old)


def unavailable(detail: str) -> Unavailable:
    """The problem a person gets while the database cannot be written or reached."""
    return Unavailable(detail, retry_after=RETRY_AFTER)


class Database(ABC):
    """A database. `read` and `write` take a function of a connection and return what it returns.

    The function must be short: on SQLite it runs on the event loop. A write is on disk when
    `write` returns; if its function raises, nothing of it stays and the exception comes back.
    Unavailable when the database is locked or away.
    """

    url: URL

    @abstractmethod
    async def read(self, work: Work[T]) -> T:
        """What `work` returns, seen outside of any transaction."""

    @abstractmethod
    async def row(self, statement: Select[Any], parameters: Mapping[str, Any]) -> Row | None:
        """The one row a statement finds: the reads that are repeated most are of this kind."""

    @abstractmethod
    async def read_long(self, work: Work[T]) -> T:
        """The same for work of many milliseconds: on a thread, few at once, others wait."""

    @abstractmethod
    async def write(self, work: Work[T]) -> T:
        """What `work` returns, its changes committed and on disk."""

    @abstractmethod
    def lock(self) -> bool:
        """Keep other platform processes out where only one may run; AlreadyOpen if one does.

        Says whether this process is now the only one.
        """

    @abstractmethod
    def listen(self, callback: Callable[[], None], topic: str = JOBS) -> None:
        """Call `callback` on the event loop after an `announce` of a topic in any process."""

    @abstractmethod
    def announce(self, connection: Connection, topic: str = JOBS) -> None:
        """Within a write: wake those who listen to a topic, once it is committed."""

    @abstractmethod
    async def close(self) -> None:
        """Finish what was asked and let go of every connection."""

    @abstractmethod
    def insert_unless_there(self, table: Table, *key: str) -> Insert:
        """An INSERT that does nothing where `key` is already taken."""

    @abstractmethod
    def insert_or_lower(self, table: Table, *key: str, column: str) -> Insert:
        """An INSERT that, where `key` is taken, lowers `column` to the new value (NULL is high)."""

    @property
    @abstractmethod
    def skips_locked(self) -> bool:
        """Whether several writers run at once and must step around each other's rows."""
