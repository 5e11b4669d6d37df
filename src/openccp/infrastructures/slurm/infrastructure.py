"""The infrastructure `slurm`: a batch job a task, an array for replicas, known by its name."""

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace

from openccp.core.job import Failure, Stage, TaskKey
from openccp.core.ports import (
    CannotStart,
    Handle,
    Health,
    LogChunk,
    Observation,
    State,
    Task,
    Workspace,
)
from openccp.core.problems import Unavailable
from openccp.infrastructures.folders import handle_of, key_of
from openccp.infrastructures.once import Once
from openccp.infrastructures.sandbox import NoSandbox
from openccp.infrastructures.slurm.controller import BatchJob, Controller, ControllerGone
from openccp.infrastructures.slurm.ending import Ending
from openccp.infrastructures.slurm.ground import Ground
from openccp.infrastructures.slurm.judge import (
    CANCELLED,
    REQUEUED,
    cancelled,
    limit_of,
    lost_of,
    standing,
)
from openccp.infrastructures.slurm.queue import Listing, Queue
from openccp.infrastructures.slurm.tasks import SlurmTask
from openccp.infrastructures.started import lost, observe_running
from openccp.infrastructures.watch import Watch

ROUND = 0.9
"""Seconds that a list is good for: one call a round, however many ask."""
SETTLE = 3.0
"""Seconds in which an end that the cluster tells of has to reach the shared folder."""
QUICK, SLOW, YOUNG = 0.02, 0.25, 3.0
"""How often ends are looked for, while a running task is younger than that, and then."""
BY_SANDBOX = (
    "network", "read-only", "capabilities", "privileges", "user", "jobs", "processes", "platform",
)  # fmt: skip


