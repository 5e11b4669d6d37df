"""Memory adapters: a job store, a clock that is told, and an infrastructure of a given mind."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from openccp.core.deliveries import Delivery
from openccp.core.job import FINAL, Event, Job, Phase, Stage, Status, TaskKey
from openccp.core.job_list import JobFilter, JobPage, fits, page_of, place_of
from openccp.core.method import Output
from openccp.core.policy import QueueLimits
from openccp.core.ports import (
    Archive,
    CannotStart,
    Handle,
    Health,
    Limits,
    LogChunk,
    Manifest,
    Observation,
    State,
    Task,
    Workspace,
)
from openccp.core.problems import KeyReused, NotFound
from openccp.core.queue import Load, Room, Waiting, next_up, shares, soonest
from openccp.core.stores import Conflict, IdempotencyKey


class TestClock:
    """A clock that stands until it is moved."""

    __test__ = False

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Now."""
        return self.now

    def pass_(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@dataclass(slots=True)
class _Row:
    job: Job
    request: bytes
    secrets: Mapping[str, str]
    events: list[Event]
    sent: bytes
    lease_until: float = 0.0
    leased_by: str | None = None


class MemoryJobs:
    """JobStore in memory, with the same promises but durability."""

    def __init__(self) -> None:
        self._rows: dict[str, _Row] = {}
        self.outbox: list[Delivery] = []
        self._keys: dict[tuple[str, str], tuple[str, str]] = {}

    async def add(
        self,
        job: Job,
        request: bytes,
        secrets: Mapping[str, str],
        key: IdempotencyKey | None = None,
        sent: bytes = b"{}",
        most: QueueLimits | None = None,
    ) -> Job:
        """Keep a new job, or give the one first made under `key`."""
        if key is not None:
            digest, first = self._keys.setdefault((key.scope, key.key), (key.digest, job.id))
            if not key.is_of(digest):
                raise KeyReused
            if first != job.id:
                return self._rows[first].job
        self._check_queue(job, most)
        made = Event(job.status.value, job.created, {}, 1)
        self._rows[job.id] = _Row(job, request, dict(secrets), [made], sent)
        return job

    async def made_under(self, key: IdempotencyKey, now: float) -> Job | None:
        """The job first made under a key."""
        digest, first = self._keys.get((key.scope, key.key), (key.digest, ""))
        if not key.is_of(digest):
            raise KeyReused
        return await self.get(first)

    def _check_queue(self, job: Job, most: QueueLimits | None) -> None:
        if most is None or job.status is not Status.ACCEPTED:
            return
        here = [j for j in self._jobs(Status.ACCEPTED) if j.infrastructure == job.infrastructure]
        count = {
            "total": len(here) + 1,
            "context": sum(j.context == job.context for j in here) + 1,
            "user": sum(j.owner == job.owner for j in here) + 1,
        }
        most.check(count, job.infrastructure)

    def _jobs(self, *statuses: Status) -> list[Job]:
        return [row.job for row in self._rows.values() if row.job.status in statuses]

    async def redefine(
        self,
        job: Job,
        request: bytes,
        secrets: Mapping[str, str],
        sent: bytes,
        event: Event,
        most: QueueLimits | None = None,
    ) -> Job:
        """Change or start a created job."""
        row = self._rows.get(job.id)
        if row is None or row.job.version != job.version or row.job.status is not Status.CREATED:
            raise Conflict(job.id)
        self._check_queue(job, most)
        row.job = replace(job, version=job.version + 1)
        row.request, row.secrets, row.sent = request, dict(secrets), sent
        row.events.append(replace(event, seq=len(row.events) + 1))
        return row.job

    async def get(self, job_id: str) -> Job | None:
        """One job."""
        row = self._rows.get(job_id)
        return row.job if row else None

    async def request(self, job_id: str) -> bytes:
        """The request as given."""
        return self._rows[job_id].request

    async def sent(self, job_id: str) -> bytes:
        """What the client sent."""
        return self._rows[job_id].sent

    async def secrets(self, job_id: str) -> Mapping[str, str]:
        """The secrets, empty once dropped."""
        return self._rows[job_id].secrets

    async def page(self, wanted: JobFilter) -> JobPage:
        """One page, newest first."""
        fit = (row.job for row in self._rows.values() if fits(row.job, wanted))
        return page_of(wanted, sorted(fit, key=place_of, reverse=not wanted.upwards))

    async def save(
        self, job: Job, events: Sequence[Event] = (), deliveries: Sequence[Delivery] = ()
    ) -> Job:
        """Compare-and-set on version and fence."""
        row = self._rows.get(job.id)
        if row is None or (row.job.version, row.job.fence) != (job.version, job.fence):
            raise Conflict(job.id)
        if row.job.status in FINAL and job.status is not row.job.status:
            raise Conflict(f"{job.id} is final")
        row.job = replace(job, version=job.version + 1)
        for event in events:
            row.events.append(replace(event, seq=len(row.events) + 1))
        self.outbox.extend(deliveries)
        if job.phase is Phase.DONE:
            row.secrets, row.leased_by, row.lease_until = {}, None, 0.0
        return row.job

    async def label(self, job: Job) -> Job:
        """Save note and tags."""
        row = self._rows.get(job.id)
        if row is None or row.job.version != job.version:
            raise Conflict(job.id)
        row.job = replace(row.job, note=job.note, tags=job.tags, version=job.version + 1)
        return row.job

    async def waiting(self, infrastructure: str, owner: str, most: int) -> list[str]:
        """The ids of somebody's waiting jobs, the next one first."""
        theirs = [
            (job.created, job.id)
            for job in self._jobs(Status.ACCEPTED)
            if (job.infrastructure, job.owner) == (infrastructure, owner)
        ]
        return [job_id for _, job_id in sorted(theirs)[:most]]

    async def claim(
        self,
        reconciler: str,
        now: float,
        lease: float,
        limit: int,
        rooms: Mapping[str, Room] | None = None,
    ) -> list[Job]:
        """Take undone jobs without a live lease: those under way, then everybody's share."""
        due = sorted(
            (
                r
                for r in self._rows.values()
                if r.job.phase not in (Phase.CREATED, Phase.DONE) and r.lease_until <= now
            ),
            key=lambda r: (r.job.created, r.job.id),
        )
        taken = [r.job.id for r in due if r.job.phase is not Phase.QUEUED][:limit]
        elsewhere = Room(limit - len(taken), most=limit - len(taken))
        queued = [r.job for r in due if r.job.phase is Phase.QUEUED]
        for name in await self.loads():
            here = [job for job in queued if job.infrastructure == name]
            taken += _next_up(here, (rooms or {}).get(name, elsewhere))
        for row in (rows := [self._rows[job_id] for job_id in taken]):
            row.leased_by, row.lease_until = reconciler, now + lease
            row.job = replace(row.job, fence=row.job.fence + 1)
        return sorted((row.job for row in rows), key=lambda job: (job.created, job.id))

    async def loads(self) -> Mapping[str, Load]:
        """How many jobs wait and run."""
        waiting = Counter(job.infrastructure for job in self._jobs(Status.ACCEPTED))
        running = Counter(job.infrastructure for job in self._jobs(Status.RUNNING))
        return {name: Load(waiting[name], running[name]) for name in waiting | running}

    async def oldest_waiting(self) -> Mapping[str, float]:
        """When the job that waits longest was made."""
        oldest: dict[str, float] = {}
        for job in self._jobs(Status.ACCEPTED):
            oldest[job.infrastructure] = min(
                job.created, oldest.get(job.infrastructure, job.created)
            )
        return oldest

    async def renew(self, reconciler: str, jobs: Iterable[str], until: float) -> None:
        """Extend leases that are still ours."""
        for job_id in jobs:
            row = self._rows.get(job_id)
            if row is not None and row.leased_by == reconciler:
                row.lease_until = until

    async def events(self, job_id: str, after: int = 0) -> list[Event]:
        """Events above `after`."""
        row = self._rows.get(job_id)
        return [event for event in row.events if event.seq > after] if row else []

    async def remove(self, job_id: str) -> None:
        """Forget a job."""
        row = self._rows.get(job_id)
        if row is not None and row.job.phase is not Phase.DONE:
            raise Conflict(job_id)
        self._rows.pop(job_id, None)

    async def forget_keys(self, before: float) -> int:
        """Forget the keys of jobs made until then."""
        kept = {k: v for k, v in self._keys.items() if self._rows[v[1]].job.created > before}
        forgotten, self._keys = len(self._keys) - len(kept), kept
        return forgotten

    async def forget_created(self, before: float) -> int:
        """Forget created jobs that nobody started."""
        jobs = [row.job for row in self._rows.values()]
        stale = [j.id for j in jobs if j.status is Status.CREATED and j.updated <= before]
        for job_id in stale:
            del self._rows[job_id]
        return len(stale)


def _next_up(here: list[Job], room: Room) -> list[str]:
    """Those of the jobs that wait, oldest first, that there is room for."""
    wanted = shares(Counter(job.owner for job in here), room)
    first = {job.owner: job.created for job in reversed(here)}
    lines = (
        Waiting(job.id, job.owner, job.created)
        for owner, count in soonest(wanted, room, first).items()
        for job in [job for job in here if job.owner == owner][:count]
    )
    return next_up(lines, room.held, room.free)


class ScriptedInfrastructure:
    """Runs nothing: tasks start when submitted and end when a test says so.

    `starts` counts them by key, as an oracle outside of the platform would.
    """

    id = title = "local"
    kind = "scripted"

    def __init__(self, slots: int = 4) -> None:
        self.slots = slots
        self.starts: defaultdict[TaskKey, int] = defaultdict(int)
        self.alive: dict[TaskKey, Observation] = {}
        self.stops: list[TaskKey] = []
        self.broken = False
        self._callbacks: list[Callable[[TaskKey], None]] = []

    async def close(self) -> None:
        """Nothing is open."""

    async def check(self) -> Health:
        """Always reachable."""
        return Health(True, "1", slots=self.slots)

    def has_runtime(self, image: str) -> bool:
        """Any."""
        return True

    def on_change(self, callback: Callable[[TaskKey], None]) -> None:
        """Called by `end`."""
        self._callbacks.append(callback)

    async def submit(self, task: Task) -> Handle:
        """Start once a key."""
        if self.broken:
            raise CannotStart("broken on purpose")
        if task.key not in self.alive:
            self.starts[task.key] += 1
            self.alive[task.key] = Observation(State.RUNNING)
        return _handle(task.key)

    async def find(self, key: TaskKey) -> Handle | None:
        """What was started under a key."""
        return _handle(key) if key in self.alive else None

    async def observe(self, handles: Mapping[TaskKey, Handle]) -> Mapping[TaskKey, Observation]:
        """What a test has said of each."""
        return {key: self.alive.get(key, Observation(State.LOST)) for key in handles}

    async def stop(self, handle: Handle, grace: float) -> None:
        """Remembered; the test decides when it is gone."""
        self.stops.append(_key(handle))

    async def logs(self, handle: Handle, after: Mapping[str, int]) -> AsyncIterator[LogChunk]:
        """Nothing was written."""
        nothing: tuple[LogChunk, ...] = ()
        for chunk in nothing:
            yield chunk

    def workspace(self, handle: Handle) -> Workspace:
        """Nowhere."""
        return Workspace(Path("/nonexistent"), {})

    async def reap(self, handle: Handle) -> None:
        """Forget every stage of the attempt."""
        gone = _key(handle)
        for key in [k for k in self.alive if (k.job, k.attempt) == (gone.job, gone.attempt)]:
            del self.alive[key]

    def end(self, key: TaskKey, seen: Observation) -> None:
        """A task has ended as seen; its key stays known until it is reaped."""
        self.alive[key] = seen
        for callback in self._callbacks:
            callback(key)


def _handle(key: TaskKey) -> Handle:
    return {"v": 1, "job": key.job, "attempt": key.attempt, "stage": str(key.stage)}


def _key(handle: Handle) -> TaskKey:
    return TaskKey(handle["job"], handle["attempt"], Stage(handle["stage"]))


class NoFiles:
    """FileStore that keeps an empty manifest for each collected job."""

    def __init__(self, missing: tuple[str, ...] = ()) -> None:
        self.collected: dict[str, Manifest] = {}
        self._missing = missing

    def collect(
        self, job: str, workspace: Workspace, outputs: Mapping[str, Output], limits: Limits
    ) -> Manifest:
        """Commit the manifest."""
        return self.collected.setdefault(job, Manifest((), (), (), {}, self._missing))

    def manifest(self, job: str) -> Manifest | None:
        """The committed manifest."""
        return self.collected.get(job)

    def open_output(self, job: str, path: str) -> Path:
        """There are none."""
        raise NotFound

    open_log = open_output

    def bundle(self, job: str, modified: float, only: frozenset[str] = frozenset()) -> Archive:
        """There is none."""
        raise NotFound

    def remove(self, job: str) -> None:
        """Delete the record."""
        self.collected.pop(job, None)
