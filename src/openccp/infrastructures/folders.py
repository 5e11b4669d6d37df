"""Two folders an attempt: what is small lies in memory, what may grow lies on disk.

    <state>/<attempt>/in                            /ccp_in
    <state>/<attempt>/secrets                       /run/secrets
    <state>/<attempt>/<stage>/{plan,script/}        /run/ccp/script
    <state>/<attempt>/<stage>/<r>.{pid,status}
    <disk>/<attempt>                                /ccp_data
    <disk>/<attempt>.home.<r>                       $HOME, with the marks of each stage
    <disk>/<attempt>.<stage>.<r>.{stdout,stderr}
    <disk>/<attempt>.large.<n>                      inputs or values too large for memory

A task is ready when its folder is in <state>: that is moved into place whole. The job writes
on disk only. After a restart of the machine <state> is empty and its tasks are lost.
"""

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from openccp.core.job import Stage, TaskKey
from openccp.core.ports import Handle, Limits
from openccp.infrastructures.bounded import read_text

VERSION = 1
LIMITS = tuple(field.name for field in fields(Limits))


MARKS = ".ccp-marks-"
PROGRESS = ".ccp-progress"


@dataclass(frozen=True, slots=True)
class Replica:
    """The files of one replica of a stage."""

    index: int
    stage: str
    state: str
    disk: str

    @property
    def pid(self) -> str:
        """The claim: boot id and /proc stat line of the process that became the sandbox."""
        return f"{self.state}/{self.stage}/{self.index}.pid"

    @property
    def status(self) -> str:
        """What the sandbox says of itself: JSON lines with child-pid, then exit-code."""
        return f"{self.state}/{self.stage}/{self.index}.status"

    @property
    def stdout(self) -> str:
        """Standard output."""
        return f"{self.disk}.{self.stage}.{self.index}.stdout"

    @property
    def stderr(self) -> str:
        """Standard error."""
        return f"{self.disk}.{self.stage}.{self.index}.stderr"

    @property
    def home(self) -> str:
        """What is $HOME inside; the stages of an attempt share it."""
        return f"{self.disk}.home.{self.index}"

    @property
    def marks(self) -> str:
        """The script phases that were reached, as the job's shell writes them."""
        return f"{self.home}/{MARKS}{self.stage}"

    @property
    def progress(self) -> str:
        """What the job writes to CCP_PROGRESS."""
        return f"{self.home}/{PROGRESS}"


@dataclass(frozen=True, slots=True)
class Ground:
    """The two folders below which all attempts lie."""

    state: str
    disk: str


@dataclass(frozen=True, slots=True)
class StageFolder:
    """Where the files of one stage of an attempt lie."""

    ground: Ground
    key: TaskKey

    @property
    def name(self) -> str:
        """The task's name, also that of its control group."""
        return self.key.name

    @property
    def attempt(self) -> str:
        """The folder in memory that all stages of the attempt share."""
        return f"{self.ground.state}/{attempt_name(self.key)}"

    @property
    def path(self) -> str:
        """The stage's own folder."""
        return f"{self.attempt}/{self.key.stage}"

    @property
    def data(self) -> str:
        """What is /ccp_data inside."""
        return f"{self.ground.disk}/{attempt_name(self.key)}"

    @property
    def verdict(self) -> str:
        """Why the platform ended the task, written before it does."""
        return self.path + "/verdict"

    @property
    def stopping(self) -> str:
        """When a stop that was asked for turns into a kill."""
        return self.path + "/stopping"

    def replica(self, index: int) -> Replica:
        """The files of one replica."""
        return Replica(index, str(self.key.stage), self.attempt, self.data)


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to be known to watch a task that an earlier process started."""

    uid: int
    replicas: int
    limits: Limits

    def write(self) -> bytes:
        """As JSON."""
        limits = {name: getattr(self.limits, name) for name in LIMITS}
        plan = {"v": VERSION, "uid": self.uid, "replicas": self.replicas, "limits": limits}
        return json.dumps(plan).encode()


def read_plan(folder: StageFolder) -> Plan | None:
    """The plan of a stage that was made ready; None if there is none."""
    try:
        plan = json.loads(read_text(folder.path + "/plan"))
        return Plan(plan["uid"], plan["replicas"], Limits(**plan["limits"]))
    except (ValueError, KeyError, TypeError):
        return None


def disk_paths(folder: StageFolder) -> list[str]:
    """What a stage has on disk beside the attempt's data."""
    plan = read_plan(folder)
    replicas = map(folder.replica, range(plan.replicas if plan else 0))
    own = [path for r in replicas for path in (r.home, r.stdout, r.stderr)]
    for link in (f"{folder.attempt}/in", f"{folder.path}/script"):
        with contextlib.suppress(OSError):
            own.append(os.readlink(link))
    return own


def users_of(stages: Sequence[StageFolder]) -> set[int]:
    """The users that the stages of an attempt run as, one if all is well."""
    found = {plan.uid for plan in map(read_plan, stages) if plan is not None}
    with contextlib.suppress(OSError):
        found.add(os.stat(stages[0].data).st_uid)
    return found


def attempt_name(key: TaskKey) -> str:
    """The name that the stages of an attempt share."""
    return f"ccp-{key.job}-{key.attempt}"


def handle_of(key: TaskKey) -> dict[str, Any]:
    """A handle is the key: everything else lies in the folder."""
    return {"v": VERSION, "job": key.job, "attempt": key.attempt, "stage": str(key.stage)}


def key_of(handle: Handle) -> TaskKey | None:
    """The key of a handle of ours; None for anything else."""
    try:
        return TaskKey(str(handle["job"]), int(handle["attempt"]), Stage(handle["stage"]))
    except (KeyError, TypeError, ValueError):
        return None


def status_of(replica: Replica) -> Mapping[str, int]:
    """`child-pid` and `exit-code`, as far as the sandbox has written them."""
    found: dict[str, int] = {}
    for line in read_text(replica.status).splitlines():
        try:
            fields = json.loads(line)
        except ValueError:
            continue
        found.update({name: value for name, value in fields.items() if isinstance(value, int)})
    return found
