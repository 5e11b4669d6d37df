"""The few things that are asked of a manager of a Docker Swarm."""

import base64
import json
import re
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import aiodocker
import aiohttp
from aiodocker.exceptions import DockerError

from openccp.core.ports import CannotStart
from openccp.infrastructures.docker.daemon import DaemonGone, NameTaken, in_words

ASK_SECONDS = 20.0
OVER = frozenset({"complete", "failed", "shutdown", "rejected", "orphaned", "remove"})
"""States of a task that will run no more."""
UNDECIDED = re.compile(
    r"leader|deadline ?exceeded|code = (Unavailable|Canceled|Aborted)|transport is closing|raft",
    re.I,
)
"""What a manager says while the swarm cannot decide, with the status of a defect of its own."""
NAME = "org.openccp.name"
"""The label by which the tasks of a service are known, also when it is gone."""
WAITING = frozenset({"new", "pending", "allocated", "assigned"})
NOT_STARTED = (128, -1)
"""What stands for the exit code of a container that never ran."""
PASSING = (503, 900)
"""A swarm without a leader, and a daemon that is not there."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SwarmTask:
    """What the swarm says of the task of a service."""

    state: str
    node: str
    words: str
    code: int | None

    @property
    def never_ran(self) -> bool:
        """Whether its node refused it, or could not start its container."""
        return self.state == "rejected" or (self.state == "failed" and self.code in NOT_STARTED)

    @property
    def over(self) -> bool:
        """Whether it will run no more."""
        return self.state in OVER


@dataclass(frozen=True, slots=True)
class Seen:
    """The services of ours, and the newest task of each; that of a removed one while it ends."""

    services: frozenset[str]
    tasks: Mapping[str, SwarmTask]
    down: frozenset[str]
    """Nodes that the swarm does not reach."""

    def is_over(self, name: str) -> bool:
        """Whether a service will run no more, or is gone with all its tasks."""
        task = self.tasks.get(name)
        return name not in self.services if task is None else task.over

    def was_taken(self, name: str, ran: bool) -> bool:
        """Whether somebody else ended it: no service, or a task shut down or to run anew."""
        task = self.tasks.get(name)
        ended = task is not None and (task.state == "shutdown" or (ran and task.state in WAITING))
        return name not in self.services or ended

    def is_cut_off(self, name: str) -> bool:
        """Whether its task is, or was, on a node that is not reached."""
        task = self.tasks.get(name)
        return task is not None and (task.node in self.down or task.state == "orphaned")

    def words(self, names: Sequence[str]) -> str:
        """What tasks said that did not start, once each."""
        said = [self.tasks[name].words[:200] for name in names if name in self.tasks]
        return "; ".join(dict.fromkeys(filter(None, said)))


class Cluster:
    """A swarm, by one of its managers at an address."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._opened: aiodocker.Docker | None = None

    @property
    def _docker(self) -> aiodocker.Docker:
        if self._opened is None:
            timeout = aiohttp.ClientTimeout(total=ASK_SECONDS)
            self._opened = aiodocker.Docker(self._address, timeout=timeout)
        return self._opened

    async def version(self) -> tuple[str, int]:
        """The manager's version, and how many nodes can be reached."""
        version = await self._ask("version")
        nodes = await self._ask("nodes")
        ready = [one for one in nodes if one["Status"]["State"] == "ready"]
        return str(version["Version"]), len(ready)

    async def seen(self, *labels: str) -> Seen:
        """Services, tasks and nodes, in one call each for all jobs."""
        chosen = _labelled(*labels)
        services = await self._ask("services", params=chosen)
        tasks = await self._ask("tasks", params=chosen)
        nodes = await self._ask("nodes")
        newest = {_name(one): _task(one) for one in sorted(tasks, key=lambda one: one["CreatedAt"])}
        down = {one["ID"] for one in nodes if one["Status"]["State"] == "down"}
        return Seen(frozenset(one["Spec"]["Name"] for one in services), newest, frozenset(down))

    async def labels(self, service: str) -> Mapping[str, str] | None:
        """The labels of a service; None if there is none of this name."""
        try:
            found = await self._ask(f"services/{service}")
        except DockerError as error:
            if error.status == 404:
                return None
            raise
        labels: Mapping[str, str] = found["Spec"].get("Labels") or {}
        return labels

    async def create(self, spec: Mapping[str, Any]) -> None:
        """Make a service; NameTaken if there is one of this name."""
        try:
            await self._ask("services/create", "POST", data=dict(spec))
        except DockerError as error:
            if error.status == 409:
                raise NameTaken(str(spec["Name"])) from error
            raise CannotStart(f"The service could not be made: {in_words(error)}") from error

    async def keep(self, kind: str, name: str, content: bytes, labels: Mapping[str, str]) -> str:
        """The id of a `secrets` or `configs` object of this name, made unless it is there."""
        content_text = base64.b64encode(content).decode()
        spec = {"Name": name, "Data": content_text, "Labels": dict(labels)}
        try:
            return str((await self._ask(f"{kind}/create", "POST", data=spec))["ID"])
        except DockerError as error:
            if error.status != 409:
                raise CannotStart(f"The swarm does not keep it: {in_words(error)}") from error
        found = await self._ask(kind, params={"filters": json.dumps({"name": [name]})})
        exact = [one["ID"] for one in found if one["Spec"]["Name"] == name]
        if not exact:
            raise CannotStart(f"{name} went away while it was being made")
        return str(exact[0])

    async def network(self, name: str, config: Mapping[str, Any]) -> None:
        """Make a network unless it is there."""
        found = await self._ask("networks", params={"filters": json.dumps({"name": [name]})})
        if name not in [one["Name"] for one in found]:
            await self._ask("networks/create", "POST", data={"Name": name, **config})

    async def ours(self, kind: str, *labels: str) -> list[tuple[str, Mapping[str, str]]]:
        """Ids and labels of objects with all of the labels: services, secrets, networks, ..."""
        found = await self._ask(kind, params=_labelled(*labels))
        listed = []
        for one in found:
            spec = one.get("Spec", one)
            listed.append((str(one.get("ID") or one["Id"]), spec.get("Labels") or {}))
        return listed

    async def remove(self, kind: str, name: str) -> bool:
        """Remove it; False where it is still in use."""
        try:
            await self._waited(self._removed(f"{kind}/{name}"))
        except DockerError as error:
            return error.status == 404
        return True

    async def _removed(self, path: str) -> None:
        async with self._docker._query(path, method="DELETE"):
            return

    async def close(self) -> None:
        """Hang up."""
        if self._opened is not None:
            await self._opened.close()
            self._opened = None

    async def _ask(self, path: str, method: str = "GET", **more: Any) -> Any:
        asking = self._docker._query_json(path, method=method, **more)
        return await self._waited(asking, reads=method == "GET")

    async def _waited(self, asking: Awaitable[T], *, reads: bool = False) -> T:
        """DaemonGone for what may be asked again: a list cannot be refused for what is in it."""
        try:
            return await asking
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise DaemonGone(f"the swarm's manager at {self._address} does not answer") from error
        except DockerError as error:
            if is_passing(error, reads=reads):
                raise DaemonGone(f"the swarm at {self._address} cannot decide now") from error
            raise


def is_passing(error: DockerError, *, reads: bool) -> bool:
    """Whether the same may be answered otherwise later: a list is never refused for good."""
    undecided = reads or UNDECIDED.search(str(error.message)) is not None
    return error.status in PASSING or (error.status >= 500 and undecided)


def _labelled(*labels: str) -> dict[str, str]:
    return {"filters": json.dumps({"label": list(labels)})}


def _name(task: Mapping[str, Any]) -> str:
    """What its service is, or was, called."""
    return str((task["Spec"]["ContainerSpec"].get("Labels") or {}).get(NAME, ""))


def _task(found: Mapping[str, Any]) -> SwarmTask:
    status: Mapping[str, Any] = found["Status"]
    code = (status.get("ContainerStatus") or {}).get("ExitCode")
    return SwarmTask(
        str(status["State"]), str(found.get("NodeID") or ""), str(status.get("Err") or ""), code
    )


def is_ours(found: Mapping[str, str] | None, wanted: Mapping[str, str]) -> bool:
    """Whether labels that were found say that it is of this platform and attempt."""
    return found is not None and wanted.items() <= dict(found).items()
