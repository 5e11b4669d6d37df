"""The infrastructure `docker-swarm`: one service a replica, known by name and label."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from openccp.core.job import Phase, Stage, TaskKey
from openccp.core.ports import (
    CannotStart,
    Handle,
    Health,
    LogChunk,
    NoSuchRuntime,
    Observation,
    State,
    Task,
    Workspace,
)
from openccp.infrastructures.attempts import Attempts
from openccp.infrastructures.docker.daemon import DaemonGone
from openccp.infrastructures.folders import (
    StageFolder,
    handle_of,
    key_of,
    read_plan,
)
from openccp.infrastructures.once import Once
from openccp.infrastructures.started import lost, observe_running
from openccp.infrastructures.swarm.carrying import COLLECTED, OVER, SPOILED, Carrying
from openccp.infrastructures.swarm.cluster import Cluster, Seen
from openccp.infrastructures.swarm.removing import Remover
from openccp.infrastructures.swarm.service import Ground, carrier_name
from openccp.infrastructures.swarm.starting import Starter
from openccp.infrastructures.swarm.tasks import BEGUN, REFUSED, SwarmStage
from openccp.infrastructures.watch import Watch

TICK = 0.2
NO_IMAGE = re.compile(r"image|manifest|pull", re.I)
SWEEP = 30.0
"""Seconds between looks for what could not be removed, as on a node that was not reached."""


class SwarmInfrastructure:
    """Jobs as services of a Docker swarm."""

    kind = "docker-swarm"

    def __init__(
        self,
        attempts: Attempts,
        ground: Ground,
        *,
        id: str = "docker-swarm",
        title: str = "Docker Swarm",
        slots: int,
        address: str,
        images: Sequence[str] = ("*",),
    ) -> None:
        self.id, self.title, self.slots = id, title, slots
        self._images, self._attempts, self._ground = tuple(images), attempts, ground
        self._cluster = Cluster(address)
        self._carrying = Carrying(attempts, self._known, self._staged, self._collected)
        self._starter = Starter(id, ground, self._cluster, attempts, self._carrying)
        self._remover = Remover(ground, self._cluster, self._carrying)
        self._callbacks: list[Callable[[TaskKey], None]] = []
        self._running: dict[TaskKey, SwarmStage] = {}
        self._ended: dict[TaskKey, Observation] = {}
        self._once = Once()
        self._watch = Watch(lambda: () if self._starter.carries else self._running.values())
        self._looking: asyncio.Task[None] | None = None
        self._doing: set[asyncio.Future[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._next_sweep = 0.0

    # --- what it can do -----------------------------------------------------------------------

    async def check(self) -> Health:
        """Ask a manager for its version and nodes."""
        try:
            version, nodes = await self._cluster.version()
        except DaemonGone as error:
            return Health(False, "", str(error))
        held = {name: "docker" for name in ("memory", "pids", "cpus")}
        return Health(
            True,
            f"Docker Swarm {version}",
            f"{nodes} nodes can be reached",
            self.slots,
            self._images,
            f"Docker {version}, a user of its own",
            "own: one network an attempt, without a way out unless the method has network",
            {**held, "output": "watched", "log": "watched"},
        )

    def has_runtime(self, image: str) -> bool:
        """Whether the operator lets this image run here; nodes bring it when it is needed."""
        return bool(image) and any(fnmatchcase(image, pattern) for pattern in self._images)

    def on_change(self, callback: Callable[[TaskKey], None]) -> None:
        """Call back when a task may have ended."""
        self._callbacks.append(callback)

    # --- starting -----------------------------------------------------------------------------

    async def submit(self, task: Task) -> Handle:
        """Start once; the same key again answers the same task."""
        return await self._once.start(task.key, lambda: self._submit(task))

    async def _submit(self, task: Task) -> Handle:
        if task.key in self._running or task.key in self._ended:
            return handle_of(task.key)
        if not self.has_runtime(task.image):
            raise NoSuchRuntime(f"The image {task.image!r} may not be run on {self.id!r}.")
        folder = await asyncio.to_thread(self._starter.prepared, task)
        stage = self._known(task.key)
        if stage is None:
            raise CannotStart(f"{folder.key.name} went away while it was being started")
        await self._starter.start(task, stage)
        self._follow(stage)
        return handle_of(task.key)

    def _known(self, key: TaskKey) -> SwarmStage | None:
        """A stage that was made ready, also by an earlier process."""
        found = self._running.get(key)
        if found is not None:
            return found
        folder = StageFolder(self._attempts.ground, key)
        plan = read_plan(folder)
        return None if plan is None else SwarmStage(folder=folder, plan=plan, end=self._end_soon)

    def _follow(self, stage: SwarmStage) -> None:
        """Watch it from now on."""
        self._loop = asyncio.get_running_loop()
        self._running[stage.folder.key] = stage
        if not self._starter.carries:
            self._watch.wake()
            if self._looking is None or self._looking.done():
                self._looking = self._loop.create_task(self._look())

    async def find(self, key: TaskKey) -> Handle | None:
        """The handle of a task whose folder is there: what lacks is made by submitting it again."""
        return None if self._known(key) is None else handle_of(key)

    # --- carried files ------------------------------------------------------------------------

    def admits(self, attempt: str, token: str) -> None:
        """NotFound unless the token is the attempt's."""
        self._carrying.admit(attempt, token)

    def inputs(self, attempt: str, stage: str, token: str) -> Iterator[bytes]:
        """A tar of what a stage needs on its node."""
        return self._carrying.inputs(attempt, stage, token)

    async def told(self, attempt: str, token: str, news: Mapping[str, Any]) -> Mapping[str, Any]:
        """Take in a carrier's news; answers what it has to do."""
        return await self._carrying.told(attempt, token, news)

    async def results(
        self, attempt: str, stage: str, token: str, content: AsyncIterator[bytes]
    ) -> None:
        """Take in a tar of what a stage left."""
        await self._carrying.results(attempt, stage, token, content)

    def _staged(self, stage: SwarmStage, node: str) -> None:
        """Its files are on a node: its replicas can start there."""
        if stage.folder.key not in self._running or not stage.happened(BEGUN):
            self._follow(stage)
            self._later(self._begin(stage, node))

    async def _begin(self, stage: SwarmStage, node: str) -> None:
        """What cannot be started is told as an end; a swarm that is away is asked again."""
        try:
            if not stage.is_stopping:
                await self._starter.start_replicas(stage, node)
            stage.note(BEGUN)
        except CannotStart as error:
            stage.note(REFUSED, str(error))
            self._tell(stage.folder.key)
        except DaemonGone:
            return

    def _collected(self, stage: SwarmStage) -> None:
        self._tell(stage.folder.key)

    # --- watching -----------------------------------------------------------------------------

    def _tell(self, key: TaskKey) -> None:
        for callback in self._callbacks:
            callback(key)

    async def _look(self) -> None:
        """In a shared folder an end is seen as a file."""
        while self._running:
            for key, stage in list(self._running.items()):
                if stage.have_all_told():
                    self._tell(key)
            await asyncio.sleep(TICK)

    async def observe(self, handles: Mapping[TaskKey, Handle]) -> Mapping[TaskKey, Observation]:
        """Three lists for all; a swarm that is away, or has no leader, says nothing new."""
        begun = {key for key in handles if self._has_begun(key)}
        try:
            seen = await self._cluster.seen(self._ground.label)
        except DaemonGone:
            return {key: self._as_before(key) for key in handles}
        self._sweep_at_times()
        return {key: self._observe(key, seen, begun=key in begun) for key in handles}

    def _has_begun(self, key: TaskKey) -> bool:
        """Whether its services were there before they are listed: who then lacks was removed."""
        stage = self._known(key)
        return stage is not None and stage.happened(BEGUN)

    def _sweep_at_times(self) -> None:
        if time.monotonic() > self._next_sweep:
            self._next_sweep = time.monotonic() + SWEEP
            self._later(self._sweep())

    async def _sweep(self) -> None:
        with contextlib.suppress(DaemonGone):
            await self._remover.sweep(self._attempts.names)

    def _as_before(self, key: TaskKey) -> Observation:
        stage = self._known(key)
        if key in self._ended:
            return self._ended[key]
        return Observation(State.PENDING) if stage is None else observe_running(stage)

    def _observe(self, key: TaskKey, seen: Seen, *, begun: bool) -> Observation:
        stage = self._known(key)
        if key in self._ended:
            return self._ended[key]
        if stage is None:
            return lost()
        if key not in self._running:
            self._follow(stage)
        found = self._end_of(stage, seen, begun=begun)
        if found is None:
            self._end_again(stage, seen)
            return _while_running(stage, seen)
        self._running.pop(key, None)
        self._ended[key] = found
        return found

    def _end_of(self, stage: SwarmStage, seen: Seen, *, begun: bool) -> Observation | None:
        """What is said of a stage that has ended; None while it has not."""
        names = stage.names()
        if (refused := stage.refused()) is not None:
            return refused
        ran = stage.has_begun_to_run()
        if begun and not stage.is_stopping and any(seen.was_taken(name, ran) for name in names):
            return lost()
        if stage.happened(SPOILED):
            return lost()
        if stage.happened(COLLECTED):
            return stage.conclusion()
        if self._starter.carries:
            return self._end_of_carried(stage, names, seen, begun=begun)
        if any(map(seen.is_cut_off, names)):
            return lost()
        return self._rejected(stage, names, seen) or (
            stage.conclusion() if all(map(seen.is_over, names)) else None
        )

    def _end_of_carried(
        self, stage: SwarmStage, names: Sequence[str], seen: Seen, *, begun: bool
    ) -> Observation | None:
        """Without its carrier nothing is heard of it; with it, its files come before its end."""
        carrier = carrier_name(stage.folder.key)
        if seen.is_cut_off(carrier) or seen.is_over(carrier):
            return self._rejected(stage, [carrier], seen) or stage.unheard()
        if not begun:
            return None
        if any(map(seen.is_cut_off, names)):
            return lost()
        if all(map(seen.is_over, names)):
            stage.note(OVER)
        return self._rejected(stage, names, seen)

    def _rejected(self, stage: SwarmStage, names: Sequence[str], seen: Seen) -> Observation | None:
        """One that a node could not start: an end without its image, else tried elsewhere."""
        found = [seen.tasks[name] for name in names if name in seen.tasks]
        if not any(task.never_ran for task in found) or stage.has_begun_to_run():
            return None
        words = seen.words(names)
        if not NO_IMAGE.search(words):
            return lost()
        stage.note(REFUSED, words)
        return stage.refused()

    # --- ending -------------------------------------------------------------------------------

    def _end_soon(self, stage: SwarmStage) -> None:
        """From the thread that watches, or from the loop."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._later, self._end(stage))

    def _end_again(self, stage: SwarmStage, seen: Seen) -> None:
        """Whatever came between: what was to end and is still there is asked to end again."""
        if stage.is_stopping and not seen.services.isdisjoint(stage.names()):
            self._later(self._end(stage))

    def _later(self, coming: Coroutine[Any, Any, None]) -> None:
        """Do it beside, and do not forget that it is being done."""
        doing = asyncio.ensure_future(coming)
        self._doing.add(doing)
        doing.add_done_callback(self._doing.discard)

    async def _end(self, stage: SwarmStage) -> None:
        """Remove its services: the swarm sends TERM, and KILL after the grace it was told."""
        with contextlib.suppress(DaemonGone):
            await self._remover.remove_services(stage.folder.key, stage.names())
            stage.note(BEGUN)

    async def stop(self, handle: Handle, grace: float) -> None:
        """Ask for the end; asking again does not prolong it."""
        key = key_of(handle)
        stage = self._known(key) if key and key not in self._ended else None
        if stage is not None:
            stage.seconds_left(grace)
            await self._end(stage)

    async def reap(self, handle: Handle) -> None:
        """End and remove what is left of the attempt, here, on its node, and in the swarm."""
        key = key_of(handle)
        if key is None:
            return
        for stage in Stage:
            one = TaskKey(key.job, key.attempt, stage)
            known = self._known(one)
            if known is not None:
                known.seconds_left(0)
        await self._remover.remove_attempt(key, carries=self._starter.carries)
        for stage in Stage:
            self._running.pop(TaskKey(key.job, key.attempt, stage), None)
            self._ended.pop(TaskKey(key.job, key.attempt, stage), None)
        await asyncio.to_thread(self._attempts.remove, key)
        self._carrying.forget(key)

    async def close(self) -> None:
        """Stop watching; what runs goes on and is found again."""
        await self._watch.close()
        waiting = [one for one in (self._looking, *self._doing) if one is not None]
        for one in waiting:
            one.cancel()
        if waiting:
            await asyncio.wait(waiting)
        self._running.clear()
        await self._cluster.close()

    # --- what it left -------------------------------------------------------------------------

    def logs(self, handle: Handle, after: Mapping[str, int]) -> AsyncIterator[LogChunk]:
        """What was written beyond offsets; ends when caught up."""
        return self._attempts.logs(handle, after)

    def workspace(self, handle: Handle) -> Workspace:
        """The folder that was /ccp_data, and the log files by name."""
        return self._attempts.workspace(handle, sealed=key_of(handle) in self._ended)


def _while_running(stage: SwarmStage, seen: Seen) -> Observation:
    names = stage.names()
    if any(seen.tasks[name].state == "running" for name in names if name in seen.tasks):
        return observe_running(stage)
    waiting = seen.words([*names, carrier_name(stage.folder.key)])
    return Observation(State.PENDING, Phase.DEPLOYING, message=waiting or None)
