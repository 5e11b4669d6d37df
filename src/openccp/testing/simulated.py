"""An infrastructure that runs nothing: its tasks last as long as they are told to.

For benchmarks of the platform itself, and for tests of what is around the infrastructures.
"""

import asyncio
import contextlib
import shutil
import time
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from openccp.core.job import Phase, Stage, TaskKey
from openccp.core.ports import (
    Handle,
    Health,
    Infrastructure,
    LogChunk,
    Observation,
    State,
    Task,
    Workspace,
)
from openccp.core.site import InfrastructureSettings, Site

LOST = Observation(State.LOST)
DONE = Observation(State.EXITED)


@dataclass(slots=True)
class Simulated:
    """A task since it was started: `seen` is what was answered in its step `step`."""

    started: float
    seconds: float
    ahead: float
    """How far into its first step it started: else all would speak at once."""
    step: int = -1
    seen: Observation = DONE
    killed: float | None = None


class SimulatedInfrastructure:
    """Tasks in memory, each for `seconds`; every `step` seconds they say something new.

    What they say, `N at T`, tells when that came to be true: what a reader sees can be dated.
    `tells` False leaves the platform to find every end by looking.
    """

    kind = "simulated"

    def __init__(
        self,
        root: Path,
        *,
        id: str = "simulated",
        title: str = "Simulated",
        slots: int = 4,
        seconds: float = 0.0,
        step: float = 0.0,
        tells: bool = True,
    ) -> None:
        self.id, self.title, self.slots = id, title, slots
        self._root, self._seconds, self._step, self._tells = root, seconds, step, tells
        self._tasks: dict[TaskKey, Simulated] = {}
        self._callbacks: list[Callable[[TaskKey], None]] = []

    async def check(self) -> Health:
        """Always there, and it promises nothing."""
        return Health(True, "simulated", "nothing is run", self.slots, ("bash",), "none: simulated")

    def has_runtime(self, image: str) -> bool:
        """Every image is as good as another."""
        return bool(image)

    def on_change(self, callback: Callable[[TaskKey], None]) -> None:
        """Call back when a task has ended, if it tells."""
        self._callbacks.append(callback)

    async def submit(self, task: Task) -> Handle:
        """From now on it counts as running."""
        if task.key not in self._tasks:
            ahead = zlib.crc32(task.key.name.encode()) / (1 << 32) * self._step
            self._tasks[task.key] = Simulated(time.time(), self._seconds, ahead)
            self._tell_later(task.key, self._seconds)
        return _handle(task.key)

    async def find(self, key: TaskKey) -> Handle | None:
        """What this process started."""
        return _handle(key) if key in self._tasks else None

    async def observe(self, handles: Mapping[TaskKey, Handle]) -> Mapping[TaskKey, Observation]:
        """As the clock says."""
        now = time.time()
        return {key: self._observe(key, now) for key in handles}

    def _observe(self, key: TaskKey, now: float) -> Observation:
        task = self._tasks.get(key)
        if task is None:
            return LOST
        age = now - task.started
        if age >= task.seconds or (task.killed is not None and now >= task.killed):
            return DONE
        step = int((age + task.ahead) / self._step) if self._step else 0
        if step != task.step:
            task.step, since = step, task.started - task.ahead + step * self._step
            task.seen = Observation(State.RUNNING, Phase.EXECUTING, None, f"{step} at {since:.3f}")
        return task.seen

    async def stop(self, handle: Handle, grace: float) -> None:
        """It heeds TERM."""
        key = _key(handle)
        if key in self._tasks:
            self._tasks[key].killed = time.time()
            self._tell_later(key, 0)

    async def logs(self, handle: Handle, after: Mapping[str, int]) -> AsyncIterator[LogChunk]:
        """It prints nothing."""
        nothing: tuple[LogChunk, ...] = ()
        for chunk in nothing:
            yield chunk

    def workspace(self, handle: Handle) -> Workspace:
        """An empty folder."""
        folder = self._root / _key(handle).name
        folder.mkdir(parents=True, exist_ok=True)
        return Workspace(folder, {}, sealed=True)

    async def reap(self, handle: Handle) -> None:
        """Forget it, all stages."""
        key = _key(handle)
        for stage in Stage:
            one = TaskKey(key.job, key.attempt, stage)
            if self._tasks.pop(one, None) is not None:
                with contextlib.suppress(FileNotFoundError):
                    shutil.rmtree(self._root / one.name)

    async def close(self) -> None:
        """Nothing goes on."""

    def _tell_later(self, key: TaskKey, seconds: float) -> None:
        if self._tells:
            asyncio.get_running_loop().call_later(seconds, self._tell, key)

    def _tell(self, key: TaskKey) -> None:
        for callback in self._callbacks:
            callback(key)


def _handle(key: TaskKey) -> Handle:
    return {"v": 1, "job": key.job, "attempt": key.attempt, "stage": str(key.stage)}


def _key(handle: Handle) -> TaskKey:
    return TaskKey(str(handle["job"]), int(handle["attempt"]), Stage(handle["stage"]))


class SimulatedSettings(InfrastructureSettings):
    """Jobs that run nothing."""

    slots: int = Field(default=4, ge=1, description="Jobs at a time.")
    seconds: float = Field(default=0.0, ge=0, description="How long each lasts.")
    step: float = Field(default=0.0, ge=0, description="How often each says something new.")
    tells: bool = Field(default=True, description="Whether an end is told.")


class SimulatedKind:
    """Builds one, for whole platforms in tests: no platform knows this kind by itself."""

    settings = SimulatedSettings

    def build(self, site: Site, settings: SimulatedSettings) -> Infrastructure:
        """As the settings say."""
        return SimulatedInfrastructure(
            site.folder,
            id=site.name,
            title=site.title,
            slots=settings.slots,
            seconds=settings.seconds,
            step=settings.step,
            tells=settings.tells,
        )


KIND = SimulatedKind()
