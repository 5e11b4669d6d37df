"""Jobs in the database: the core's JobStore."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Select
from sqlalchemy.exc import IntegrityError

from openccp.core.callback import PROGRESS_APART
from openccp.core.deliveries import Delivery
from openccp.core.job import Event, Job, Phase, Status
from openccp.core.job_list import JobFilter, JobPage
from openccp.core.policy import QueueLimits
from openccp.core.problems import KeyReused, NoSuchJob
from openccp.core.queue import Load, Room
from openccp.core.stores import Conflict, IdempotencyKey
from openccp.store import claims
from openccp.store import statements as sql
from openccp.store.cipher import Cipher
from openccp.store.database import CommitUnknown, Database
from openccp.store.deliveries import Enqueue
from openccp.store.pages import is_quick, page
from openccp.store.rows import (
    UNREADABLE,
    event_of,
    event_row,
    is_damaged,
    job_of,
    row_of,
    storable,
)
from openccp.store.tables import idempotency

KEY_SECONDS = 24 * 3600.0
RENEW_AT_ONCE = 500


class Jobs:
    """JobStore on a database; secrets pass through the cipher."""

    def __init__(
        self, database: Database, cipher: Cipher, progress_apart: float = PROGRESS_APART
    ) -> None:
        self._database = database
        self._cipher = cipher
        self._enqueue = Enqueue(database)
        self._progress_apart = progress_apart
        self._take_key = database.insert_unless_there(idempotency, "scope", "key").returning(
            idempotency.c.key
        )
        self._lease = claims.lease(database.skips_locked)

    def on_new_job(self, callback: Callable[[], None]) -> None:
        """Call `callback` on the event loop when a reconciler may have something to do."""
        self._database.listen(callback)

    async def add(
        self,
        job: Job,
        request: bytes,
        secrets: Mapping[str, str],
        key: IdempotencyKey | None = None,
        sent: bytes = b"{}",
        most: QueueLimits | None = None,
    ) -> Job:
        """Keep a new job; see JobStore."""
        sealed = self._sealed(job, secrets)
        bodies = {"job_id": job.id, "body": request, "sent": sent}

        def work(connection: Connection) -> Job:
            if key is not None:
                first = self._first_of(connection, key, job)
                if first is not None:
                    return first
            self._insert(connection, job, bodies, sealed)
            _check_queue(connection, job, most)
            return job

        try:
            return await self._database.write(work)
        except CommitUnknown:
            kept = await self.get(job.id)
            return kept if kept is not None else await self._database.write(work)

    def _sealed(self, job: Job, secrets: Mapping[str, str]) -> list[dict[str, Any]]:
        return [
            {"job_id": job.id, "name": name, "sealed": self._cipher.seal(job.id, name, secret)}
            for name, secret in secrets.items()
        ]

    def _insert(
        self,
        connection: Connection,
        job: Job,
        bodies: Mapping[str, Any],
        sealed: list[dict[str, Any]],
    ) -> None:
        row = row_of(job) | {"last_seq": 1, "lease_until": _lease(job)}
        try:
            connection.execute(sql.INSERT_JOB, row)
        except IntegrityError as error:
            raise Conflict(f"job {job.id} exists") from error
        first = Event(job.status.value, job.created)
        connection.execute(sql.INSERT_EVENT, event_row(job.id, 1, first))
        connection.execute(sql.INSERT_REQUEST, bodies)
        if sealed:
            connection.execute(sql.INSERT_SECRET, sealed)
        if job.status is Status.ACCEPTED:
            self._database.announce(connection)

    async def redefine(
        self,
        job: Job,
        request: bytes,
        secrets: Mapping[str, str],
        sent: bytes,
        event: Event,
        most: QueueLimits | None = None,
    ) -> Job:
        """Change or start a created job; see JobStore."""
        sealed = self._sealed(job, secrets)
        bodies = {"id": job.id, "new_body": request, "new_sent": sent}
        changed = sql.redefine_parameters(row_of(job)) | {"lease": _lease(job)}

        def work(connection: Connection) -> None:
            saved = connection.execute(sql.REDEFINE, changed).first()
            if saved is None:
                raise _conflict(connection, job)
            _check_queue(connection, job, most)
            connection.execute(sql.INSERT_EVENT, event_row(job.id, saved[0], event))
            connection.execute(sql.CHANGE_REQUEST, bodies)
            connection.execute(sql.DROP_SECRETS, {"id": job.id})
            if sealed:
                connection.execute(sql.INSERT_SECRET, sealed)
            if job.status is Status.ACCEPTED:
                self._database.announce(connection)

        await self._database.write(work)
        return replace(job, version=job.version + 1)

    def _first_of(self, connection: Connection, key: IdempotencyKey, job: Job) -> Job | None:
        """Take the key for `job`; if it is taken, the job it was taken for."""
        named = {"scope": key.scope, "key": key.key}
        cutoff = {"cutoff": job.created - KEY_SECONDS}
        connection.execute(sql.FORGET_KEY, named | cutoff)
        taken = {"digest": key.digest, "job_id": job.id, "created": job.created}
        if connection.execute(self._take_key, named | taken).first() is not None:
            return None
        digest, job_id = connection.execute(sql.KEY, named).one()
        if not key.is_of(digest):
            raise KeyReused
        return job_of(connection.execute(sql.GET, {"id": job_id}).one())

    async def made_under(self, key: IdempotencyKey, now: float) -> Job | None:
        """The job made under a key within a day; KeyReused if the digest differs."""
        named = {"scope": key.scope, "key": key.key, "cutoff": now - KEY_SECONDS}
        row = await self._database.read(lambda c: c.execute(sql.LIVE_KEY, named).first())
        if row is None:
            return None
        if not key.is_of(row[0]):
            raise KeyReused
        return await self.get(row[1])

    async def get(self, job_id: str) -> Job | None:
        """One job."""
        row = await self._database.row(sql.GET, {"id": storable(job_id)})
        return None if row is None else job_of(row)

    async def request(self, job_id: str) -> bytes:
        """The checked request; NoSuchJob if there is none."""
        return await self._body(sql.REQUEST, job_id)

    async def sent(self, job_id: str) -> bytes:
        """What the client sent; NoSuchJob if there is none."""
        return await self._body(sql.SENT, job_id)

    async def _body(self, statement: Select[Any], job_id: str) -> bytes:
        row = await self._database.read(lambda c: c.execute(statement, {"id": job_id}).first())
        if row is None:
            raise NoSuchJob
        return bytes(row[0] or b"{}")

    async def secrets(self, job_id: str) -> Mapping[str, str]:
        """The job's secrets, decrypted; empty once dropped."""
        rows = await self._database.read(lambda c: c.execute(sql.SECRETS, {"id": job_id}).all())
        return {name: self._cipher.open(job_id, name, bytes(sealed)) for name, sealed in rows}

    async def page(self, wanted: JobFilter) -> JobPage:
        """One page, newest first."""
        read = self._database.read if is_quick(wanted) else self._database.read_long
        return await read(lambda connection: page(connection, wanted))

    async def save(
        self, job: Job, events: Sequence[Event] = (), deliveries: Sequence[Delivery] = ()
    ) -> Job:
        """Compare-and-set and append; see JobStore."""
        done = job.phase is Phase.DONE
        parameters = sql.save_parameters(row_of(job), len(events))

        def work(connection: Connection) -> None:
            saved = connection.execute(sql.SAVE_DONE if done else sql.SAVE, parameters).first()
            if saved is None:
                raise _conflict(connection, job)
            if events:
                first = saved[0] - len(events) + 1
                rows = [event_row(job.id, seq, event) for seq, event in enumerate(events, first)]
                connection.execute(sql.INSERT_EVENT, rows)
            if deliveries:
                self._enqueue(connection, deliveries, self._progress_apart)
            if done:
                connection.execute(sql.DROP_SECRETS, {"id": job.id})
            elif job.stop_requested is not None:
                self._database.announce(connection)

        await self._database.write(work)
        return replace(job, version=job.version + 1)

    async def label(self, job: Job) -> Job:
        """Save note and tags; see JobStore."""
        row = row_of(job)
        changed = {"old_id": job.id, "old_version": job.version}
        changed |= {"new_note": row["note"], "new_tags": row["tags"]}
        shared = {"job_id": job.id, "owner": job.owner, "created": job.created}
        rows = [{**shared, "tag": storable(tag)} for tag in job.tags]

        def work(connection: Connection) -> None:
            if connection.execute(sql.LABEL, changed).first() is None:
                raise _conflict(connection, job)
            connection.execute(sql.DROP_TAGS, {"id": job.id})
            if rows:
                connection.execute(sql.INSERT_TAG, rows)

        await self._database.write(work)
        return replace(job, version=job.version + 1)

    async def waiting(self, infrastructure: str, owner: str, most: int) -> list[str]:
        """The ids of somebody's waiting jobs, the next one first."""
        of = {"infrastructure": infrastructure, "owner": owner, "most": most}
        rows = await self._database.read(lambda c: c.execute(sql.WAITING, of).scalars().all())
        return list(rows)

    async def claim(
        self,
        reconciler: str,
        now: float,
        lease: float,
        limit: int,
        rooms: Mapping[str, Room] | None = None,
    ) -> list[Job]:
        """Take due jobs, see JobStore; a damaged one is failed instead of taken."""
        leased = {"now": now, "reconciler": reconciler, "until": now + lease}

        def work(connection: Connection) -> list[Job] | None:
            taken = connection.execute(self._lease, leased | {"ids": ids}).scalars().all()
            found = [job_of(row) for row in connection.execute(sql.SOME, {"ids": taken})]
            for job in filter(is_damaged, found):
                _write_off(connection, job, now)
            return [job for job in found if not is_damaged(job)] if taken else None

        while ids := await self._database.read(lambda c: claims.due(c, now, limit, rooms)):
            # None: others were quicker with every one of them, and left what is due now
            if (taken := await self._database.write(work)) is not None:
                return sorted(taken, key=lambda job: (job.created, job.id))
        return []

    async def loads(self) -> Mapping[str, Load]:
        """How many jobs wait and run, by infrastructure."""
        return await self._database.read(claims.loads)

    async def oldest_waiting(self) -> Mapping[str, float]:
        """When the job that waits longest was made, by infrastructure."""
        return await self._database.read(claims.oldest)

    async def renew(self, reconciler: str, jobs: Iterable[str], until: float) -> None:
        """Extend the leases of jobs that are still ours."""
        ids = list(jobs)

        def work(connection: Connection) -> None:
            for start in range(0, len(ids), RENEW_AT_ONCE):
                some = ids[start : start + RENEW_AT_ONCE]
                connection.execute(
                    sql.RENEW, {"ids": some, "reconciler": reconciler, "until": until}
                )

        if ids:
            await self._database.write(work)

    async def release_leases(self) -> None:
        """End every lease: for a process that knows it is the only one, when it starts."""
        await self._database.write(lambda c: c.execute(sql.RELEASE).rowcount)

    async def events(self, job_id: str, after: int = 0) -> list[Event]:
        """Events with `seq` above `after`, in order."""
        wanted = {"id": job_id, "after": after}
        rows = await self._database.read(lambda c: c.execute(sql.EVENTS, wanted).all())
        return [event_of(row) for row in rows]

    async def remove(self, job_id: str) -> None:
        """Forget a finished job; idempotent. Conflict while it is not done."""

        def work(connection: Connection) -> None:
            connection.execute(sql.FORGET_KEYS_OF, {"id": job_id})
            connection.execute(sql.REMOVE, {"id": job_id})
            if connection.execute(sql.GET, {"id": job_id}).first() is not None:
                raise Conflict(f"job {job_id} is not done")

        await self._database.write(work)

    async def forget_keys(self, before: float) -> int:
        """Forget keys that are old; see JobStore."""
        old = {"cutoff": before}
        return await self._database.write(lambda c: c.execute(sql.FORGET_KEYS, old).rowcount)

    async def forget_created(self, before: float) -> int:
        """Forget created jobs that nobody started; see JobStore."""
        stale = {"cutoff": before}
        return await self._database.write(lambda c: c.execute(sql.FORGET_CREATED, stale).rowcount)


