"""What the services of a job look like to a swarm: pure, and hardened by default."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openccp.core.job import TaskKey
from openccp.core.ports import Limits, Task
from openccp.infrastructures.docker.container import ATTEMPT, HOME, PLACE, name_of
from openccp.infrastructures.folders import MARKS, PROGRESS, Plan, StageFolder, attempt_name
from openccp.infrastructures.launch import variables
from openccp.infrastructures.shell import opens_streams
from openccp.infrastructures.swarm.cluster import NAME
from openccp.infrastructures.swarm.program import CARRIER

HERE = Path(__file__).parent
PROGRAMS = (
    HERE / "task.sh",
    HERE.parent / "docker" / "container.sh",
    HERE.parent / "entry.sh",
    HERE.parent / "piped.sh",
)
CARRIER_FILE = "carrier.zip"
CARRIER_MEMORY = 256 << 20
CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER")
"""What the carrier needs to give files to a job's user and to read what that left."""
SECOND = 1_000_000_000
Reference = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ground:
    """What all services of an infrastructure have in common."""

    place: str
    """Stands for the platform and its infrastructure in labels."""
    constraints: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    grace: float = 10.0
    node_folder: str = "/var/tmp"
    """Where a node keeps the files of its jobs, if it shares none with the platform."""
    carrier_image: str = ""
    url: str = ""
    """The platform's address, as nodes reach it."""

    @property
    def label(self) -> str:
        """What everything here carries."""
        return f"{PLACE}={self.place}"

    @property
    def on_node(self) -> str:
        """The folder of all attempts on a node."""
        return f"{self.node_folder}/openccp-{self.place}"

    def labels_of(self, key: TaskKey) -> dict[str, str]:
        """By what the objects of an attempt are known."""
        return {**self.labels, PLACE: self.place, ATTEMPT: f"{key.job}-{key.attempt}"}


def carrier_name(key: TaskKey) -> str:
    """The service that brings an attempt's files."""
    return f"{attempt_name(key)}-carrier"


def names_of(key: TaskKey, replicas: int) -> list[str]:
    """The services of a stage, one a replica."""
    return [name_of(key, index) for index in range(replicas)]


def object_name(key: TaskKey, of: str) -> str:
    """A name for a secret of an attempt: what it is called may be anything."""
    return f"{attempt_name(key)}-{hashlib.sha256(of.encode()).hexdigest()[:16]}"


def network_of(ground: Ground, key: TaskKey, *, outside: bool) -> dict[str, Any]:
    """One network an attempt: its replicas reach each other there, and nobody else does."""
    return {
        "Driver": "overlay",
        "Internal": not outside,
        "CheckDuplicate": True,
        "Labels": ground.labels_of(key),
    }


def on_node(ground: Ground, folder: StageFolder, index: int) -> dict[str, tuple[str, bool]]:
    """Path inside -> where a node has it, and whether it may be written."""
    here, stage = f"{ground.on_node}/{attempt_name(folder.key)}", folder.key.stage
    return {
        "/ccp_data": (f"{here}/data", True),
        HOME: (f"{here}/home.{index}", True),
        "/ccp/stdout": (f"{here}/{stage}.{index}.stdout", True),
        "/ccp/stderr": (f"{here}/{stage}.{index}.stderr", True),
        "/ccp_in": (f"{here}/in", False),
        "/run/ccp/script": (f"{here}/{stage}.script", False),
    }


def shared(folder: StageFolder, index: int) -> dict[str, tuple[str, bool]]:
    """The same where every node sees the platform's own folder at the same path."""
    replica = folder.replica(index)
    found = {
        "/ccp_data": (folder.data, True),
        HOME: (replica.home, True),
        "/ccp/stdout": (replica.stdout, True),
        "/ccp/stderr": (replica.stderr, True),
        "/ccp_in": (f"{folder.attempt}/in", False),
        "/run/ccp/script": (f"{folder.path}/script", False),
    }
    return {inside: (os.path.realpath(path), write) for inside, (path, write) in found.items()}


