"""Making and starting the containers of a task: each is made once, by its name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from openccp.core.job import TaskKey
from openccp.core.ports import CannotStart, Task
from openccp.infrastructures.docker.container import Ground, binds_of, config_of, labels_of, name_of
from openccp.infrastructures.docker.daemon import Container, Daemon, NameTaken
from openccp.infrastructures.docker.kept import drop_task
from openccp.infrastructures.docker.network import NO_NETWORK, Networks
from openccp.infrastructures.docker.privileges import Privileges, of_image
from openccp.infrastructures.docker.reference import Image
from openccp.infrastructures.docker.tasks import DockerTask


class Files(Protocol):
    """How the files of a task reach its containers."""

    async def bring(self, task: Task, started: DockerTask, image: Image) -> None:
        """Have them where the daemon is, before its first container is made; repeatable."""

    def parts(self, task: Task, started: DockerTask, index: int) -> Mapping[str, Any]:
        """What a replica's container says of them."""


@dataclass(frozen=True, slots=True)
class Bound:
    """Folders of this machine, which the daemon shows to containers."""

    ground: Ground

    async def bring(self, task: Task, started: DockerTask, image: Image) -> None:
        """They are there already."""

    def parts(self, task: Task, started: DockerTask, index: int) -> Mapping[str, Any]:
        """Where each is shown."""
        replica, secrets = started.replicas[index], bool(task.secrets)
        return binds_of(self.ground, started.folder, replica, secrets=secrets)


@dataclass(frozen=True, slots=True)
class Starter:
    """Starts what an operator allows."""

    daemon: Daemon
    ground: Ground
    networks: Networks
    privileges: Privileges
    files: Files

    async def start(self, task: Task, started: DockerTask, image: Image) -> None:
        """All replicas, of one image; what an earlier try has made is gone on with."""
        started.network = await self._network(task)
        await self.files.bring(task, started, image)
        for index in range(task.replicas):
            await self._start(task, started, index, image)
        drop_task(started.folder)

    async def _network(self, task: Task) -> Mapping[str, Any]:
        """Also when it is there already: what filters it has to be there too."""
        return await self.networks.make(task.key, task.replicas) if task.network else NO_NETWORK

    async def _start(self, task: Task, started: DockerTask, index: int, image: Image) -> None:
        """Made under its name, which is the claim; started unless it was already."""
        name = name_of(task.key, index)
        try:
            await self.daemon.create(name, self.config(task, started, index, image))
        except NameTaken:
            await self._adopt(task, name)
        else:
            await self.daemon.start(name)

    def config(self, task: Task, started: DockerTask, index: int, image: Image) -> dict[str, Any]:
        """The container of one replica, as the daemon is told."""
        parts = {**self.files.parts(task, started, index), **started.network}
        config = config_of(self.ground, task, started.replicas[index], started.plan, parts)
        return of_image(self.privileges.granted(config, task), image)

    async def _adopt(self, task: Task, name: str) -> None:
        """Go on with what an earlier try has made."""
        found = await self.daemon.inspect(name)
        if found is None:
            raise CannotStart(f"The container {name} went away while it was being started")
        if not self.is_ours(found, task.key):
            raise CannotStart(f"The name {name} is taken by a container of somebody else")
        if found.state == "created":
            await self.daemon.start(name)

    def is_ours(self, found: Container, key: TaskKey) -> bool:
        """Whether a container was made by us for this task."""
        return labels_of(self.ground, key).items() <= dict(found.labels).items()
