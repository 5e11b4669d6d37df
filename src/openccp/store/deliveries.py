"""The outbox of callbacks in the database: the core's DeliveryStore.

Who changes a target's row and deliveries takes the target first: then no two wait for each other.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    null,
    or_,
    select,
    tuple_,
    update,
)

from openccp.core.callback import queued
from openccp.core.deliveries import (
    AlreadyDelivered,
    Delivery,
    DeliveryFilter,
    DeliveryState,
    Generation,
    News,
    NoSuchDelivery,
)
from openccp.store.database import CALLBACKS, Database
from openccp.store.rows import storable
from openccp.store.tables import deliveries
from openccp.store.tables import delivery_targets as targets
from openccp.store.tables import webhook_secrets as generations

PENDING = DeliveryState.PENDING.value
_FIELDS = tuple(field.name for field in fields(Delivery))
_COLUMNS = tuple(deliveries.c[name] for name in _FIELDS)
BRIEFLY = tuple(
    literal_column("''").label(name) if name == "body" else deliveries.c[name] for name in _FIELDS
)
"""All but the body, which may be long."""
_OF_TARGET = and_(
    deliveries.c.owner == bindparam("owner_"), deliveries.c.target == bindparam("target_")
)
_TARGET = and_(targets.c.owner == bindparam("owner_"), targets.c.target == bindparam("target_"))

GET = select(*_COLUMNS).where(deliveries.c.id == bindparam("id"))
OF_JOB = select(*BRIEFLY).where(deliveries.c.job == bindparam("job")).order_by(deliveries.c.created)
INSERT = deliveries.insert()
REPLACE = delete(deliveries).where(deliveries.c.id.in_(bindparam("ids", expanding=True)))
FREE = (
    update(targets)
    .where(_TARGET, targets.c.free == bindparam("held"))
    .values(free=bindparam("new_free"))
)
FREE_ALL = update(targets).where(targets.c.due.is_not(None)).values(free=0.0)
FIRST_DUE = select(func.min(deliveries.c.due)).where(_OF_TARGET, deliveries.c.due.is_not(None))
REST = update(targets).where(_TARGET).values(due=bindparam("new_due"))
NEXT_OF_TARGET = (
    select(*_COLUMNS)
    .where(_OF_TARGET, deliveries.c.due <= bindparam("now"))
    .order_by(deliveries.c.due, deliveries.c.created, deliveries.c.id)
    .limit(1)
)
TRIED = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("wanted"))
    .values(attempts=deliveries.c.attempts + 1, tried=bindparam("now"))
)
SETTLE = (
    update(deliveries)
    .where(
        deliveries.c.id == bindparam("wanted"),
        deliveries.c.attempts == bindparam("old_attempts"),
        deliveries.c.state == PENDING,
    )
    .values(state=bindparam("new_state"), due=bindparam("new_due"), detail=bindparam("new_detail"))
)
ALL_GONE = (
    update(deliveries)
    .where(_OF_TARGET, deliveries.c.due.is_not(None), deliveries.c.url == bindparam("of_url"))
    .values(state=DeliveryState.GONE.value, due=null(), detail=bindparam("new_detail"))
)
AGAIN = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("wanted"))
    .values(state=PENDING, due=bindparam("new_due"), attempts=0)
)
_WANTED = targets.c.owner.not_in(bindparam("without", expanding=True))
NEXT_DUE = select(
    func.min(case((targets.c.due > targets.c.free, targets.c.due), else_=targets.c.free))
).where(targets.c.due.is_not(None), _WANTED)
GENERATION = select(generations.c.number, generations.c.since).where(
    generations.c.owner == bindparam("owner")
)
ROTATE = (
    update(generations)
    .where(generations.c.owner == bindparam("owner_"))
    .values(number=generations.c.number + 1, since=bindparam("now"))
)
FORGET = delete(deliveries).where(
    deliveries.c.due.is_(None), deliveries.c.created < bindparam("before")
)
FORGET_TARGETS = delete(targets).where(
    targets.c.due.is_(None), targets.c.free < bindparam("before")
)


def _due(skip_locked: bool) -> Select[Any]:
    due = (
        select(targets.c.owner, targets.c.target)
        .where(targets.c.due <= bindparam("now"), targets.c.free <= bindparam("now"), _WANTED)
        .order_by(targets.c.due)
        .limit(bindparam("limit"))
    )
    return due.with_for_update(skip_locked=True) if skip_locked else due


DUE = _due(skip_locked=False)


class Enqueue:
    """Puts deliveries into the outbox within the write that changes their job."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._due = database.insert_or_lower(targets, "owner", "target", column="due")

    def __call__(self, connection: Connection, wanted: Sequence[Delivery], apart: float) -> None:
        """All of one job."""
        for new in sorted(wanted, key=lambda it: it.target):
            self._one(connection, new, apart)
        if wanted:
            self._database.announce(connection, CALLBACKS)

    def due(self, connection: Connection, delivery: Delivery, due: float) -> None:
        """Its target is due then, or earlier; the target's row is ours until the commit."""
        there = {"owner": delivery.owner, "target": delivery.target}
        connection.execute(self._due, there | {"due": due, "free": 0.0})

    def _one(self, connection: Connection, new: Delivery, apart: float) -> None:
        earlier = [delivery_of(row) for row in connection.execute(OF_JOB, {"job": new.job})]
        kept, replaced = queued(new, earlier, apart)
        if kept is not None and kept.due is not None:
            self.due(connection, kept, kept.due)
        if replaced:
            connection.execute(REPLACE, {"ids": list(replaced)})
        if kept is not None:
            connection.execute(INSERT, _row(kept))


