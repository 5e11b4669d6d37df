"""One folder an attempt, shared by its stages; inside, one a stage and one a replica.

<attempt>/data        /ccp_data          <attempt>/in        /ccp_in
<attempt>/home-<r>    $HOME              <attempt>/<stage>/script
<attempt>/<stage>/<r>/{pid,stdout,stderr,status,ctl/marks,ctl/progress}
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from openccp.core.job import Stage, TaskKey
from openccp.core.ports import Handle, Limits
from openccp.infrastructures.bounded import read_text

VERSION = 1


@dataclass(frozen=True, slots=True)
class Replica:
    """The files of one replica of a stage."""

    index: int
    folder: str

    @property
    def pid(self) -> str:
        """The claim: boot id and /proc stat line of the launcher that became the sandbox."""
        return self.folder + "/pid"

    @property
    def stdout(self) -> str:
        """Standard output."""
        return self.folder + "/stdout"

    @property
    def stderr(self) -> str:
        """Standard error."""
        return self.folder + "/stderr"

    @property
    def status(self) -> str:
        """What the sandbox says of itself: JSON lines with child-pid, then exit-code."""
        return self.folder + "/status"

    @property
    def control(self) -> str:
        """The only folder of ours that the job can write."""
        return self.folder + "/ctl"

    @property
    def marks(self) -> str:
        """The script phases that were reached."""
        return self.folder + "/ctl/marks"

    @property
    def progress(self) -> str:
        """What the job writes to CCP_PROGRESS."""
        return self.folder + "/ctl/progress"


@dataclass(frozen=True, slots=True)
class StageFolder:
    """The folder of one stage of an attempt."""

    tasks: str
    key: TaskKey

    @property
    def name(self) -> str:
        """The task's name, also that of its control group."""
        return self.key.name

    @property
    def attempt(self) -> str:
        """The folder that all stages of the attempt share."""
        return f"{self.tasks}/{attempt_name(self.key)}"

    @property
    def path(self) -> str:
        """The stage's own folder."""
        return f"{self.attempt}/{self.key.stage}"

    @property
    def data(self) -> str:
        """What is /ccp_data inside."""
        return self.attempt + "/data"

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
        return Replica(index, f"{self.path}/{index}")


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to be known to watch a task that an earlier process started."""

    uid: int
    replicas: int
    limits: Limits

    def write(self) -> bytes:
        """As JSON."""
        return json.dumps({"v": VERSION, **asdict(self)}).encode()


def read_plan(folder: StageFolder) -> Plan | None:
    """The plan of a stage that was made ready; None if there is none."""
    try:
        plan = json.loads(read_text(folder.path + "/plan"))
        return Plan(plan["uid"], plan["replicas"], Limits(**plan["limits"]))
    except (ValueError, KeyError, TypeError):
        return None


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