class SlurmInfrastructure:
    """Jobs on the nodes of a cluster, their folders on a file system that all of them see."""

    kind = "slurm"

    def __init__(
        self,
        ground: Ground,
        controller: Controller,
        *,
        id: str = "slurm",
        title: str = "Slurm",
        slots: int,
    ) -> None:
        self.id, self.title, self.slots = id, title, slots
        self._ground = ground
        self._controller = controller
        self._queue = Queue(controller, ground.is_ours)
        self._ending = Ending(controller, self._queue)
        self._callbacks: list[Callable[[TaskKey], None]] = []
        self._running: dict[TaskKey, SlurmTask] = {}
        self._ended: dict[TaskKey, Observation] = {}
        self._once = Once()
        self._watch = Watch(lambda: [one for one in self._running.values() if not one.waits])
        self._listening: asyncio.Task[None] | None = None

    # --- what it can do -----------------------------------------------------------------------

    async def check(self) -> Health:
        """Ask the controller; say what holds on its nodes."""
        try:
            version = await self._controller.version()
            isolation = await asyncio.to_thread(self._ground.isolation)
        except (ControllerGone, NoSandbox) as error:
            return Health(False, "", str(error))
        free = shutil.disk_usage(self._ground.place).free
        watched = dict.fromkeys(("memory", "output", "files", "log"), "watched")
        return Health(
            True,
            f"Slurm {version}",
            f"{free >> 20} MiB free on the shared folder",
            self.slots,
            self._ground.runtimes.names,
            isolation,
            "open: a job with network has its node's",
            {**dict.fromkeys(BY_SANDBOX, "bubblewrap"), **watched, "pids": "rlimit"},
        )

    def has_runtime(self, image: str) -> bool:
        """Whether an image name stands for something on the nodes."""
        return self._ground.runtimes.has(image)

    def on_change(self, callback: Callable[[TaskKey], None]) -> None:
        """Call back when a task may have ended."""
        self._callbacks.append(callback)

    # --- starting -----------------------------------------------------------------------------

    async def submit(self, task: Task) -> Handle:
        """Queue once; the same key again answers the same task."""
        return await self._once.start(task.key, lambda: self._submit(task))

    async def _submit(self, task: Task) -> Handle:
        if task.key in self._running or task.key in self._ended:
            return handle_of(task.key)
        try:
            started = await asyncio.to_thread(self._ground.prepared, task)
        except NoSandbox as error:
            raise CannotStart(str(error)) from error
        if not started.job:
            await self._order(task, started)
        self._follow(started)
        return handle_of(task.key)

    async def _order(self, task: Task, started: SlurmTask) -> None:
        """What an earlier try may have queued is looked for first."""
        try:
            if not self._ground.intend(started):
                found = await self._queued(started)
                if found or started.began() is not None:
                    self._ground.number(started, found)
                    return
                self._ground.intend_again(started)
            self._ground.number(started, await self._controller.submit(self._ground.order(task)))
        except ControllerGone as error:
            raise Unavailable(f"The cluster does not answer: {error}") from error

    async def _queued(self, started: SlurmTask) -> int:
        """The number of a job of its name; 0 if neither controller nor accounting knows one."""
        listing = await self._queue.listing(time.time())
        name = started.folder.name
        found = listing.of(name) or await self._accounted(name)
        return max((one.id for one in found), default=0)

    def _follow(self, started: SlurmTask) -> None:
        self._running[started.folder.key] = started
        self._watch.wake()
        if self._listening is None or self._listening.done():
            self._listening = asyncio.get_running_loop().create_task(self._listen())

    async def find(self, key: TaskKey) -> Handle | None:
        """The handle of a task that was queued, or whose start was claimed."""
        started = self._known(key)
        if key in self._ended or started is None:
            return handle_of(key) if key in self._ended else None
        if started.job or started.began() is not None:
            return handle_of(key)
        try:
            return handle_of(key) if await self._queued(started) else None
        except ControllerGone as error:
            raise Unavailable(f"The cluster does not answer: {error}") from error

    # --- watching -----------------------------------------------------------------------------

    async def _listen(self) -> None:
        """Tell of ends as they appear on the shared folder."""
        while self._running:
            now, pause = time.monotonic(), SLOW
            for key, started in list(self._running.items()):
                young = now - started.since < YOUNG
                if young or not started.waits:
                    pause = QUICK if young else pause
                    if None not in started.ends() or started.condemned():
                        self._tell(key)
            await asyncio.sleep(pause)

    def _tell(self, key: TaskKey) -> None:
        for callback in self._callbacks:
            callback(key)

    def _known(self, key: TaskKey) -> SlurmTask | None:
        """A task that was made ready, also one of an earlier process."""
        return self._running.get(key) or self._ground.known(key)

    async def observe(self, handles: Mapping[TaskKey, Handle]) -> Mapping[TaskKey, Observation]:
        """Ends are on the shared folder; one list of the cluster's jobs says the rest."""
        seen: dict[TaskKey, Observation] = {}
        asked: dict[TaskKey, SlurmTask] = {}
        for key in handles:
            started = None if key in self._ended else self._known(key)
            if started is None:
                seen[key] = self._ended.get(key) or lost()
            elif _plain(started):
                seen[key] = self._conclude(started)
            else:
                asked[key] = started
        if asked:
            seen |= await self._look(asked)
        return seen

    async def _look(self, asked: Mapping[TaskKey, SlurmTask]) -> dict[TaskKey, Observation]:
        try:
            listing = await self._queue.listing(time.time() - ROUND)
        except ControllerGone:
            return {key: _unanswered(started) for key, started in asked.items()}
        return {key: await self._judge(one, listing) for key, one in asked.items()}

    async def _judge(self, started: SlurmTask, listing: Listing) -> Observation:
        key = started.folder.key
        if key not in self._running:
            self._follow(started)
        if started.condemned():
            with contextlib.suppress(ControllerGone):
                await self._ending.end(started)
        jobs = standing(listing.of(started.folder.name), started.claims())
        alive = [one for one in jobs if one.is_alive]
        if _requeued(started, alive, listing.taken) and not started.stopped():
            return Observation(State.LOST, failure=REQUEUED)
        if listing.taken <= started.submitted or (alive and None in started.ends()):
            return self._alive(started, alive, listing)
        if alive:
            return observe_running(started)
        return await self._over(started, jobs, listing.taken)

    def _alive(self, started: SlurmTask, alive: list[BatchJob], listing: Listing) -> Observation:
        began = started.began()
        started.waits = began is None and not any(one.goes for one in alive)
        if not started.waits:
            self._watch.wake()
            return replace(observe_running(started), began=began)
        told = next((listing.told(one) for one in alive if one.waits), None)
        return Observation(State.PENDING, message=told)

    async def _over(self, started: SlurmTask, jobs: list[BatchJob], taken: float) -> Observation:
        """The cluster says that it is over, or knows nothing of it."""
        if len(jobs) < started.plan.replicas:
            known = standing(await self._accounted(started.folder.name), started.claims())
            jobs += [one for one in known if not one.is_alive]  # else the controller lost it
        if found := limit_of(jobs):
            started.sentence(*found)
        if started.stopped():
            return self._conclude(started)
        if failure := lost_of(jobs):
            return Observation(State.LOST, failure=failure)
        if cancelled(jobs):
            return self._conclude(started, CANCELLED)
        if None not in started.ends():
            return self._conclude(started)
        return self._unrecorded(started, jobs, taken)

    def _unrecorded(self, started: SlurmTask, jobs: list[BatchJob], taken: float) -> Observation:
        """Over without a word: its word may be on its way; then nobody may start it any more."""
        started.over = started.over or taken
        if taken - started.over < SETTLE:
            return observe_running(started)
        if started.forbid_start() == 0 and jobs:
            return self._conclude(started)
        return lost()

    async def _accounted(self, name: str) -> Sequence[BatchJob]:
        with contextlib.suppress(ControllerGone):
            return await self._controller.ended(name)
        return ()

    def _conclude(self, started: SlurmTask, failure: Failure | None = None) -> Observation:
        key = started.folder.key
        self._running.pop(key, None)
        seen = started.observed()
        self._ended[key] = replace(seen, failure=failure) if failure else seen
        return self._ended[key]

    # --- ending -------------------------------------------------------------------------------

    async def stop(self, handle: Handle, grace: float) -> None:
        """TERM to every process of the job; its node sends KILL after the grace."""
        key = key_of(handle)
        started = self._known(key) if key and key not in self._ended else None
        if started is None:
            return
        await self._ending.stop(started, grace)

    async def reap(self, handle: Handle) -> None:
        """End and remove what is left of the attempt: jobs, folders, secrets."""
        key = key_of(handle)
        if key is None:
            return
        for stage in Stage:
            one = TaskKey(key.job, key.attempt, stage)
            started = self._known(one)
            if started is not None:
                await self._ending.gone(started)
            self._running.pop(one, None)
            self._ended.pop(one, None)
        await asyncio.to_thread(self._ground.attempts.remove, key)

    async def close(self) -> None:
        """Stop watching; what runs goes on and is found again."""
        await self._watch.close()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])
        self._running.clear()
        await self._controller.close()

    # --- what it left -------------------------------------------------------------------------

    def logs(self, handle: Handle, after: Mapping[str, int]) -> AsyncIterator[LogChunk]:
        """What was written beyond offsets; ends when caught up."""
        return self._ground.attempts.logs(handle, after)

    def workspace(self, handle: Handle) -> Workspace:
        """The folder that was /ccp_data, and the log files by name."""
        return self._ground.attempts.workspace(handle, sealed=key_of(handle) in self._ended)


def _plain(started: SlurmTask) -> bool:
    """Whether its ends leave nothing to ask the cluster."""
    if None in started.ends():
        return False
    return started.stopped() or all(trace.plain() for trace in started.traces())


def _requeued(started: SlurmTask, alive: list[BatchJob], taken: float) -> bool:
    """Whether what had begun waits again: its claim is taken, so it would do nothing."""
    began = started.began()
    return began is not None and taken > began + SETTLE and any(one.waits for one in alive)


def _unanswered(started: SlurmTask) -> Observation:
    """Nobody answers: as it was last seen."""
    if started.waits:
        return Observation(State.PENDING, message="the cluster does not answer")
    return replace(observe_running(started), began=started.began())
