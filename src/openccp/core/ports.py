"""What the core needs from the world: Protocols that adapters fulfil."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from openccp.core.access import Role
from openccp.core.job import Event, Failure, Job, Phase, Status, TaskKey
from openccp.core.method import Output, Revision, Scripts
from openccp.core.problems import Problem


class Conflict(Exception):
    """Somebody else changed the job since it was read, or the lease is no longer ours."""


class Clock(Protocol):
    """Time as seconds since the epoch."""

    def __call__(self) -> float:
        """Now."""


# --- where jobs run ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Limits:
    """What one task may use. Bytes and seconds; `cpus` in cores."""

    wall_seconds: float = 3600
    memory_bytes: int = 2 << 30
    cpus: float = 1.0
    pids: int = 256
    output_bytes: int = 2 << 30
    output_files: int = 20_000
    log_bytes: int = 64 << 20


@dataclass(frozen=True, slots=True)
class Task:
    """One stage to run. The scripts are rendered (references, never values)."""

    key: TaskKey
    image: str
    scripts: Scripts
    values: Mapping[str, str]
    """Input id -> text: becomes the shell variable CCP_IN_<id>."""
    files: Mapping[str, bytes]
    """Name -> content, readable at /ccp_in/<name> (with inputs.json among them)."""
    secrets: Mapping[str, str]
    """Input id -> secret, readable at /run/secrets/<id> and nowhere else."""
    environment: Mapping[str, str]
    replicas: int
    network: bool
    limits: Limits


Handle = Mapping[str, Any]
"""JSON, opaque to everybody but the infrastructure that made it; carries `v`, its version."""


class State(StrEnum):
    """What an infrastructure can say of a task."""

    PENDING = "pending"
    RUNNING = "running"
    EXITED = "exited"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Observation:
    """What is seen of one task.

    `phase` is DEPLOYING or EXECUTING as read from the control file; `executing_reached` says
    that deploy ended well. When EXITED: `failure` None means that every replica's execute
    script ended with 0; otherwise it says who is to blame (as the kernel counts it).
    """

    state: State
    phase: Phase = Phase.EXECUTING
    progress: int | None = None
    message: str | None = None
    failure: Failure | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Peak memory, exit codes by replica, ...: for the record."""


@dataclass(frozen=True, slots=True)
class LogChunk:
    """A piece of one stream. `stream` is stdout or stderr, `offset` counts its bytes."""

    stream: str
    replica: int
    offset: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Health:
    """What an infrastructure says of itself. `enforced` names limits that were measured."""

    reachable: bool
    version: str
    detail: str = ""
    slots: int = 0
    runtimes: tuple[str, ...] = ()
    isolation: str = "none"
    network_policy: str = "none"
    enforced: Mapping[str, str] = field(default_factory=dict)


class NoSuchRuntime(Problem):
    """The infrastructure has no runtime of this name."""

    status, type, title = 400, "urn:openccp:problem:no-such-runtime", "No such runtime"


class CannotStart(Exception):
    """The infrastructure could not start the task; the text is for the job's owner."""


class Infrastructure(Protocol):
    """A place where jobs run. It reports; it never decides, retries or touches the store."""

    id: str
    title: str
    kind: str
    slots: int

    async def check(self) -> Health:
        """Reachable, version, what it can do."""

    def has_runtime(self, image: str) -> bool:
        """Whether an image name can be run here (asked before a job is accepted)."""

    def on_change(self, callback: Callable[[TaskKey], None]) -> None:
        """Call `callback(key)` on the event loop when a task may have ended; a hint only."""

    async def submit(self, task: Task) -> Handle:
        """Start once: the same key again returns the running one. CannotStart if it can't."""

    async def find(self, key: TaskKey) -> Handle | None:
        """The handle of a task started under `key`, after a reply was lost."""

    async def observe(self, handles: Mapping[TaskKey, Handle]) -> Mapping[TaskKey, Observation]:
        """Look at many at once; what is unknown is LOST, never an exception."""

    async def stop(self, handle: Handle, grace: float) -> None:
        """TERM now, KILL after `grace` seconds; idempotent; only asks."""

    def logs(self, handle: Handle, after: Mapping[str, int]) -> AsyncIterator[LogChunk]:
        """What was written beyond offsets `after` ("stdout.0" -> bytes); ends when caught up."""

    def workspace(self, handle: Handle) -> "Workspace":
        """The finished task's files, for the collector."""

    async def reap(self, handle: Handle) -> None:
        """Free what the attempt holds (scratch, secrets, cgroups), all stages; idempotent."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where a task's files lie: `files` is /ccp_data; `logs` maps names to log files.

    `logs` keys are what results call them: `stdout`, `stderr`, or `stdout.1` for replica 1.
    """

    files: Path
    logs: Mapping[str, Path]