class Deliveries:
    """DeliveryStore on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._enqueue = Enqueue(database)
        due = _due(database.skips_locked).cte("due_targets")
        self._claim = (
            update(targets)
            .where(tuple_(targets.c.owner, targets.c.target).in_(select(due.c.owner, due.c.target)))
            .values(free=bindparam("until"))
            .returning(targets.c.owner, targets.c.target)
        )
        self._first_secret = database.insert_unless_there(generations, "owner")

    def on_new(self, callback: Callable[[], None]) -> None:
        """Call `callback` on the event loop when something may have become due."""
        self._database.listen(callback, CALLBACKS)

    async def claim(
        self, now: float, lease: float, limit: int, without: Collection[str] = ()
    ) -> Sequence[Delivery]:
        """Take due deliveries, one a target; see DeliveryStore."""
        due = {"now": now, "limit": limit, "without": list(without)}
        nothing = await self._database.read(lambda c: c.execute(DUE, due).first() is None)
        if nothing:
            return []

        def work(connection: Connection) -> list[Delivery]:
            leased = connection.execute(self._claim, due | {"until": now + lease}).all()
            found = [_take(connection, *row, now=now, held=now + lease) for row in leased]
            return [delivery for delivery in found if delivery is not None]

        taken = await self._database.write(work)
        return sorted(taken, key=lambda delivery: delivery.due or 0.0)

    async def settle(self, delivery: Delivery, held: float, free: float) -> None:
        """Keep what came of an attempt; see DeliveryStore."""
        settled = {
            "wanted": delivery.id,
            "old_attempts": delivery.attempts,
            "new_state": delivery.state.value,
            "new_due": delivery.due,
            "new_detail": storable(delivery.detail),
        }

        def work(connection: Connection) -> None:
            leased = _of(delivery) | {"held": held, "new_free": free}
            if not connection.execute(FREE, leased).rowcount:
                return
            connection.execute(SETTLE, settled)
            if delivery.state is DeliveryState.GONE:
                gone = {"of_url": delivery.url, "new_detail": settled["new_detail"]}
                connection.execute(ALL_GONE, _of(delivery) | gone)
            _rest(connection, _of(delivery))

        await self._database.write(work)

    async def release(self) -> None:
        """End every lease: for a process that knows it is the only one, when it starts."""
        await self._database.write(lambda c: c.execute(FREE_ALL).rowcount)

    async def next_due(self, without: Collection[str] = ()) -> float | None:
        """When there is something to claim; see DeliveryStore."""
        but = {"without": list(without)}
        due: float | None = await self._database.read(lambda c: c.execute(NEXT_DUE, but).scalar())
        return due

    async def page(self, wanted: DeliveryFilter) -> Sequence[Delivery]:
        """One page, newest first, without bodies."""
        statement = _page(wanted)
        rows = await self._database.read(lambda c: c.execute(statement).all())
        return [delivery_of(row) for row in rows]

    async def get(self, delivery_id: str) -> Delivery | None:
        """By id."""
        wanted = {"id": storable(delivery_id)}
        row = await self._database.read(lambda c: c.execute(GET, wanted).first())
        return None if row is None else delivery_of(row)

    async def retry(self, delivery_id: str, now: float) -> Delivery:
        """Try it again; see DeliveryStore."""

        def work(connection: Connection) -> Delivery:
            found = _found(connection, delivery_id)
            self._enqueue.due(connection, found, now)
            found = _found(connection, delivery_id)
            if found.state is DeliveryState.DELIVERED:
                raise AlreadyDelivered
            connection.execute(AGAIN, {"wanted": found.id, "new_due": now})
            self._database.announce(connection, CALLBACKS)
            return _found(connection, delivery_id)

        return await self._database.write(work)

    async def generation(self, owner: str) -> Generation:
        """Which of the owner's signing secrets is in use."""
        wanted = {"owner": storable(owner)}
        row = await self._database.read(lambda c: c.execute(GENERATION, wanted).first())
        return Generation() if row is None else Generation(*row)

    async def rotate(self, owner: str, now: float) -> Generation:
        """Go on to the owner's next signing secret."""
        name = storable(owner)

        def work(connection: Connection) -> Generation:
            connection.execute(self._first_secret, {"owner": name, "number": 1, "since": 0.0})
            connection.execute(ROTATE, {"owner_": name, "now": now})
            return Generation(*connection.execute(GENERATION, {"owner": name}).one())

        return await self._database.write(work)

    async def forget(self, before: float) -> None:
        """Drop what ended long ago."""

        def work(connection: Connection) -> None:
            connection.execute(FORGET_TARGETS, {"before": before})
            connection.execute(FORGET, {"before": before})

        await self._database.write(work)