def _lease(job: Job) -> float | None:
    """0 where somebody has to work on the job, NULL where there is nothing to do."""
    return None if job.status is Status.CREATED else 0.0


def _check_queue(connection: Connection, job: Job, most: QueueLimits | None) -> None:
    """QueueFull undoes the change; on PostgreSQL the counts are locked by it until it commits."""
    if most is not None and job.status is Status.ACCEPTED:
        named = {"infrastructure": job.infrastructure, "owner": job.owner, "context": job.context}
        waiting = {kind: count for kind, count in connection.execute(claims.WAITING, named)}
        most.check(waiting, job.infrastructure)


def _conflict(connection: Connection, job: Job) -> Conflict:
    row = connection.execute(sql.GET, {"id": job.id}).first()
    stored = None if row is None else job_of(row)
    if stored is None or (stored.version, stored.fence) != (job.version, job.fence):
        return Conflict(f"job {job.id} changed since version {job.version}")
    return Conflict(f"job {job.id} is {stored.status} and cannot become {job.status}")


def _write_off(connection: Connection, job: Job, now: float) -> None:
    row = row_of(job)
    written = {"old_id": job.id, "new_message": row["message"], "new_failure": row["failure"]}
    seq = connection.execute(sql.WRITE_OFF, written | {"now": now}).scalar_one()
    failed = Event("failed", now, {"reason": UNREADABLE.reason, "detail": UNREADABLE.detail})
    connection.execute(sql.INSERT_EVENT, event_row(job.id, seq, failed))
    connection.execute(sql.DROP_SECRETS, {"id": job.id})
