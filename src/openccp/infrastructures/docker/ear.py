"""Listens to a daemon, also after it went away and came back."""

import asyncio
import contextlib
from collections.abc import Callable

from openccp.infrastructures.docker.daemon import Daemon, DaemonGone, News

AGAIN = 2.0
"""Seconds until a daemon that went away is listened to again."""


class Ear:
    """Calls `hear` with all that containers of a label meet; with None when it begins to listen.

    What happened before that was told to nobody and has to be looked for.
    """

    def __init__(self, daemon: Daemon, label: str, hear: Callable[[News | None], None]) -> None:
        self._daemon, self._label, self._hear = daemon, label, hear
        self._open = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Return once it listens, or the daemon is away."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._listen())
        await self._open.wait()

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(DaemonGone):
                async for news in self._daemon.news(self._label):
                    self._open.set()
                    self._hear(news)
            self._open.set()
            await asyncio.sleep(AGAIN)

    async def close(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
