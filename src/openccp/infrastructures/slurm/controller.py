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
    """Of the whole array, if it is an element of one."""
    own: int
    """Its own number, which it writes into its claim when it begins."""
    index: int
    name: str
    comment: str
    user: str
    state: str
    reason: str = ""
    node: str = ""

    @property
    def waits(self) -> bool:
        """Whether it has not begun."""
        return self.state in WAITING

    @property
    def goes(self) -> bool:
        """Whether it has begun and not ended."""
        return self.state in GOING

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self.waits or self.goes


@dataclass(frozen=True, slots=True)
class Listed:
    """What the controller knows of jobs."""

    jobs: Sequence[BatchJob]
    """All of our account, also those that ended lately."""
    line: Sequence[int]
    """The numbers of all that wait, whoever's they are, the next one first."""


class Controller(Protocol):
    """Slurm's controller. Every method raises ControllerGone if there is no answer."""

    async def version(self) -> str:
        """Of the controller that answers."""

    async def submit(self, order: Order) -> int:
        """The new job's number, an array's own; Refused if it is not taken."""

    async def listed(self) -> Listed:
        """Every job of our account in one call, however many there are."""

    async def ended(self, name: str) -> Sequence[BatchJob]:
        """What accounting remembers of our account's jobs of this name; empty without any."""

    async def signal(self, name: str, jobs: Sequence[int], sign: str) -> None:
        """Send TERM, say, to every process of those of these jobs that run and have the name."""

    async def cancel(self, name: str, jobs: Sequence[int]) -> None:
        """End them, whatever they do: at once what waits, by TERM and then KILL what runs."""

    async def close(self) -> None:
        """Hold nothing open."""
