"""The local infrastructure: sandboxed processes of this machine that outlive the platform."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

from openccp.core.job import Stage, TaskKey
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
from openccp.infrastructures import processes
from openccp.infrastructures.folders import (
    Plan,
    StageFolder,
    handle_of,
    key_of,
    read_plan,
)
from openccp.infrastructures.launch import SMALL, Launcher, Prepared
from openccp.infrastructures.machine import prepare
from openccp.infrastructures.netfilter import OPEN
from openccp.infrastructures.once import Once
from openccp.infrastructures.runs import Run, observe_ended
from openccp.infrastructures.sandbox import NoSandbox
from openccp.infrastructures.spawner import Spawner
from openccp.infrastructures.started import lost, observe_running
from openccp.infrastructures.watch import Watch

SANDBOXED = (
    "network", "read-only", "capabilities", "privileges", "user", "jobs", "processes", "platform",
)  # fmt: skip
"""What the sandbox promises."""


class LocalInfrastructure:
    """Jobs in sandboxes on this machine. One folder an attempt says all there is to know."""

    kind = "local"

    def __init__(
        self,
        root: Path,
        *,
        id: str = "local",
        title: str = "This machine",
        slots: int,
        uid_range: tuple[int, int] = (61_000, 61_512),
        images: Mapping[str, Path] | None = None,
        environment: Mapping[str, str] | None = None,
        unsafe_no_sandbox: bool = False,
    ) -> None:
        self.id, self.title, self.slots = id, title, slots
        self._machine = prepare(
            root, uid_range, images or {}, environment or {}, unsafe=unsafe_no_sandbox
        )
        self._launcher: Launcher | None = None
        self._sealed = not unsafe_no_sandbox
        self._policy = "none"
        self._callbacks: list[Callable[[TaskKey], None]] = []
        self._running: dict[TaskKey, Run] = {}
        self._ended: dict[TaskKey, Observation] = {}
        self._once = Once()
        self._ready = asyncio.Lock()
        self._spawner = Spawner()
        self._watch = Watch(lambda: self._running.values())

    # --- what it can do -----------------------------------------------------------------------

    async def check(self) -> Health:
        """Try a sandbox; say what holds here."""
        try:
            launcher = await self._get_launcher()
        except NoSandbox as error:
            return Health(False, "", f"{error}; no job is started without a sandbox")
        free = shutil.disk_usage(self._machine.place).free
        return Health(
            True,
            launcher.jail.isolation,
            f"{free >> 20} MiB free for scratch",
            self.slots,
            self._machine.runtimes.names,
            launcher.jail.isolation,
            self._policy,
            self._enforced(launcher.jail.isolation),
        )

    def _enforced(self, jail: str) -> dict[str, str]:
        limits = _limits(self._machine.groups.version)
        if not self._sealed:
            return limits
        closed = {} if self._policy == OPEN else {"private": "netfilter"}
        return {**limits, **dict.fromkeys(SANDBOXED, jail.partition(",")[0]), **closed}

    def has_runtime(self, image: str) -> bool:
        """Whether an image name stands for something here."""
        return self._machine.runtimes.has(image)

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
        try:
            launcher = await self._get_launcher()
        except NoSandbox as error:
            raise CannotStart(str(error)) from error
        plan, starts = await self._prepare(launcher, task)
        run = self._run(StageFolder(self._machine.ground, task.key), plan)
        for _, start in starts:
            self._follow(run, await self._spawner.start(start))
        if len(starts) < plan.replicas:
            self._adopt(run)
        self._running[task.key] = run
        self._watch.wake()
        if not run.live:
            self._tell(run)
        return handle_of(task.key)

    async def _prepare(self, launcher: Launcher, task: Task) -> Prepared:
        """What is small is written at once: handing it to a thread would take longer."""
        if sum(map(len, task.values.values())) + sum(map(len, task.files.values())) > SMALL:
            return await asyncio.to_thread(launcher.prepare, task)
        return launcher.prepare(task)

    async def find(self, key: TaskKey) -> Handle | None:
        """The handle of a task that claimed its start."""
        folder = StageFolder(self._machine.ground, key)
        plan = read_plan(folder)
        if plan is None:
            return None
        claimed = (os.path.exists(folder.replica(i).pid) for i in range(plan.replicas))
        return handle_of(key) if any(claimed) else None

    async def _get_launcher(self) -> Launcher:
        if self._launcher is not None:
            return self._launcher
        async with self._ready:
            launcher = self._launcher
            if launcher is None:
                launcher, self._policy = await asyncio.to_thread(self._machine.launcher)
                self._launcher = launcher
        return launcher

    # --- watching -----------------------------------------------------------------------------

    async def observe(self, handles: Mapping[TaskKey, Handle]) -> Mapping[TaskKey, Observation]:
        """Look at many at once; what is unknown is LOST."""
        return {key: await self._observe(key) for key in handles}

    async def _observe(self, key: TaskKey) -> Observation:
        ended = self._ended.get(key)
        if ended is not None:
            return ended
        run = self._running.get(key) or self._find_run(key)
        if run is None:
            return lost()
        if run.live:
            return observe_running(run)
        if run.claims_open():
            return Observation(State.PENDING)
        return await self._conclude(run)

    def _find_run(self, key: TaskKey) -> Run | None:
        """A task that an earlier process started, watched from now on."""
        folder = StageFolder(self._machine.ground, key)
        plan = read_plan(folder)
        if plan is None:
            return None
        run = self._run(folder, plan)
        self._adopt(run)
        if run.live:
            self._running[key] = run
            self._watch.wake()
        return run

    def _run(self, folder: StageFolder, plan: Plan) -> Run:
        machine = self._machine
        return Run(
            folder=folder,
            plan=plan,
            groups=machine.groups,
            drops_user=machine.attempts.drops_user,
        )

    def _adopt(self, run: Run) -> None:
        known = set(run.live.values())
        for identity in run.launchers():
            if identity.pid not in known and processes.alive(identity):
                self._follow(run, identity.pid)

    def _follow(self, run: Run, pid: int) -> None:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        run.live[descriptor] = pid
        asyncio.get_running_loop().add_reader(descriptor, self._left, run, descriptor)

    def _left(self, run: Run, descriptor: int) -> None:
        """One process has ended, which may have come second to another platform's."""
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)
        self._spawner.bury(run.live.pop(descriptor))
        self._adopt(run)
        if not run.live:
            if not run.claims_open() and run.gone():
                self._record(run)
            self._tell(run)

    def _tell(self, run: Run) -> None:
        for callback in self._callbacks:
            callback(run.folder.key)

    async def _conclude(self, run: Run) -> Observation:
        if not run.gone() and not await asyncio.to_thread(run.wait_gone):
            return observe_running(run)
        return self._record(run)

    def _record(self, run: Run) -> Observation:
        key = run.folder.key
        self._running.pop(key, None)
        self._ended[key] = observe_ended(run)
        return self._ended[key]

    # --- ending -------------------------------------------------------------------------------

    async def stop(self, handle: Handle, grace: float) -> None:
        """TERM to every process of the job, then KILL; asking again does not prolong it."""
        key = key_of(handle)
        run = key and (self._running.get(key) or self._find_run(key))
        if not run or run.folder.key in self._ended:
            return
        run.forbid_start()
        left = run.seconds_left(grace)
        if left <= 0 or not run.inits():
            run.kill()
            return
        run.terminate()
        asyncio.get_running_loop().call_later(left, self._kill, run)

    def _kill(self, run: Run) -> None:
        if run.live:
            run.kill()

    async def reap(self, handle: Handle) -> None:
        """End what is left of the attempt, remove its folder, secrets and groups."""
        key = key_of(handle)
        if key is None:
            return
        for stage in Stage:
            await self._end_stage(TaskKey(key.job, key.attempt, stage))
        await asyncio.to_thread(self._remove, key)

    async def _end_stage(self, key: TaskKey) -> None:
        run = self._running.get(key) or (None if key in self._ended else self._find_run(key))
        if run is not None:
            run.forbid_start()
            run.kill()
            await asyncio.to_thread(run.wait_gone)
        self._running.pop(key, None)
        self._ended.pop(key, None)

    def _remove(self, key: TaskKey) -> None:
        for stage in self._machine.attempts.stages(key):
            self._machine.groups.remove(stage.name)
        self._machine.attempts.remove(key)

    async def close(self) -> None:
        """Stop watching; what runs goes on and is found again."""
        await self._watch.close()
        for run in self._running.values():
            for descriptor in run.live:
                asyncio.get_running_loop().remove_reader(descriptor)
                os.close(descriptor)
        self._running.clear()
        self._spawner.close()

    # --- what it left -------------------------------------------------------------------------

    def logs(self, handle: Handle, after: Mapping[str, int]) -> AsyncIterator[LogChunk]:
        """What was written beyond offsets; ends when caught up."""
        return self._machine.attempts.logs(handle, after)

    def workspace(self, handle: Handle) -> Workspace:
        """The folder that was /ccp_data, and the log files by name."""
        return self._machine.attempts.workspace(handle, sealed=self._sealed)


def _limits(version: int) -> dict[str, str]:
    """How each limit is held; `ccp doctor` finds out whether it is."""
    group = f"cgroup v{version}"
    return {
        "memory": group if version else "watched",
        "pids": group if version else "rlimit",
        **({"cpus": group} if version else {}),
        "output": "watched",
        "files": "watched",
        "log": "watched",
    }