# --- records ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a job's record. `path` is relative to outputs/ (or logs/), POSIX."""

    path: str
    size: int
    sha256: str
    crc32: int
    media_type: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something left in /ccp_data that is not kept, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a job left: `outputs` maps output ids to entry paths (several for a glob)."""

    files: tuple[FileEntry, ...]
    logs: tuple[FileEntry, ...]
    skipped: tuple[Skipped, ...]
    outputs: Mapping[str, tuple[str, ...]]
    missing: tuple[str, ...] = ()
    """Declared outputs that were asked for and are not there."""


class FileStore(Protocol):
    """The records of jobs: one folder a job (design section 6)."""

    def write_metadata(self, job: str, name: str, content: bytes) -> None:
        """Put one metadata file, whole or not at all."""

    def collect(
        self, job: str, workspace: Workspace, outputs: Mapping[str, Output], limits: Limits
    ) -> Manifest:
        """Copy regular files by directory descriptors, follow no link, then commit a manifest."""

    def manifest(self, job: str) -> Manifest | None:
        """The committed manifest, or None before the end."""

    def open_output(self, job: str, path: str) -> Path:
        """The stored file of a manifest entry; NotFound problem if it is not in the manifest."""

    def open_log(self, job: str, name: str) -> Path:
        """A stored log by name (`stdout`)."""

    def metadata_names(self, job: str) -> Sequence[str]:
        """The metadata files there are."""

    def open_metadata(self, job: str, name: str) -> Path:
        """One metadata file; NotFound if there is none of this name."""

    def remove(self, job: str) -> None:
        """Delete the record; idempotent."""


# --- the store --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A client's key in the scope of its owner and context, with a digest of the request."""

    scope: str
    key: str
    digest: str


@dataclass(frozen=True, slots=True)
class JobFilter:
    """A page of a job list, newest first. `after` is the (created, id) of the last one seen."""

    owner: str
    limit: int = 10
    after: tuple[float, str] | None = None
    statuses: tuple[Status, ...] = ()
    methods: tuple[str, ...] = ()


class JobStore(Protocol):
    """Jobs, their events and requests. Every change is one durable transaction."""

    async def add(
        self,
        job: Job,
        request: bytes,
        secrets: Mapping[str, str],
        key: IdempotencyKey | None = None,
    ) -> Job:
        """Keep a new job with an `accepted` event; on return it is on disk.

        With a known `key` the job first made under it is returned instead; KeyReused if the
        digest differs. `request` is the checked request without secrets, as JSON.
        """

    async def get(self, job_id: str) -> Job | None:
        """One job."""

    async def request(self, job_id: str) -> bytes:
        """The request as given to `add`."""

    async def secrets(self, job_id: str) -> Mapping[str, str]:
        """The job's secrets, decrypted; empty once dropped."""

    async def page(self, wanted: JobFilter) -> list[Job]:
        """One page, newest first: at most `limit` jobs."""

    async def save(self, job: Job, events: Sequence[Event] = ()) -> Job:
        """Compare-and-set on `version` and `fence`, append events; Conflict if it moved on.

        A job saved in phase DONE drops its secrets and its lease in the same transaction.
        Returns the job with its new version.
        """

    async def claim(self, reconciler: str, now: float, lease: float, limit: int) -> list[Job]:
        """Take up to `limit` undone jobs without a live lease, oldest first; raises the fence."""

    async def renew(self, reconciler: str, jobs: Iterable[str], until: float) -> None:
        """Extend the leases of jobs that are still ours."""

    async def events(self, job_id: str, after: int = 0) -> list[Event]:
        """Events with `seq` above `after`, in order."""

    async def remove(self, job_id: str) -> None:
        """Forget a finished job; idempotent."""


