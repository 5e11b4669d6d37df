"""What the database says of everybody at once: the core's Overview."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BindParameter,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    text,
)

from openccp.core.access import Role
from openccp.core.deliveries import Delivery, DeliveryState
from openccp.core.overview import Holding, Queue
from openccp.core.stores import Credential
from openccp.store.database import Database
from openccp.store.deliveries import BRIEFLY, delivery_of
from openccp.store.queue_tables import queues
from openccp.store.tables import accounts, credentials, deliveries, jobs

_LIMIT: BindParameter[int] = bindparam("limit")
QUEUES = (
    select(
        queues.c.infrastructure,
        queues.c.kind,
        func.coalesce(accounts.c.name, queues.c.name),
        queues.c.waiting,
        queues.c.running,
    )
    .outerjoin(accounts, and_(accounts.c.id == queues.c.name, queues.c.kind == "user"))
    .where(or_(queues.c.waiting > 0, queues.c.running > 0))
    .order_by(
        queues.c.infrastructure, queues.c.kind, queues.c.waiting.desc(), queues.c.running.desc()
    )
    .limit(_LIMIT)
)
_SIGNED_IN = (
    select(func.max(credentials.c.created))
    .where(
        credentials.c.account == accounts.c.id,
        credentials.c.kind.in_([Credential.SESSION.value, Credential.REFRESH.value]),
    )
    .scalar_subquery()
)
_JOBS = select(func.count()).where(jobs.c.owner == accounts.c.id).scalar_subquery()
ACCOUNTS = (
    select(accounts.c.name, accounts.c.role, accounts.c.created, _SIGNED_IN, _JOBS)
    .order_by(accounts.c.name)
    .limit(_LIMIT)
)
COUNT = select(func.count()).select_from(accounts)
DEAD = (
    select(*BRIEFLY)
    .where(deliveries.c.due.is_(None), deliveries.c.state == DeliveryState.DEAD.value)
    .order_by(deliveries.c.created.desc(), deliveries.c.id)
    .limit(_LIMIT)
)
SIZES: dict[str, Select[Any]] = {
    "sqlite": select(literal_column("page_count * page_size")).select_from(
        text("pragma_page_count(), pragma_page_size()")
    ),
    "postgresql": select(func.pg_database_size(func.current_database())),
}


class DatabaseOverview:
    """Overview on a database. What counts jobs takes long where there are many: on a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def queues(self, limit: int) -> Sequence[Queue]:
        """Those that are not empty; see Overview."""
        return [Queue(*row) for row in await self._rows(QUEUES, limit)]

    async def accounts(self, limit: int) -> Sequence[Holding]:
        """The accounts by name; see Overview."""
        return [
            Holding(name, Role(role), *rest)
            for name, role, *rest in await self._rows(ACCOUNTS, limit)
        ]

    async def account_count(self) -> int:
        """How many accounts there are."""
        return await self._database.read(lambda c: c.execute(COUNT).scalar_one())

    async def dead(self, limit: int) -> Sequence[Delivery]:
        """Callbacks that were given up; see Overview."""
        return [delivery_of(row) for row in await self._rows(DEAD, limit)]

    async def database_bytes(self) -> int:
        """How large the database is."""
        size = SIZES[self._database.url.get_backend_name()]
        return await self._database.read(lambda c: int(c.execute(size).scalar_one()))

    async def _rows(self, statement: Select[Any], limit: int) -> Sequence[Any]:
        return await self._database.read_long(
            lambda c: c.execute(statement, {"limit": limit}).all()
        )
