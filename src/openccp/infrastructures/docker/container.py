"""What a container of a job looks like to the daemon: pure, and hardened by default."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openccp.core.job import TaskKey
from openccp.core.ports import Limits, Task
from openccp.infrastructures.folders import MARKS, PROGRESS, Plan, Replica, StageFolder
from openccp.infrastructures.launch import variables
from openccp.infrastructures.place import own_folder
from openccp.infrastructures.shell import opens_streams

HERE = Path(__file__).parent
SCRIPTS = (HERE / "container.sh", HERE.parent / "entry.sh", HERE.parent / "piped.sh")
HOME = "/home/ccp"
PLACE = "org.openccp.place"
ATTEMPT = "org.openccp.attempt"
PERIOD = 100_000
OPEN_FILES = 4096
"""By one process; a daemon's own default may have no end."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What all containers of an infrastructure have in common."""

    place: str
    """Stands for the platform and its infrastructure in labels."""
    programs: str
    """The folder of the scripts that start a job, as the daemon sees it."""
    runtime: str = ""
    """What the daemon calls the program that makes containers; empty: its own default."""

    @property
    def label(self) -> str:
        """What all containers here carry."""
        return f"{PLACE}={self.place}"


def programs_in(place: Path) -> Path:
    """What starts a job, copied to where a daemon of this machine can bind it from."""
    folder = own_folder(place / "programs", 0o755)
    for script in SCRIPTS:
        shutil.copyfile(script, folder / script.name)
    return folder


def name_of(key: TaskKey, index: int) -> str:
    """The container's name; the first replica's is the task's own."""
    return f"{key.name}-{index}"


def labels_of(ground: Ground, key: TaskKey) -> dict[str, str]:
    """By what a container of ours is known, whatever its name."""
    return {PLACE: ground.place, ATTEMPT: f"{key.job}-{key.attempt}"}


def config_of(
    ground: Ground, task: Task, replica: Replica, plan: Plan, parts: Mapping[str, Any]
) -> dict[str, Any]:
    """The container of one replica; `parts` says how its files and its network reach it."""
    piped = "piped" if opens_streams(task.scripts) else "plain"
    stage = str(task.key.stage)
    marks = f"{HOME}/{MARKS}{stage}"
    return {
        "Image": task.image,
        "User": f"{plan.uid}:{plan.uid}",
        "Entrypoint": ["/bin/sh", "/ccp/container.sh"],
        "Cmd": [piped, stage, "/run/ccp/script", marks, "/ccp_data"],
        "Env": [f"{name}={value}" for name, value in _environment(task, replica).items()],
        "WorkingDir": "/",
        "Hostname": "ccp",
        "Labels": labels_of(ground, task.key),
        "AttachStdout": False,
        "AttachStderr": False,
        "HostConfig": {**_host(ground, task), **parts},
    }


def _environment(task: Task, replica: Replica) -> dict[str, str]:
    """The image's own PATH stays."""
    return {
        **variables(task, replica),
        "HOME": HOME,
        "TMPDIR": "/tmp",
        "CCP_PROGRESS": f"{HOME}/{PROGRESS}",
    }


def _host(ground: Ground, task: Task) -> dict[str, Any]:
    return {
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges"],
        "Init": True,
        "IpcMode": "private",
        "LogConfig": {"Type": "none"},
        "RestartPolicy": {"Name": "no"},
        **({"Runtime": ground.runtime} if ground.runtime else {}),
        **_bounds(task.limits),
    }


def _bounds(limits: Limits) -> dict[str, Any]:
    half = max(1 << 20, limits.memory_bytes // 2)
    return {
        "Memory": limits.memory_bytes,
        "MemorySwap": limits.memory_bytes,
        "CpuPeriod": PERIOD,
        "CpuQuota": max(1000, int(limits.cpus * PERIOD)),
        "PidsLimit": limits.pids,
        "ShmSize": half,
        "Tmpfs": {"/tmp": f"rw,nosuid,nodev,mode=1777,size={half}"},
        "Ulimits": [
            _ulimit("core", 0),
            _ulimit("nofile", OPEN_FILES),
            _ulimit("fsize", max(limits.output_bytes, limits.log_bytes) + 4096),
        ],
    }


def _ulimit(name: str, value: int) -> dict[str, Any]:
    return {"Name": name, "Soft": value, "Hard": value}


def binds_of(
    ground: Ground, folder: StageFolder, replica: Replica, *, secrets: bool
) -> dict[str, Any]:
    """How the files of one replica reach it on a daemon of this machine."""
    shown: Mapping[str, str] = {
        folder.data: "/ccp_data",
        replica.home: HOME,
        replica.stdout: "/ccp/stdout",
        replica.stderr: "/ccp/stderr",
    }
    fixed = {
        f"{folder.attempt}/in": "/ccp_in",
        f"{folder.path}/script": "/run/ccp/script",
        **{f"{ground.programs}/{one.name}": f"/ccp/{one.name}" for one in SCRIPTS},
        **({f"{folder.attempt}/secrets": "/run/secrets"} if secrets else {}),
    }
    return {
        "Binds": [
            *(f"{os.path.realpath(outside)}:{inside}:rw" for outside, inside in shown.items()),
            *(f"{os.path.realpath(outside)}:{inside}:ro" for outside, inside in fixed.items()),
        ]
    }
