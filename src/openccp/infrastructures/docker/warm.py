"""Containers that wait for a job, made before it comes and used once."""

import asyncio
import contextlib
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

from openccp.core.job import Stage, TaskKey
from openccp.core.ports import CannotStart, Limits, Task
from openccp.infrastructures.attempts import Attempts
from openccp.infrastructures.bounded import read_text
from openccp.infrastructures.docker.container import name_of
from openccp.infrastructures.docker.daemon import Daemon, DaemonGone
from openccp.infrastructures.docker.images import Images
from openccp.infrastructures.docker.kept import keep_image
from openccp.infrastructures.docker.network import NO_NETWORK
from openccp.infrastructures.docker.reference import Image
from openccp.infrastructures.docker.starting import Starter
from openccp.infrastructures.docker.tasks import DockerTask
from openccp.infrastructures.docker.waiting import (
    PREFIX,
    give_back,
    hand_over,
    keep,
    listens,
    make_bell,
    may_wait,
    ring,
    waiting_task,
)
from openccp.infrastructures.folders import StageFolder, read_plan
from openccp.infrastructures.shell import opens_streams

log = logging.getLogger(__name__)
WAITING = "org.openccp.waiting"
CHANGEABLE = ("Memory", "MemorySwap", "CpuPeriod", "CpuQuota", "PidsLimit")
"""What a running container can be given anew."""
READY_SECONDS = 20.0
CLOSE_SECONDS = 5.0
AGAIN = 30.0
"""Seconds until it is tried again to make one."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A container that waits; `kept` is a lock."""

    started: DockerTask
    task: Task
    image: Image
    kept: int

    @property
    def name(self) -> str:
        """The container's."""
        return name_of(self.task.key, 0)


@dataclass(frozen=True, slots=True)
class Workshop:
    """How containers are made here. `prepare` makes a task's folders ready."""

    starter: Starter
    attempts: Attempts
    images: Images
    prepare: Callable[[Task, StageFolder], DockerTask]

    @property
    def daemon(self) -> Daemon:
        """Where they are made."""
        return self.starter.daemon