class MethodStore(Protocol):
    """Methods and their immutable revisions."""

    async def add(
        self, revision: Revision, package: bytes, media_type: str, *, replace: bool
    ) -> Revision:
        """Keep a revision (numbered by the store).

        DuplicatedProcess if one of this id is deployed and `replace` is false; NoSuchProcess
        if `replace` is true and there is none.
        """

    async def get(self, method_id: str) -> Revision | None:
        """The current revision, None when undeployed."""

    async def revision(self, method_id: str, number: int) -> Revision | None:
        """A revision by number, also of a method since removed: old jobs refer to it."""

    async def package(self, method_id: str, number: int) -> tuple[bytes, str]:
        """The body that was deployed and its media type."""

    async def all(self) -> Sequence[Revision]:
        """Every current revision, by id. Callers filter by `access`."""

    async def remove(self, method_id: str) -> None:
        """Undeploy: no longer listed or run; its revisions stay for old jobs."""


# --- accounts ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Account:
    """A local account. `password_hash` None means that no password signs in."""

    id: str
    name: str
    role: Role
    created: float
    password_hash: str | None = None


class Credential(StrEnum):
    """What a stored, hashed bearer secret is for."""

    PERSONAL = "personal"
    SESSION = "session"
    SIGN_IN = "sign-in"
    REFRESH = "refresh"


@dataclass(frozen=True, slots=True)
class StoredCredential:
    """A bearer secret, kept only as its SHA-256 `digest` (hex). `family` groups refreshes."""

    digest: str
    kind: Credential
    account: str
    created: float
    expires: float | None
    label: str = ""
    context: str | None = None
    client: str | None = None
    family: str | None = None
    spent: float | None = None


class AccountStore(Protocol):
    """Accounts, contexts, memberships and bearer secrets."""

    async def add_account(self, account: Account) -> None:
        """Keep a new account, a member of `default`; DuplicateName problem if taken."""

    async def account(self, account_id: str) -> Account | None:
        """By id."""

    async def account_named(self, name: str) -> Account | None:
        """By name."""

    async def set_password(self, account_id: str, password_hash: str) -> None:
        """Replace the password hash."""

    async def add_context(self, name: str, title: str) -> None:
        """Keep a new context; DuplicateName problem if taken."""

    async def add_member(self, context: str, account_id: str) -> None:
        """Put an account into a context; idempotent."""

    async def contexts(self, account_id: str) -> frozenset[str]:
        """The contexts an account belongs to."""

    async def add_credential(self, credential: StoredCredential) -> None:
        """Keep a bearer secret's digest."""

    async def credential(self, digest: str) -> StoredCredential | None:
        """By digest."""

    async def credentials(self, account_id: str, kind: Credential) -> Sequence[StoredCredential]:
        """All of a kind, newest first."""

    async def spend(self, digest: str, now: float) -> bool:
        """Mark as used; True for exactly one caller, False if it was spent or is not there."""

    async def revoke(self, digest: str) -> None:
        """Forget one; idempotent."""

    async def revoke_family(self, family: str) -> None:
        """Forget every refresh secret of a family; idempotent."""


class DuplicateName(Problem):
    """This name is already taken."""

    status, type, title = 409, "urn:openccp:problem:duplicate-name", "Duplicate name"