def replica_spec(
    ground: Ground,
    task: Task,
    folder: StageFolder,
    plan: Plan,
    index: int,
    paths: Mapping[str, tuple[str, bool]],
) -> dict[str, Any]:
    """The service of one replica (security.md C.3). What fails is not run again."""
    key, stage = task.key, str(task.key.stage)
    piped = "piped" if opens_streams(task.scripts) else "plain"
    environment = {
        **variables(task, folder.replica(index)),
        "HOME": HOME,
        "TMPDIR": "/tmp",
        "CCP_PROGRESS": f"{HOME}/{PROGRESS}",
    }
    container = {
        **_hardened(ground, key, name_of(key, index)),
        "Image": task.image,
        "User": f"{plan.uid}:{plan.uid}",
        "Command": ["/bin/sh", "/ccp/task.sh"],
        "Args": [piped, stage, "/run/ccp/script", f"{HOME}/{MARKS}{stage}", "/ccp_data"],
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "Hostname": "ccp",
        "Mounts": [*(_bind(inside, *where) for inside, where in paths.items()), *_memory(task)],
        "StopGracePeriod": int(ground.grace * SECOND),
        "Ulimits": [
            _ulimit("core", 0),
            _ulimit("fsize", max(task.limits.output_bytes, task.limits.log_bytes) + 4096),
        ],
    }
    template = {
        "ContainerSpec": container,
        "Resources": {"Limits": _limits(task.limits)},
        "Networks": [{"Target": attempt_name(key)}],
    }
    return _service(ground, key, name_of(key, index), template)


def carrier_spec(ground: Ground, key: TaskKey, name: str) -> dict[str, Any]:
    """The service that brings an attempt's inputs to a node, and what it left back."""
    container = {
        **_hardened(ground, key, carrier_name(key)),
        "Image": ground.carrier_image,
        "User": "0:0",
        "CapabilityAdd": [f"CAP_{name}" for name in CAPABILITIES],
        "Command": ["python3", "-m", CARRIER],
        "Args": [ground.url, name, attempt_name(key)],
        "Env": [
            "CCP_NODE={{.Node.ID}}",
            f"CCP_PLACE={ground.place}",
            f"PYTHONPATH=/ccp/{CARRIER_FILE}",
            "PYTHONDONTWRITEBYTECODE=1",
        ],
        "Mounts": [_bind("/node", ground.node_folder, True)],
        "StopGracePeriod": SECOND,
    }
    template = {
        "ContainerSpec": container,
        "Resources": {"Limits": {"MemoryBytes": CARRIER_MEMORY, "Pids": 32}},
        "LogDriver": {"Name": "json-file", "Options": {"max-size": "1m"}},
    }
    return _service(ground, key, carrier_name(key), template)


def pinned(spec: Mapping[str, Any], node: str) -> dict[str, Any]:
    """The same service, on this node and no other."""
    template = dict(spec["TaskTemplate"])
    constraints = [*template["Placement"]["Constraints"], f"node.id=={node}"]
    return {**spec, "TaskTemplate": {**template, "Placement": {"Constraints": constraints}}}


def secret_reference(name: str, found: str, path: str, uid: int) -> dict[str, Any]:
    """A secret as a file that its user alone may read."""
    file = {"Name": path, "UID": str(uid), "GID": str(uid), "Mode": 0o400}
    return {"SecretID": found, "SecretName": name, "File": file}


def config_reference(name: str, found: str, path: str) -> dict[str, Any]:
    """A program of ours as a file that everybody may read."""
    file = {"Name": path, "UID": "0", "GID": "0", "Mode": 0o444}
    return {"ConfigID": found, "ConfigName": name, "File": file}


def _service(
    ground: Ground, key: TaskKey, name: str, template: Mapping[str, Any]
) -> dict[str, Any]:
    """One task, once: why it is no job-mode service stands in docs/decisions."""
    return {
        "Name": name,
        "Labels": ground.labels_of(key),
        "TaskTemplate": {
            "LogDriver": {"Name": "none"},
            **template,
            "RestartPolicy": {"Condition": "none", "MaxAttempts": 0},
            "Placement": {"Constraints": list(ground.constraints)},
        },
        "Mode": {"Replicated": {"Replicas": 1}},
        "EndpointSpec": {"Mode": "dnsrr"},
    }


def _hardened(ground: Ground, key: TaskKey, name: str) -> dict[str, Any]:
    return {
        "ReadOnly": True,
        "Init": True,
        "CapabilityDrop": ["ALL"],
        "Privileges": {"NoNewPrivileges": True},
        "Labels": {**ground.labels_of(key), NAME: name},
    }


def _limits(limits: Limits) -> dict[str, int]:
    return {
        "NanoCPUs": max(10_000_000, int(limits.cpus * SECOND)),
        "MemoryBytes": limits.memory_bytes,
        "Pids": limits.pids,
    }


def _memory(task: Task) -> list[dict[str, Any]]:
    half = max(1 << 20, task.limits.memory_bytes // 2)
    return [
        {"Type": "tmpfs", "Target": path, "TmpfsOptions": {"SizeBytes": half, "Mode": 0o1777}}
        for path in ("/tmp", "/dev/shm")
    ]


def _bind(inside: str, outside: str, write: bool) -> dict[str, Any]:
    return {"Type": "bind", "Source": outside, "Target": inside, "ReadOnly": not write}


def _ulimit(name: str, value: int) -> dict[str, Any]:
    return {"Name": name, "Soft": value, "Hard": value}
