"""The statements on jobs, built once."""

from collections.abc import Mapping
from itertools import cycle
from typing import Any

from sqlalchemy import (
    Update,
    and_,
    bindparam,
    delete,
    literal_column,
    null,
    select,
    tuple_,
    update,
)

from openccp.core.job import Phase, Status, may_follow
from openccp.store.rows import COLUMNS, FIELDS
from openccp.store.tables import events, idempotency, jobs, requests, secrets, tags

IMMUTABLE = frozenset({"id", "method", "revision", "owner", "context", "created", "fence", "tags"})
REDEFINED = (
    *("method", "revision", "infrastructure", "note", "subscriber"),
    *("status", "phase", "message", "updated", "version"),
)
MAX_KEYS_FORGOTTEN = 200
MAX_CREATED_FORGOTTEN = 200
_Params = Mapping[str, Any]

GET = select(*COLUMNS).where(jobs.c.id == bindparam("id"))
SOME = select(*COLUMNS).where(jobs.c.id.in_(bindparam("ids", expanding=True)))
INSERT_JOB = jobs.insert()
INSERT_EVENT = events.insert()
INSERT_REQUEST = requests.insert()
INSERT_SECRET = secrets.insert()
SENT = select(requests.c.sent).where(requests.c.job_id == bindparam("id"))
REQUEST = select(requests.c.body).where(requests.c.job_id == bindparam("id"))
SECRETS = select(secrets.c.name, secrets.c.sealed).where(secrets.c.job_id == bindparam("id"))
DROP_SECRETS = delete(secrets).where(secrets.c.job_id == bindparam("id"))
EVENTS = (
    select(events.c.seq, events.c.at, events.c.kind, events.c.data)
    .where(events.c.job_id == bindparam("id"), events.c.seq > bindparam("after"))
    .order_by(events.c.seq)
)
KEY = select(idempotency.c.digest, idempotency.c.job_id).where(
    idempotency.c.scope == bindparam("scope"), idempotency.c.key == bindparam("key")
)
LIVE_KEY = KEY.where(idempotency.c.created > bindparam("cutoff"))
FORGET_KEY = delete(idempotency).where(
    idempotency.c.scope == bindparam("scope"),
    idempotency.c.key == bindparam("key"),
    idempotency.c.created <= bindparam("cutoff"),
)
FORGET_KEYS = delete(idempotency).where(
    tuple_(idempotency.c.scope, idempotency.c.key).in_(
        select(idempotency.c.scope, idempotency.c.key)
        .where(idempotency.c.created <= bindparam("cutoff"))
        .order_by(idempotency.c.created)
        .limit(MAX_KEYS_FORGOTTEN)
    )
)
FORGET_KEYS_OF = delete(idempotency).where(idempotency.c.job_id == bindparam("id"))
REMOVE = delete(jobs).where(jobs.c.id == bindparam("id"), jobs.c.phase == Phase.DONE.value)
_STALE = and_(jobs.c.status == literal_column("'created'"), jobs.c.updated <= bindparam("cutoff"))
FORGET_CREATED = delete(jobs).where(
    jobs.c.id.in_(
        select(jobs.c.id).where(_STALE).order_by(jobs.c.updated).limit(MAX_CREATED_FORGOTTEN)
    ),
    _STALE,  # said again for a database whose writers run at once: it may have been started since
)
LABEL = (
    update(jobs)
    .where(jobs.c.id == bindparam("old_id"), jobs.c.version == bindparam("old_version"))
    .values(note=bindparam("new_note"), tags=bindparam("new_tags"), version=jobs.c.version + 1)
    .returning(jobs.c.version)
)
DROP_TAGS = delete(tags).where(tags.c.job_id == bindparam("id"))
INSERT_TAG = tags.insert()
WAITING = (
    select(jobs.c.id)
    .where(
        jobs.c.status == literal_column("'accepted'"),
        jobs.c.infrastructure == bindparam("infrastructure"),
        jobs.c.owner == bindparam("owner"),
    )
    .order_by(jobs.c.created, jobs.c.id)
    .limit(bindparam("most"))
)
RENEW = (
    update(jobs)
    .where(
        jobs.c.id.in_(bindparam("ids", expanding=True)),
        jobs.c.lease_owner == bindparam("reconciler"),
        jobs.c.lease_until.is_not(None),
    )
    .values(lease_until=bindparam("until"))
)
RELEASE = (
    update(jobs)
    .where(jobs.c.lease_until > literal_column("0"))
    .values(lease_owner=null(), lease_until=literal_column("0"))
)
REDEFINE = (
    update(jobs)
    .where(
        jobs.c.id == bindparam("old_id"),
        jobs.c.version == bindparam("old_version"),
        jobs.c.status == Status.CREATED.value,
    )
    .values(
        {name: bindparam(f"new_{name}") for name in REDEFINED}
        | {"last_seq": jobs.c.last_seq + 1, "lease_until": bindparam("lease")}
    )
    .returning(jobs.c.last_seq)
)
CHANGE_REQUEST = (
    update(requests)
    .where(requests.c.job_id == bindparam("id"))
    .values(body=bindparam("new_body"), sent=bindparam("new_sent"))
)


