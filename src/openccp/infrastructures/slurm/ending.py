"""Ending what a task has on the cluster, under whatever numbers."""

import asyncio
import contextlib
import time

from openccp.core.problems import Unavailable
from openccp.infrastructures.slurm.controller import Controller, ControllerGone
from openccp.infrastructures.slurm.queue import Queue
from openccp.infrastructures.slurm.tasks import SlurmTask

TRIES, LOOKS = 6, 12
"""How often a job is asked to end before it is killed, and looked for after each time."""
PAUSE = 0.25


class Ending:
    """Stops and cancels by name: a number alone may be somebody else's meanwhile."""

    def __init__(self, controller: Controller, queue: Queue) -> None:
        self._controller = controller
        self._queue = queue

    async def stop(self, started: SlurmTask, grace: float) -> None:
        """TERM to every process of the job; its node sends KILL after the grace."""
        again = started.stopped()
        started.forbid_start()
        left = started.seconds_left(grace)
        started.allow(left)
        with contextlib.suppress(ControllerGone):
            if left <= 0 or started.began() is None:
                await self._controller.cancel(started.folder.name, await self._alive(started))
            elif not again:
                await self._signal(started, "TERM")

    async def end(self, started: SlurmTask) -> None:
        """At once, whatever it does."""
        started.forbid_start()
        started.allow(0)
        await self._controller.cancel(started.folder.name, await self._alive(started))

    async def gone(self, started: SlurmTask) -> None:
        """Return when the cluster has nothing of it any more; Unavailable if that takes long."""
        if not _may_go_on(started):
            return
        try:
            for _ in range(TRIES):
                await self.end(started)
                if await self._ends_soon(started):
                    return
            await self._signal(started, "KILL")
        except ControllerGone as error:
            raise Unavailable(f"The cluster does not answer: {error}") from error
        raise Unavailable(f"The cluster does not end {started.folder.name}")

    async def _ends_soon(self, started: SlurmTask) -> bool:
        for _ in range(LOOKS):
            if not _may_go_on(started) or not await self._alive(started):
                return True
            await asyncio.sleep(PAUSE)
        return False

    async def _signal(self, started: SlurmTask, sign: str) -> None:
        await self._controller.signal(started.folder.name, await self._alive(started), sign)

    async def _alive(self, started: SlurmTask) -> list[int]:
        """The numbers of all that goes on under its name, now."""
        listing = await self._queue.listing(time.time())
        return sorted({one.id for one in listing.of(started.folder.name) if one.is_alive})


def _may_go_on(started: SlurmTask) -> bool:
    """Whether the cluster may still have something of it."""
    return None in started.ends() or started.doubled()
