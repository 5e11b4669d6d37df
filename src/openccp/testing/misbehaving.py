"""Infrastructures that misbehave as they are told to: what a platform has to live with."""

import asyncio
from collections.abc import Mapping

from openccp.core.job import TaskKey
from openccp.core.ports import Handle, Health, Observation, Task
from openccp.testing.memory import ScriptedInfrastructure


class FreezingInfrastructure(ScriptedInfrastructure):
    """Calls that are frozen do not return until it thaws, as behind a cable that was cut."""

    def __init__(self, slots: int = 4) -> None:
        super().__init__(slots)
        self.hung = asyncio.Event()
        """Somebody waits for a frozen call."""
        self._frozen: frozenset[str] = frozenset()
        self._thawed = asyncio.Event()
        self._error: Exception | None = None

    def freeze(self, *calls: str) -> None:
        """From now on these calls, by name, hang."""
        self._frozen = frozenset(calls)
        self._error = None
        self.hung.clear()
        self._thawed.clear()

    def thaw(self) -> None:
        """What hangs goes on."""
        self._frozen = frozenset()
        self._thawed.set()

    def fail(self, error: Exception) -> None:
        """What hangs ends with this; later calls are answered."""
        self._error = error
        self.thaw()

    async def _called(self, name: str) -> None:
        if name in self._frozen:
            self.hung.set()
            await self._thawed.wait()
            if self._error is not None:
                raise self._error

    async def check(self) -> Health:
        """Reachable, once it answers."""
        await self._called("check")
        return await super().check()

    async def submit(self, task: Task) -> Handle:
        """Start once a key."""
        await self._called("submit")
        return await super().submit(task)

    async def find(self, key: TaskKey) -> Handle | None:
        """What was started under a key."""
        await self._called("find")
        return await super().find(key)

    async def observe(self, handles: Mapping[TaskKey, Handle]) -> Mapping[TaskKey, Observation]:
        """What a test has said of each."""
        await self._called("observe")
        return await super().observe(handles)

    async def stop(self, handle: Handle, grace: float) -> None:
        """Remembered."""
        await self._called("stop")
        await super().stop(handle, grace)

    async def reap(self, handle: Handle) -> None:
        """Forget every stage of the attempt."""
        await self._called("reap")
        await super().reap(handle)
