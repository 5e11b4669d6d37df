"""A job: one execution of a method, and the only table of what may follow what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """The standard's words (OGC API - Processes, statusCode; `created` is Part 4's)."""

    CREATED = "created"
    ACCEPTED = "accepted"
    RUNNING = "running"
    SUCCESSFUL = "successful"
    FAILED = "failed"
    DISMISSED = "dismissed"


FINAL = frozenset({Status.SUCCESSFUL, Status.FAILED, Status.DISMISSED})

ALLOWED: Mapping[Status, frozenset[Status]] = {
    Status.CREATED: frozenset({Status.ACCEPTED, Status.DISMISSED}),
    Status.ACCEPTED: frozenset({Status.RUNNING, Status.FAILED, Status.DISMISSED}),
    Status.RUNNING: FINAL,
    **{status: frozenset[Status]() for status in FINAL},
}


class Phase(StrEnum):
    """Where a job is, finer than its status; reaches people as the message."""

    CREATED = "created"
    QUEUED = "queued"
    STARTING = "starting"
    DEPLOYING = "deploying"
    EXECUTING = "executing"
    COLLECTING = "collecting"
    STOPPING = "stopping"
    UNDEPLOYING = "undeploying"
    DONE = "done"


class Blame(StrEnum):
    """Who is to blame for a failure: it chooses the words, and whether to try again."""

    INPUT = "input"
    METHOD = "method"
    LIMIT = "limit"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job failed. `reason` is a stable word (`exit`, `signal`, `memory`, `time`, `lost`)."""

    blame: Blame
    reason: str
    detail: str
    exit_code: int | None = None


class Stage(StrEnum):
    """What an infrastructure runs: deploy and execute in one shell, or undeploy."""

    RUN = "run"
    UNDEPLOY = "undeploy"


@dataclass(frozen=True, slots=True)
class TaskKey:
    """Names one start of one stage; containers, services and batch jobs carry it."""

    job: str
    attempt: int
    stage: Stage

    @property
    def name(self) -> str:
        """The name on the infrastructure: `ccp-<job>-<attempt>-<stage>`."""
        return f"ccp-{self.job}-{self.attempt}-{self.stage}"


@dataclass(frozen=True, slots=True)
class Job:
    """One execution. Times are seconds since the epoch (UTC). `version` guards every save."""

    id: str
    method: str
    revision: int
    owner: str
    context: str
    infrastructure: str
    created: float
    updated: float
    status: Status = Status.ACCEPTED
    phase: Phase = Phase.QUEUED
    message: str = "queued"
    progress: int | None = None
    started: float | None = None
    finished: float | None = None
    version: int = 0
    attempt: int = 0
    handle: Mapping[str, Any] | None = None
    failure: Failure | None = None
    stage_started: float | None = None
    stop_requested: float | None = None
    stop_requested_by: str | None = None
    note: str | None = None
    fence: int = 0
    subscriber: Mapping[str, Sequence[str]] | None = None
    """Addresses to call back, by successUri, inProgressUri and failedUri."""
    tags: tuple[str, ...] = ()

    @property
    def final(self) -> bool:
        """Whether the status can no longer change."""
        return self.status in FINAL

    def key(self, stage: Stage) -> TaskKey:
        """The name of the current attempt's `stage`."""
        return TaskKey(self.id, self.attempt, stage)


@dataclass(frozen=True, slots=True)
class Event:
    """One appended fact of a job. `seq` counts from 1 within the job and is its SSE id."""

    kind: str
    at: float
    data: Mapping[str, Any] = field(default_factory=dict)
    seq: int = 0


def may_follow(before: Status, after: Status) -> bool:
    """Whether a job may go from `before` to `after` (staying is allowed)."""
    return before == after or after in ALLOWED[before]
