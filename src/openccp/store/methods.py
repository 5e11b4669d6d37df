"""Methods in the database: the core's MethodStore."""

from collections.abc import Sequence
from dataclasses import replace

from pydantic import TypeAdapter
from sqlalchemy import Connection, bindparam, null, select, update

from openccp.core.method import Revision
from openccp.core.problems import DuplicatedProcess, NoSuchProcess
from openccp.store.database import Database
from openccp.store.rows import storable
from openccp.store.tables import methods, revisions

MAX_REMEMBERED = 5000

_number = methods.c.last + 1
NEXT = (
    update(methods)
    .where(methods.c.id == bindparam("method_id"))
    .values(last=_number, current=_number)
    .returning(methods.c.last)
)
NEXT_OF_DEPLOYED = NEXT.where(methods.c.current.is_not(None))
NEXT_OF_UNDEPLOYED = NEXT.where(methods.c.current.is_(None))
UNDEPLOY = update(methods).where(methods.c.id == bindparam("method_id")).values(current=null())
CURRENT = select(methods.c.current).where(methods.c.id == bindparam("id"))
ALL = (
    select(methods.c.id, methods.c.current)
    .where(methods.c.current.is_not(None))
    .order_by(methods.c.id)
)
_this = (
    revisions.c.method_id == bindparam("id"),
    revisions.c.number == bindparam("number"),
)
DOCUMENT = select(revisions.c.document).where(*_this)
PACKAGE = select(revisions.c.package, revisions.c.media_type).where(*_this)

_json = TypeAdapter(Revision)


class Methods:
    """MethodStore on a database. Revisions never change, so those once read are remembered."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[tuple[str, int], Revision] = {}
        self._reserve = database.insert_unless_there(methods, "id")

    async def add(
        self, revision: Revision, package: bytes, media_type: str, *, replace: bool
    ) -> Revision:
        """Keep a revision under the method's next number; see MethodStore."""
        method_id = revision.method.id

        def work(connection: Connection) -> Revision:
            connection.execute(self._reserve, {"id": method_id, "last": 0})
            number = connection.execute(
                NEXT_OF_DEPLOYED if replace else NEXT_OF_UNDEPLOYED, {"method_id": method_id}
            ).scalar()
            if number is None:
                raise NoSuchProcess if replace else DuplicatedProcess
            numbered = _numbered(revision, number)
            connection.execute(
                revisions.insert(),
                {
                    "method_id": method_id,
                    "number": number,
                    "document": _json.dump_json(numbered).decode(),
                    "package": package,
                    "media_type": media_type,
                },
            )
            return numbered

        return await self._database.write(work)

    async def get(self, method_id: str) -> Revision | None:
        """The current revision, None when undeployed."""

        wanted = {"id": storable(method_id)}

        def work(connection: Connection) -> Revision | None:
            number = connection.execute(CURRENT, wanted).scalar()
            return None if number is None else self._revision(connection, method_id, number)

        return await self._database.read(work)

    async def revision(self, method_id: str, number: int) -> Revision | None:
        """A revision by number, also of a method since removed."""
        wanted = storable(method_id)
        return await self._database.read(lambda c: self._revision(c, wanted, number))

    def _revision(self, connection: Connection, method_id: str, number: int) -> Revision | None:
        known = self._known.get((method_id, number))
        if known is not None:
            return known
        document = connection.execute(DOCUMENT, {"id": method_id, "number": number}).scalar()
        if document is None:
            return None
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        return self._known.setdefault((method_id, number), _json.validate_json(document))

    async def package(self, method_id: str, number: int) -> tuple[bytes, str]:
        """The body that was deployed and its media type; NoSuchProcess if there is none."""
        wanted = {"id": storable(method_id), "number": number}
        row = await self._database.read(lambda c: c.execute(PACKAGE, wanted).first())
        if row is None:
            raise NoSuchProcess
        return bytes(row[0]), row[1]

    async def all(self) -> Sequence[Revision]:
        """Every current revision, by id."""

        def work(connection: Connection) -> list[Revision]:
            found = (self._revision(connection, *row) for row in connection.execute(ALL).all())
            return [revision for revision in found if revision is not None]

        return await self._database.read(work)

    async def remove(self, method_id: str) -> None:
        """Undeploy; idempotent. The revisions stay."""
        gone = {"method_id": method_id}
        await self._database.write(lambda c: c.execute(UNDEPLOY, gone).rowcount)


def _numbered(revision: Revision, number: int) -> Revision:
    return replace(revision, number=number)
