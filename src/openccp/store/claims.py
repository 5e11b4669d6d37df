"""Which jobs are due: those under way at once, those that wait in an order fair to all users."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    Connection,
    Update,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    update,
)

from openccp.core.queue import Load, Room, Waiting, next_up, shares, soonest
from openccp.store.queue_tables import queues
from openccp.store.tables import jobs

_BEGUN = and_(
    jobs.c.lease_until.is_not(None),
    or_(jobs.c.phase != literal_column("'queued'"), jobs.c.status != literal_column("'accepted'")),
)
"""All that do not wait, what a damaged record says among them."""
_QUEUED = and_(
    jobs.c.status == literal_column("'accepted'"), jobs.c.phase == literal_column("'queued'")
)
_DUE = jobs.c.lease_until <= bindparam("now")
BEGUN = (
    select(jobs.c.id)
    .where(_BEGUN, _DUE)
    .order_by(jobs.c.created, jobs.c.id)
    .limit(bindparam("limit"))
)
QUEUED = (
    select(jobs.c.id, jobs.c.created)
    .where(
        _QUEUED,
        _DUE,
        jobs.c.infrastructure == bindparam("infrastructure"),
        jobs.c.owner == bindparam("owner"),
    )
    .order_by(jobs.c.created, jobs.c.id)
    .limit(bindparam("limit"))
)
_OF_A_USER = and_(queues.c.kind == literal_column("'user'"), queues.c.waiting > literal_column("0"))
USERS = select(queues.c.name, queues.c.waiting).where(
    _OF_A_USER, queues.c.infrastructure == bindparam("infrastructure")
)
_FIRST_DUE = (
    select(jobs.c.created)
    .where(
        _QUEUED,
        _DUE,
        jobs.c.infrastructure == queues.c.infrastructure,
        jobs.c.owner == queues.c.name,
    )
    .order_by(jobs.c.created)
    .limit(1)
    .scalar_subquery()
)
FIRSTS = select(queues.c.name, _FIRST_DUE).where(
    _OF_A_USER, queues.c.infrastructure == bindparam("infrastructure")
)
LOADS = select(queues.c.infrastructure, queues.c.waiting, queues.c.running).where(
    queues.c.kind == literal_column("'total'")
)
_FIRST = (
    select(jobs.c.created)
    .where(
        jobs.c.status == literal_column("'accepted'"),
        jobs.c.infrastructure == queues.c.infrastructure,
        jobs.c.owner == queues.c.name,
    )
    .order_by(jobs.c.created)
    .limit(1)
    .scalar_subquery()
)
OLDEST = (
    select(queues.c.infrastructure, func.min(_FIRST))
    .where(_OF_A_USER)
    .group_by(queues.c.infrastructure)
)
WAITING = select(queues.c.kind, queues.c.waiting).where(
    queues.c.infrastructure == bindparam("infrastructure"),
    or_(
        and_(queues.c.kind == literal_column("'user'"), queues.c.name == bindparam("owner")),
        and_(queues.c.kind == literal_column("'context'"), queues.c.name == bindparam("context")),
        and_(
            queues.c.kind == literal_column("'total'"),
            queues.c.name == bindparam("infrastructure"),
        ),
    ),
)


def lease(skip_locked: bool) -> Update:
    """Lease those of some jobs that are still due; what somebody else is leasing is left to him."""
    due = select(jobs.c.id).where(jobs.c.id.in_(bindparam("ids", expanding=True)), _DUE)
    if skip_locked:
        due = due.with_for_update(skip_locked=True)
    return (
        update(jobs)
        .where(jobs.c.id.in_(due))
        .values(
            fence=jobs.c.fence + 1,
            lease_owner=bindparam("reconciler"),
            lease_until=bindparam("until"),
        )
        .returning(jobs.c.id)
    )


def due(
    connection: Connection, now: float, limit: int, rooms: Mapping[str, Room] | None
) -> list[str]:
    """The jobs to lease: up to `limit` under way, and those that wait and there is room for."""
    ids = list(connection.execute(BEGUN, {"now": now, "limit": limit}).scalars())
    elsewhere = Room(limit - len(ids), most=limit - len(ids))
    for name in loads(connection):
        room = (rooms or {}).get(name, elsewhere)
        if room.free:
            ids += _next_up(connection, {"now": now, "infrastructure": name}, room)
    return ids


def _next_up(connection: Connection, here: Mapping[str, Any], room: Room) -> list[str]:
    users = {owner: count for owner, count in connection.execute(USERS, here)}
    wanted = shares(users, room)
    if len(wanted) > room.free:
        firsts = {o: made for o, made in connection.execute(FIRSTS, here) if made is not None}
        wanted = soonest(wanted, room, firsts)
    lines = (
        Waiting(job_id, owner, created)
        for owner, count in wanted.items()
        for job_id, created in connection.execute(
            QUEUED, {**here, "owner": owner, "limit": min(count, room.free)}
        )
    )
    return next_up(lines, room.held, room.free)


def loads(connection: Connection) -> Mapping[str, Load]:
    """How many jobs wait and run, by infrastructure."""
    return {name: Load(waiting, running) for name, waiting, running in connection.execute(LOADS)}


def oldest(connection: Connection) -> Mapping[str, float]:
    """When the job that waits longest was made, by infrastructure."""
    return {name: made for name, made in connection.execute(OLDEST) if made is not None}
