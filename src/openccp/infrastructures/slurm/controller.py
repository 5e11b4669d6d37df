"""What is asked of a cluster's controller, whichever way it is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from openccp.core.ports import CannotStart

WAITING = frozenset({"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "SPECIAL_EXIT"})
GOING = frozenset({"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT"})
"""Every other state is an end."""


class ControllerGone(Exception):
    """The controller does not answer: nobody knows whether it did what it was asked."""


class Refused(CannotStart):
    """The controller does not take the job; the text is its own."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a batch job is given. Bytes and seconds; empty or 0 is left to the cluster."""

    seconds: float
    memory_bytes: int
    cpus: int
    gpus: int = 0
    partition: str = ""
    account: str = ""
    qos: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """A batch job to be queued. `script` holds paths only: who looks at the job may read it."""

    name: str
    comment: str
    script: str
    replicas: int
    share: Share
    user: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class BatchJob:
    """One job, or one element of an array, as the controller lists it."""

    id: int
    index: int
    name: str
    comment: str
    user: str
    state: str
    reason: str = ""
    node: str = ""
    priority: int = 0

    @property
    def waits(self) -> bool:
        """Whether it has not begun."""
        return self.state in WAITING

    @property
    def goes(self) -> bool:
        """Whether it has begun and not ended."""
        return self.state in GOING


class Controller(Protocol):
    """Slurm's controller. Every method raises ControllerGone if there is no answer."""

    async def version(self) -> str:
        """Of the controller that answers."""

    async def submit(self, order: Order) -> int:
        """The new job's number, an array's own; Refused if it is not taken."""

    async def listed(self) -> Sequence[BatchJob]:
        """Every job that it knows, also those that ended lately, in one call."""

    async def ended(self, name: str) -> Sequence[BatchJob]:
        """What accounting remembers of jobs of this name; empty where nothing is accounted."""

    async def signal(self, job: int, sign: str) -> None:
        """Send TERM, say, to every process of a running job; nothing if it does not run."""

    async def cancel(self, job: int) -> None:
        """End it, whatever it does: at once if it waits, by TERM and then KILL if it runs."""

    async def close(self) -> None:
        """Hold nothing open."""
