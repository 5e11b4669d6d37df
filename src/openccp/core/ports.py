"""What the core needs of places: Protocols for infrastructures and the records of jobs.

The database's Protocols are in `stores`.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from openccp.core.job import Failure, Phase, TaskKey
from openccp.core.method import Output, Scripts
from openccp.core.problems import Problem


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
    root: bool = False
    """Whether it has to run as root inside: the method says so."""
    gpus: int = 0
    """Graphics processors that it needs."""


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
    """Peak memory, exit codes by replica, ...; `runtime` goes into the job's record."""
    began: float | None = None
    """When its processes began, where that may be long after the submission (epoch seconds)."""


@dataclass(frozen=True, slots=True)
class LogChunk:
    """A piece of one stream. `stream` is stdout or stderr, `offset` counts its bytes."""

    stream: str
    replica: int
    offset: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Health:
    """What an infrastructure says of itself.

    `enforced` says how it holds each promise that it makes, and `lacks` what it does not do; the
    names stand in `core.promises`. `isolation` begins with `none` where nothing holds a job.
    """

    reachable: bool
    version: str
    detail: str = ""
    slots: int = 0
    runtimes: tuple[str, ...] = ()
    isolation: str = "none"
    network_policy: str = "none"
    enforced: Mapping[str, str] = field(default_factory=dict)
    network: bool = True
    """Whether a job gets network where its method wants it."""
    root: bool = False
    """Whether a job may be root inside, where its method says that it has to be."""
    gpus: int = 0
    """The most graphics processors that one job may have."""
    lacks: tuple[str, ...] = ()


class NoSuchRuntime(Problem):
    """The infrastructure has no runtime of this name."""

    status, type, title = 400, "urn:openccp:problem:no-such-runtime", "No such runtime"


class CannotStart(Exception):
    """The infrastructure could not start the task; the text is for the job's owner.

    Without a `failure` the platform is to blame.
    """

    def __init__(self, words: str, failure: Failure | None = None) -> None:
        super().__init__(words)
        self.failure = failure


class Infrastructure(Protocol):
    """A place where jobs run. It reports; it never decides, retries or touches the store.

    A call may take long, and holds up the jobs of this infrastructure alone, so long as it awaits.
    None may take for ever: only the infrastructure knows when to give its daemon up.
    """

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

    async def close(self) -> None:
        """Stop watching; what runs goes on and is found again."""

    async def reap(self, handle: Handle) -> None:
        """Free what the attempt holds (scratch, secrets, cgroups), all stages; idempotent."""


@runtime_checkable
class Carried(Protocol):
    """An infrastructure whose nodes share no files with the platform: tasks there ask for them.

    `token` is one attempt's alone; each of these is NotFound for any other, for an attempt that is
    over, and for what was given or taken already.
    """

    def admits(self, attempt: str, token: str) -> None:
        """Only the check: before anything large is read."""

    def inputs(self, attempt: str, stage: str, token: str) -> Iterator[bytes]:
        """A tar of what a stage needs."""

    async def told(self, attempt: str, token: str, news: Mapping[str, Any]) -> Mapping[str, Any]:
        """Take in what goes on at the node (JSON); answers what is to be done there."""

    async def results(
        self, attempt: str, stage: str, token: str, content: AsyncIterator[bytes]
    ) -> None:
        """Take in a tar of what a stage left, within the limits of the job; only once."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where a task's files lie: `files` is /ccp_data; `logs` maps names to log files.

    `logs` keys are what results call them: `stdout`, `stderr`, or `stdout.1` for replica 1.
    `sealed` says that no process is left that could still write to any of them.
    """

    files: Path
    logs: Mapping[str, Path]
    sealed: bool = False


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


class Archive(Protocol):
    """A job's files as one zip that is never stored: laid out from the manifest."""

    @property
    def length(self) -> int:
        """Its bytes, known before the first is sent."""

    @property
    def etag(self) -> str:
        """A strong entity tag, with its quotes."""

    def stream(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes [start, stop)."""


class FileStore(Protocol):
    """The records of jobs: one folder a job (design section 6)."""

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

    def bundle(self, job: str, modified: float, only: frozenset[str] = frozenset()) -> Archive:
        """Everything as output.zip, or `only` these outputs, dated `modified`.

        NotFound before the end.
        """

    def remove(self, job: str) -> None:
        """Delete the record; idempotent."""


# --- addresses fetched on somebody's word -----------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address gave: the status, the media type it named (bare), and the bytes."""

    status: int
    media_type: str
    content: bytes
    charset: str | None = None


class NotFetched(Exception):
    """The address was refused or did not answer well; the text goes on after "...: ".

    It is the same for what is forbidden, closed, filtered or unknown, so that nobody learns
    from it what there is behind the platform.
    """


class Fetcher(Protocol):
    """The one way to an address that a user, package or job names (security.md C.5).

    `by` names the account on whose word it is fetched: each has its share of what is fetched
    at a time.
    """

    def check(self, url: str) -> None:
        """NotFetched for an address that its text alone refuses; touches no network."""

    async def get(
        self, url: str, most: int | None = None, accept: str = "*/*", *, by: str = ""
    ) -> Fetched:
        """A 2xx answer of at most `most` bytes (None: the operator's limit, never more).

        Follows up to three redirects, each judged anew. NotFetched for everything else.
        """

    async def post(
        self, url: str, content: bytes, headers: Mapping[str, str], *, by: str = ""
    ) -> Fetched:
        """Any answer, its body cut short; follows no redirect. NotFetched if there is none."""