class WarmPool:
    """Keeps so many containers of each image waiting; a job gets one that is what it would make."""

    def __init__(self, workshop: Workshop, wanted: Mapping[str, int], limits: Limits) -> None:
        self._shop = workshop
        self._wanted = dict(wanted)
        self._limits = limits
        self._ready: list[Waiting] = []
        self._making: asyncio.Task[None] | None = None
        self._swept = self._closing = False
        self._not_before = 0.0

    def count(self) -> Counter[str]:
        """How many are ready, by image."""
        return Counter(one.task.image for one in self._ready)

    def wake(self) -> None:
        """See to it that there are as many as there should be."""
        idle = (self._making is None or self._making.done()) and not self._closing
        if idle and time.monotonic() >= self._not_before and not (self._swept and self._is_full()):
            self._making = asyncio.get_running_loop().create_task(self._keep())

    def lost(self, name: str) -> None:
        """A container has ended."""
        for one in [one for one in self._ready if one.name == name]:
            self._ready.remove(one)
            os.close(one.kept)
            self._swept = False
            self.wake()

    async def close(self) -> None:
        """Remove what waits; one that is being made is made first: cut, it may come up later."""
        self._closing = True
        if self._making is not None:
            await asyncio.wait([self._making], timeout=CLOSE_SECONDS)
            self._making.cancel()
            await asyncio.wait([self._making])
        with contextlib.suppress(DaemonGone):
            while self._ready:
                one = self._ready.pop()
                os.close(one.kept)
                await self._discard(one.task.key)

    # --- lending ------------------------------------------------------------------------------

    async def lend(self, task: Task, folder: StageFolder, image: Image | None) -> DockerTask | None:
        """Give a task a container that waits, its folders filled; None if there is none for it."""
        if image is None or not may_wait(task) or read_plan(folder) is not None:
            return None
        for waiting in [one for one in self._ready if one.task.image == task.image]:
            changes = self._changes(waiting, task) if waiting.image.id == image.id else None
            if changes is None:
                continue
            self._ready.remove(waiting)
            given = await self._give(waiting, changes, task, folder)
            self.wake()
            return given
        return None

    async def begin(self, task: Task, started: DockerTask) -> bool:
        """Let a task begin in what it was given, now or by a try that was cut; False: it is gone.

        One that has begun is left alone: nobody reads the bell any more, or a second line of it.
        """
        line = "piped\n" if opens_streams(task.scripts) else "plain\n"
        if await asyncio.to_thread(ring, started.folder, line):
            return True
        found = await self._shop.daemon.inspect(started.lent)
        if started.has_begun or (found is not None and found.state == "running"):
            return True
        await self._shop.daemon.remove(started.lent)
        await asyncio.to_thread(give_back, started.folder)
        started.lent = ""
        return False

    def _changes(self, waiting: Waiting, task: Task) -> dict[str, Any] | None:
        """Limits to set anew; None where the task's own container would be another."""
        own = self._config(_as_if(task, waiting.task), waiting)
        had = self._config(waiting.task, waiting)
        host, other = own.pop("HostConfig"), had.pop("HostConfig")
        own.pop("Cmd"), had.pop("Cmd")
        differ = {name for name in {*host, *other} if host.get(name) != other.get(name)}
        if own != had or not differ <= set(CHANGEABLE):
            return None
        return {name: host[name] for name in differ}

    def _config(self, task: Task, waiting: Waiting) -> dict[str, Any]:
        return self._shop.starter.config(task, waiting.started, 0, waiting.image)

    async def _give(
        self, waiting: Waiting, changes: dict[str, Any], task: Task, folder: StageFolder
    ) -> DockerTask | None:
        """What it was made for is over as soon as it is taken: it serves, or it is thrown away."""
        try:
            if changes:
                await self._shop.daemon.update(waiting.name, changes)
            return await asyncio.to_thread(self._hand_over, waiting, task, folder)
        except (OSError, CannotStart):
            await self._discard(waiting.task.key)
            return None
        finally:
            os.close(waiting.kept)

    def _hand_over(self, waiting: Waiting, task: Task, folder: StageFolder) -> DockerTask:
        if not listens(waiting.started.folder):
            raise CannotStart(f"{waiting.name} does not wait any more")
        keep_image(waiting.started.folder, waiting.image)
        plan = hand_over(self._shop.attempts, waiting.started.folder, task, folder)
        end = waiting.started.end
        return DockerTask(folder=folder, plan=plan, end=end, lent=waiting.name)

    # --- keeping ------------------------------------------------------------------------------

    def _is_full(self) -> bool:
        return all(self.count()[image] >= wanted for image, wanted in self._wanted.items())

    async def _keep(self) -> None:
        try:
            if not self._swept:
                await self._sweep()
                self._swept = True
            for image, wanted in self._wanted.items():
                while self.count()[image] < wanted and not self._closing:
                    self._ready.append(await self._make(image))
        except (DaemonGone, CannotStart, OSError) as error:
            log.warning("no container can be kept waiting: %s", error)
            self._not_before = time.monotonic() + AGAIN

    async def _make(self, name: str) -> Waiting:
        daemon, images = self._shop.daemon, self._shop.images
        image = await images.here(name) or await images.brought(name)
        task = waiting_task(name, self._limits)
        folder = StageFolder(self._shop.attempts.ground, task.key)
        async with AsyncExitStack() as unless_ready:
            unless_ready.push_async_callback(self._discard, task.key)
            started, kept = await asyncio.to_thread(self._prepare, task, folder)
            config = self._shop.starter.config(task, started, 0, image)
            config["Labels"][WAITING] = "true"
            config["Cmd"][0] = "waiting"
            await daemon.create(name_of(task.key, 0), config)
            await daemon.start(name_of(task.key, 0))
            await self._listens(folder)
            unless_ready.pop_all()
        return Waiting(started, task, image, kept)

    def _prepare(self, task: Task, folder: StageFolder) -> tuple[DockerTask, int]:
        started = self._shop.prepare(task, folder)
        kept = keep(folder)
        if kept is None:
            raise CannotStart(f"{folder.name} is somebody else's")
        started.network = NO_NETWORK
        make_bell(self._shop.attempts, folder)
        return started, kept

    @staticmethod
    async def _listens(folder: StageFolder) -> None:
        """Return once its shell waits."""
        until = time.monotonic() + READY_SECONDS
        while not listens(folder):
            if time.monotonic() > until:
                raise CannotStart("a container that should wait does not come up")
            await asyncio.sleep(0.01)

    async def _sweep(self) -> None:
        """Remove what waits for somebody who was killed, with what it was left half done."""
        listed = await self._shop.daemon.listed(self._shop.starter.ground.label, f"/?ccp-{PREFIX}")
        names = {name for name in self._shop.attempts.names() if name.startswith(f"ccp-{PREFIX}")}
        jobs = {name.removeprefix("ccp-").removesuffix("-1") for name in names}
        jobs |= {one.name.removeprefix("ccp-").removesuffix("-1-run-0") for one in listed}
        for job in jobs:
            key = TaskKey(job, 1, Stage.RUN)
            if await asyncio.to_thread(self._is_forsaken, key):
                await self._discard(key)

    def _is_forsaken(self, key: TaskKey) -> bool:
        """Whether nobody keeps it, and no task was given it."""
        try:
            kept = keep(StageFolder(self._shop.attempts.ground, key))
        except FileNotFoundError:
            return name_of(key, 0) not in self._lent()
        if kept is not None:
            os.close(kept)
        return kept is not None

    def _lent(self) -> set[str]:
        """The containers that tasks were given."""
        ground = self._shop.attempts.ground
        return {read_text(f"{ground.state}/{name}/run/lent") for name in os.listdir(ground.state)}

    async def _discard(self, key: TaskKey) -> None:
        await self._shop.daemon.remove(name_of(key, 0))
        await asyncio.to_thread(self._shop.attempts.remove, key)


def _as_if(task: Task, other: Task) -> Task:
    """The same task under another's key, with its files beside it: what its container would be."""
    return replace(task, key=other.key, secrets=other.secrets)