def _take(
    connection: Connection, owner: str, target: str, *, now: float, held: float
) -> Delivery | None:
    """The next delivery of a target that was just leased."""
    place = {"owner_": owner, "target_": target}
    row = connection.execute(NEXT_OF_TARGET, place | {"now": now}).first()
    if row is None:
        connection.execute(FREE, place | {"held": held, "new_free": now})
        _rest(connection, place)
        return None
    connection.execute(TRIED, {"wanted": row[0], "now": now})
    return _found(connection, row[0])


def _rest(connection: Connection, place: dict[str, Any]) -> None:
    """A target is due again with the first delivery that it has left."""
    due = connection.execute(FIRST_DUE, place).scalar()
    connection.execute(REST, place | {"new_due": due})


def _found(connection: Connection, delivery_id: str) -> Delivery:
    row = connection.execute(GET, {"id": storable(delivery_id)}).first()
    if row is None:
        raise NoSuchDelivery
    return delivery_of(row)


def _page(wanted: DeliveryFilter) -> Select[Any]:
    place = deliveries.c
    statement = select(*BRIEFLY).where(place.owner == storable(wanted.owner))
    if wanted.state is not None:
        statement = statement.where(place.state == wanted.state.value)
    if wanted.job is not None:
        statement = statement.where(place.job == storable(wanted.job))
    if wanted.after is not None:
        created, after = wanted.after
        earlier = or_(place.created < created, place.id < storable(after))
        statement = statement.where(place.created <= created, earlier)
    return statement.order_by(place.created.desc(), place.id.desc()).limit(wanted.limit)


def _of(delivery: Delivery) -> dict[str, Any]:
    return {"owner_": delivery.owner, "target_": delivery.target}


def _row(delivery: Delivery) -> dict[str, Any]:
    row = {name: getattr(delivery, name) for name in _FIELDS}
    return row | {
        "target": delivery.target,
        "news": delivery.news.value,
        "state": delivery.state.value,
    }


def delivery_of(row: Any) -> Delivery:
    """A delivery of a row that was read briefly or whole."""
    values = dict(zip(_FIELDS, row, strict=True))
    news, state = News(values["news"]), DeliveryState(values["state"])
    return Delivery(**values | {"news": news, "state": state})