def _save(done: bool) -> Update:
    """Compare-and-set: the version, the fence, and a status that may come before the new one."""
    changed: dict[Any, Any] = {
        name: bindparam(f"new_{name}") for name in FIELDS if name not in IMMUTABLE
    }
    changed["last_seq"] = jobs.c.last_seq + bindparam("count")
    if done:
        changed |= {"lease_owner": null(), "lease_until": null()}
    return (
        update(jobs)
        .where(
            jobs.c.id == bindparam("old_id"),
            jobs.c.version == bindparam("old_version"),
            jobs.c.fence == bindparam("old_fence"),
            jobs.c.status.in_([bindparam(f"before_{number}") for number in range(MOST_BEFORE)]),
        )
        .values(changed)
        .returning(jobs.c.last_seq)
    )


_BEFORE = {
    status: [before.value for before in Status if may_follow(before, status)] for status in Status
}
MOST_BEFORE = max(map(len, _BEFORE.values()))
SAVE = _save(done=False)
SAVE_DONE = _save(done=True)


def save_parameters(row: _Params, count: int) -> dict[str, Any]:
    """What SAVE takes for the changed row of a job and `count` new events."""
    parameters = {f"new_{name}": row[name] for name in FIELDS if name not in IMMUTABLE}
    before = cycle(_BEFORE[Status(row["status"])])
    parameters |= {f"before_{number}": next(before) for number in range(MOST_BEFORE)}
    parameters["old_id"], parameters["old_fence"] = row["id"], row["fence"]
    parameters["old_version"] = row["version"]
    parameters["new_version"] = row["version"] + 1
    parameters["count"] = count
    return parameters


def redefine_parameters(row: _Params) -> dict[str, Any]:
    """What REDEFINE takes for the changed row of a created job, but the lease."""
    parameters = {f"new_{name}": row[name] for name in REDEFINED}
    return parameters | {
        "old_id": row["id"],
        "old_version": row["version"],
        "new_version": row["version"] + 1,
    }


# a damaged record may hold any status, so this alone does not look at what was before
WRITE_OFF = (
    update(jobs)
    .where(jobs.c.id == bindparam("old_id"))
    .values(
        status=Status.FAILED.value,
        phase=Phase.DONE.value,
        message=bindparam("new_message"),
        failure=bindparam("new_failure"),
        handle=null(),
        updated=bindparam("now"),
        finished=bindparam("now"),
        version=jobs.c.version + 1,
        last_seq=jobs.c.last_seq + 1,
        lease_owner=null(),
        lease_until=null(),
    )
    .returning(jobs.c.last_seq)
)
