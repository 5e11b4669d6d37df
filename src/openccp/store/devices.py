"""Requests of programs for a token, until a person has decided: the core's DeviceStore."""

from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, func, select, update

from openccp.core.devices import DeviceRequest
from openccp.store.database import Database
from openccp.store.rows import storable
from openccp.store.tables import device_requests as table

KEPT_SECONDS = 3600.0
"""For so long a program is told that its code has expired, and not that there is none."""
_all = select(*(table.c[field.name] for field in fields(DeviceRequest)))
BY_DEVICE_CODE = _all.where(table.c.digest == bindparam("wanted"))
BY_USER_CODE = _all.where(table.c.user_code == bindparam("wanted"))
COUNT = select(func.count()).select_from(table)
FORGET = delete(table).where(table.c.expires <= bindparam("before"))
NOTE_POLL = (
    update(table)
    .where(table.c.digest == bindparam("wanted"), table.c.polled == bindparam("seen"))
    .values(polled=bindparam("now"), interval=bindparam("pause"))
)
DECIDE = (
    update(table)
    .where(
        table.c.digest == bindparam("wanted"),
        table.c.decided.is_(None),
        table.c.expires > bindparam("now"),
    )
    .values(decided=bindparam("now"), account=bindparam("who"))
)
TAKE = delete(table).where(table.c.digest == bindparam("wanted"), table.c.account.is_not(None))


class Devices:
    """DeviceStore on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = database.insert_unless_there(table, "user_code").returning(table.c.digest)

    async def add(self, request: DeviceRequest, most: int) -> bool:
        """Keep a new one and forget old ones; False where there are `most`, or its code is."""
        row = {n: storable(v) if isinstance(v, str) else v for n, v in asdict(request).items()}

        def work(connection: Connection) -> bool:
            connection.execute(FORGET, {"before": request.created - KEPT_SECONDS})
            if connection.execute(COUNT).scalar_one() >= most:
                return False
            return connection.execute(self._insert, row).first() is not None

        return await self._database.write(work)

    async def by_device_code(self, digest: str) -> DeviceRequest | None:
        """The one that a program asks about."""
        return await self._one(BY_DEVICE_CODE, digest)

    async def by_user_code(self, digest: str) -> DeviceRequest | None:
        """The one that a person was shown the code of."""
        return await self._one(BY_USER_CODE, digest)

    async def note_poll(self, seen: DeviceRequest, now: float, interval: int) -> bool:
        """Keep when it was asked about; False if somebody else has asked since it was seen."""
        values = {"wanted": seen.digest, "seen": seen.polled, "now": now, "pause": interval}
        return await self._database.write(lambda c: c.execute(NOTE_POLL, values).rowcount) == 1

    async def decide(self, digest: str, account: str | None, now: float) -> bool:
        """Allow it for an account, or deny it (None); True for exactly one caller."""
        values = {"wanted": digest, "who": account, "now": now}
        return await self._database.write(lambda c: c.execute(DECIDE, values).rowcount) == 1

    async def take(self, digest: str) -> bool:
        """Forget an allowed one, as its token is given out; True for exactly one caller."""
        wanted = {"wanted": digest}
        return await self._database.write(lambda c: c.execute(TAKE, wanted).rowcount) == 1

    async def _one(self, statement: Select[Any], digest: str) -> DeviceRequest | None:
        row = await self._database.row(statement, {"wanted": digest})
        return None if row is None else DeviceRequest(*row)
