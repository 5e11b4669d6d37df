"""How much space the platform uses: measured rarely, and nobody who asks waits long for it."""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass

from openccp.core.overview import Overview, Space
from openccp.core.ports import Clock

FRESH = 300.0
PATIENCE = 2.0


@dataclass(frozen=True, slots=True)
class Used:
    """Bytes by part as measured `at` (seconds since the epoch)."""

    at: float
    parts: Mapping[str, int]


class Storage:
    """One measurement at a time; everybody gets the last one."""

    def __init__(self, space: Space, overview: Overview, clock: Clock) -> None:
        self._space, self._overview, self._clock = space, overview, clock
        self._known: Used | None = None
        self._measuring: asyncio.Task[Used] | None = None

    async def used(self) -> Used | None:
        """The last measurement; None while the first one takes longer than a moment."""
        if self._measuring is None and self._clock() - self._age() >= FRESH:
            self._measuring = asyncio.create_task(self._measure())
        if self._measuring is not None:
            done, _ = await asyncio.wait({self._measuring}, timeout=PATIENCE)
            self._settle(done)
        return self._known

    def _age(self) -> float:
        return -math.inf if self._known is None else self._known.at

    def _settle(self, done: set[asyncio.Task[Used]]) -> None:
        """The first of those who waited takes the result; a failure is told to him alone."""
        for task in done:
            if task is self._measuring:
                self._measuring = None
                self._known = task.result()

    async def _measure(self) -> Used:
        at = self._clock()
        folders = await asyncio.to_thread(self._space.used)
        return Used(at, {**folders, "database": await self._overview.database_bytes()})
