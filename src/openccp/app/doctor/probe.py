"""Running a small task on an infrastructure, to its end and with nothing left of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from openccp.core.job import Stage, TaskKey
from openccp.core.method import Scripts
from openccp.core.ports import (
    CannotStart,
    Handle,
    Infrastructure,
    Limits,
    Observation,
    State,
    Task,
)
from openccp.core.problems import Problem

MIB = 1 << 20
LIMITS = Limits(
    wall_seconds=60,
    memory_bytes=64 * MIB,
    pids=24,
    output_bytes=8 * MIB,
    output_files=500,
    log_bytes=MIB,
)
LOOK = 0.05
PATIENCE = 45.0
MOST = 64 << 10
SAYS = 'LC_ALL=C; says() { printf \'%s=%s\\n\' "$1" "$2"; }\n'
"""What scripts tell is told in lines NAME=VALUE; they use what is built into bash."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a task. `reason` is the failure's word: empty if it ended well."""

    ended: bool
    reason: str
    detail: str
    text: str

    def said(self, name: str) -> list[str]:
        """Every value that the script gave for a name."""
        lines = (line.partition("=") for line in self.text.splitlines())
        return [value for key, _, value in lines if key == name]


class Prober:
    """Runs tasks on one infrastructure, a few at a time."""

    def __init__(
        self, infrastructure: Infrastructure, image: str, at_once: int, *, takes_secrets: bool
    ) -> None:
        self.takes_secrets = takes_secrets
        self._infrastructure = infrastructure
        self._image = image
        self._free = asyncio.Semaphore(at_once)

    async def run(self, name: str, script: str, **more: Any) -> Outcome:
        """To its end."""
        try:
            async with self.running(name, script, **more) as task:
                return await task.end()
        except (CannotStart, Problem) as error:
            return Outcome(False, "start", f"it could not be started: {error}", "")

    @asynccontextmanager
    async def running(self, name: str, script: str, **more: Any) -> AsyncIterator["Running"]:
        """A task that runs meanwhile; what it holds is freed. CannotStart if it cannot."""
        given: dict[str, Any] = {
            "key": TaskKey(f"doctor-{name}", 1, Stage.RUN),
            "image": self._image,
            "scripts": Scripts("", SAYS + script + "\ntrue\n", ""),
            "values": {},
            "files": {"inputs.json": b"{}"},
            "secrets": {},
            "environment": {},
            "replicas": 1,
            "network": False,
            "limits": LIMITS,
        }
        task = Task(**{**given, **more})
        async with self._free:
            await self._free_old(task.key)
            handle = await self._infrastructure.submit(task)
            try:
                yield Running(self._infrastructure, task.key, handle)
            finally:
                await asyncio.shield(self._infrastructure.reap(handle))

    async def _free_old(self, key: TaskKey) -> None:
        """What a killed doctor left: names are the same each time."""
        left = await self._infrastructure.find(key)
        if left is not None:
            await self._infrastructure.reap(left)


@dataclass(frozen=True, slots=True)
class Running:
    """A task that was started."""

    infrastructure: Infrastructure
    key: TaskKey
    handle: Handle

    async def end(self) -> Outcome:
        """How it ended, or that it did not."""
        seen, text = await self._end(), await self.text()
        if seen is None:
            return Outcome(False, "", f"it did not end within {PATIENCE:g} s", text)
        if seen.failure is None:
            return Outcome(True, "", "", text)
        return Outcome(True, seen.failure.reason, seen.failure.detail, text)

    async def says(self, line: str) -> bool:
        """Whether it comes to say a line."""
        async for _ in _looks():
            if line in (await self.text()).splitlines():
                return True
        return False

    async def stop(self, grace: float) -> None:
        """Ask it to end."""
        await self.infrastructure.stop(self.handle, grace)

    async def text(self) -> str:
        """The head of its standard output."""
        text = b""
        async for chunk in self.infrastructure.logs(self.handle, {}):
            if chunk.stream == "stdout" and len(text) < MOST:
                text += chunk.content
        return text.decode("utf-8", "replace")

    async def _end(self) -> Observation | None:
        async for _ in _looks():
            seen = (await self.infrastructure.observe({self.key: self.handle}))[self.key]
            if seen.state in (State.EXITED, State.LOST):
                return seen
        return None


async def _looks() -> AsyncIterator[None]:
    """Time for a look, again and again, until patience is over."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + PATIENCE
    while clock() < deadline:
        yield
        await asyncio.sleep(LOOK)
