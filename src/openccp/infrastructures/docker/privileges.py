"""What an operator lets containers have beyond the usual, and images must not bring: pure."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openccp.core.ports import CannotStart, Task
from openccp.infrastructures.docker.reference import Image


@dataclass(frozen=True, slots=True)
class Privileges:
    """`capabilities` are those that root keeps inside; `gpus` the most that a job may have."""

    root: bool = False
    capabilities: tuple[str, ...] = ()
    gpus: int = 0

    def check(self, task: Task) -> None:
        """CannotStart if the task needs what is not granted here."""
        if task.root and not self.root:
            raise CannotStart("The method has to run as root, which this place does not allow.")
        if task.gpus > self.gpus:
            has = f"at most {self.gpus}" if self.gpus else "none"
            raise CannotStart(f"The method needs {task.gpus} GPUs; a job gets {has} here.")

    def granted(self, config: Mapping[str, Any], task: Task) -> dict[str, Any]:
        """A container's configuration with what its task needs."""
        given = dict(config)
        host = dict(config["HostConfig"])
        if task.root:
            host["CapAdd"] = list(self.capabilities)
        if task.gpus:
            asked = {"Driver": "", "Count": task.gpus, "Capabilities": [["gpu"]]}
            host["DeviceRequests"] = [asked]
        return {**given, "HostConfig": host}


NONE = Privileges()


def _mounted(host: Mapping[str, Any]) -> set[str]:
    """Where this very container has something of ours."""
    bound = {bind.rsplit(":", 2)[1] for bind in host.get("Binds") or ()}
    return bound | {mount["Target"] for mount in host.get("Mounts") or ()} | {*host["Tmpfs"]}


def of_image(config: Mapping[str, Any], image: Image) -> dict[str, Any]:
    """A container of just this image, whatever it declares.

    Its volumes are folders in memory: on disk they would be beyond all limits. Its labels say
    nothing: the daemon tells events with them, even in place of the exit code.
    """
    host = dict(config["HostConfig"])
    declared = {posixpath.normpath("/" + path.lstrip("/")) for path in image.volumes}
    volumes = sorted(declared - _mounted(host))
    host["Tmpfs"] = {**host["Tmpfs"], **dict.fromkeys(volumes, host["Tmpfs"]["/tmp"])}
    return {
        **config,
        "Image": image.id,
        "Labels": {**dict.fromkeys(image.labels, ""), **config["Labels"]},
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": host,
    }
