"""Making what a stage needs on a swarm; each line may be the last, and all may be done again."""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from openccp.core.job import Stage, TaskKey
from openccp.core.ports import CannotStart, Task
from openccp.infrastructures.attempts import Attempts
from openccp.infrastructures.docker.container import PLACE
from openccp.infrastructures.docker.daemon import NameTaken
from openccp.infrastructures.folders import StageFolder, attempt_name, read_plan
from openccp.infrastructures.swarm.carrying import Carrying
from openccp.infrastructures.swarm.cluster import Cluster, is_ours
from openccp.infrastructures.swarm.program import carrier_program
from openccp.infrastructures.swarm.service import (
    CARRIER_FILE,
    PROGRAMS,
    Ground,
    carrier_name,
    carrier_spec,
    config_reference,
    network_of,
    object_name,
    on_node,
    pinned,
    replica_spec,
    secret_reference,
    shared,
)
from openccp.infrastructures.swarm.tasks import BEGUN, SwarmStage

TOKEN = "token"


@dataclass(slots=True)
class Starter:
    """Everything a start needs beside the task."""

    name: str
    """What the infrastructure is called in addresses."""
    ground: Ground
    cluster: Cluster
    attempts: Attempts
    carrying: Carrying
    _programs: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def carries(self) -> bool:
        """Whether nodes share no files with the platform."""
        return bool(self.ground.carrier_image)

    def prepared(self, task: Task) -> StageFolder:
        """The attempt's folders here; secrets are the swarm's to keep."""
        folder = StageFolder(self.attempts.ground, task.key)
        try:
            plan = read_plan(folder) or self.attempts.make_ready(replace(task, secrets={}), folder)
            for index in range(plan.replicas):
                self.attempts.make_writable(folder.replica(index), plan.uid)
        except OSError as error:
            raise CannotStart(f"The job could not be started: {error.strerror}") from error
        return folder

    async def start(self, task: Task, stage: SwarmStage) -> None:
        """Network, secrets, then the carrier, or the replicas where no files have to be carried."""
        config = network_of(self.ground, task.key, outside=task.network)
        await self.cluster.network(attempt_name(task.key), config)
        stage.write_specs(await self._specs(task, stage))
        if not self.carries:
            await self.start_replicas(stage)
            stage.note(BEGUN)
        elif task.key.stage is Stage.RUN:
            await self._send_carrier(task.key)

    async def start_replicas(self, stage: SwarmStage, node: str = "") -> None:
        """Made under their names, which are the claims; on one node where files are there alone."""
        for spec in stage.specs():
            await self._create(stage.folder.key, pinned(spec, node) if node else spec)

    async def _create(self, key: TaskKey, spec: Mapping[str, Any]) -> None:
        with contextlib.suppress(NameTaken):
            await self.cluster.create(spec)
            return
        name = str(spec["Name"])
        if not is_ours(await self.cluster.labels(name), self.ground.labels_of(key)):
            raise CannotStart(f"The name {name} is taken by a service of somebody else")

    async def _specs(self, task: Task, stage: SwarmStage) -> list[dict[str, Any]]:
        secrets = await self._secrets(task, stage.plan.uid)
        programs = [await self._program(path.name, path.read_bytes) for path in PROGRAMS]
        specs = []
        for index in range(task.replicas):
            folder = stage.folder
            paths = on_node(self.ground, folder, index) if self.carries else shared(folder, index)
            spec = replica_spec(self.ground, task, folder, stage.plan, index, paths)
            container = spec["TaskTemplate"]["ContainerSpec"]
            container["Configs"] = programs
            if secrets:
                container["Secrets"] = secrets
            specs.append(spec)
        return specs

    async def _secrets(self, task: Task, uid: int) -> list[dict[str, Any]]:
        labels, found = self.ground.labels_of(task.key), []
        for name, value in task.secrets.items():
            called = object_name(task.key, name)
            content = value.encode("utf-8", "surrogatepass")
            kept = await self.cluster.keep("secrets", called, content, labels)
            found.append(secret_reference(called, kept, name, uid))
        return found

    async def _program(self, name: str, read: Callable[[], bytes]) -> dict[str, Any]:
        """A program of ours as a config, known by its content."""
        if name not in self._programs:
            content = await asyncio.to_thread(read)
            called = f"ccp-{self.ground.place}-{hashlib.sha256(content).hexdigest()[:16]}"
            labels = {PLACE: self.ground.place}
            kept = await self.cluster.keep("configs", called, content, labels)
            self._programs[name] = config_reference(called, kept, f"/ccp/{name}")
        return self._programs[name]

    async def _send_carrier(self, key: TaskKey) -> None:
        """One carrier an attempt: a token that no service got is replaced with its secret."""
        name = carrier_name(key)
        found = await self.cluster.labels(name)
        if is_ours(found, self.ground.labels_of(key)):
            return
        called = object_name(key, TOKEN + "\0")
        await self.cluster.remove("secrets", called)
        token = self.carrying.new_token(key).encode()
        labels = self.ground.labels_of(key)
        kept = await self.cluster.keep("secrets", called, token, labels)
        spec = carrier_spec(self.ground, key, self.name)
        container = spec["TaskTemplate"]["ContainerSpec"]
        container["Secrets"] = [secret_reference(called, kept, TOKEN, 0)]
        container["Configs"] = [await self._program(CARRIER_FILE, carrier_program)]
        await self._create(key, spec)
