"""Docker on another machine: the same containers, their files in volumes."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any

from openccp.core.job import TaskKey
from openccp.core.ports import Handle, Health, LogChunk, Observation, State
from openccp.infrastructures.docker.daemon import DaemonGone
from openccp.infrastructures.docker.infrastructure import DockerInfrastructure
from openccp.infrastructures.docker.starting import Files
from openccp.infrastructures.docker.tasks import DockerTask
from openccp.infrastructures.docker.volumes import FilesGone, Volumes, clear, is_fetched
from openccp.infrastructures.folders import StageFolder, key_of
from openccp.infrastructures.started import lost

log = logging.getLogger(__name__)


class DockerElsewhere(DockerInfrastructure):
    """Nothing of the daemon's machine is seen but what the daemon tells."""

    def __init__(self, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        self._busy: dict[TaskKey, asyncio.Task[None]] = {}

    async def check(self) -> Health:
        """The same, but what a job leaves on disk is seen at its end only."""
        health = await super().check()
        if not health.reachable:
            return health
        with contextlib.suppress(DaemonGone):
            for name in await self._volumes.attempts() - self._attempts.names():
                await self._forget(name)
        held = {**health.enforced, "output": "at its end", "files": "at its end"}
        return replace(health, enforced=held)

    async def _forget(self, name: str) -> None:
        """What a platform that was killed has left of an attempt."""
        job, _, attempt = name.removeprefix("ccp-").rpartition("-")
        key = key_of({"job": job, "attempt": attempt, "stage": "run"})
        if key is not None:
            await self._volumes.forget(key)

    def _files(self) -> Files:
        self._volumes = Volumes(self._daemon, self._ground)
        return self._volumes

    async def _meet(self, started: DockerTask) -> None:
        """Its processes are numbered by another machine."""

    async def observe(self, handles: Mapping[TaskKey, Handle]) -> Mapping[TaskKey, Observation]:
        """As it was seen last; what runs is looked at beside, for the next time."""
        seen = await super().observe(handles)
        for key, observation in seen.items():
            started = self._running.get(key)
            if observation.state is State.RUNNING and started is not None:
                self._look_soon(started)
        return seen

    def _look_soon(self, started: DockerTask) -> None:
        if self._volumes.is_due(started) and not started.all_ended:
            self._beside(started, self._volumes.look)

    async def _conclude(self, started: DockerTask) -> Observation:
        """It has ended once its results are here."""
        if is_fetched(started.folder):
            return await super()._conclude(started)
        self._beside(started, self._fetch)
        return started.running()

    async def _fetch(self, started: DockerTask) -> None:
        key = started.folder.key
        try:
            await self._volumes.fetch(started)
        except FilesGone:
            self._running.pop(key, None)
            self._ended[key] = lost()
        self._tell(key)

    def _beside(
        self, started: DockerTask, do: Callable[[DockerTask], Coroutine[Any, Any, None]]
    ) -> None:
        """One thing at a time for a task; what does not work now is tried at the next look."""
        key = started.folder.key

        async def done() -> None:
            try:
                await do(started)
            except OSError as error:
                log.warning("the files of %s did not come: %s", key.name, error.strerror)
            except (DaemonGone, FilesGone):
                return

        if key not in self._busy:
            self._busy[key] = asyncio.ensure_future(done())
            self._busy[key].add_done_callback(lambda _: self._busy.pop(key, None))

    async def stop(self, handle: Handle, grace: float) -> None:
        """The same; what has not begun is told so where it is."""
        key = key_of(handle)
        started = self._known(key) if key and key not in self._ended else None
        if started is not None:
            with contextlib.suppress(DaemonGone):
                await self._volumes.forbid(started)
        await super().stop(handle, grace)

    async def reap(self, handle: Handle) -> None:
        """Also the volumes, before what is here: a reap that was cut short is done again."""
        key = key_of(handle)
        if key is None:
            return
        busy = [doing for one, doing in self._busy.items() if one.job == key.job]
        for doing in busy:
            doing.cancel()
        await asyncio.gather(*busy, return_exceptions=True)
        await self._volumes.forget(key)
        await asyncio.to_thread(clear, StageFolder(self._attempts.ground, key))
        await super().reap(handle)

    async def close(self) -> None:
        """Stop looking too."""
        waiting = list(self._busy.values())
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await super().close()

    async def logs(self, handle: Handle, after: Mapping[str, int]) -> AsyncIterator[LogChunk]:
        """What was written beyond offsets, after a look at what there is now."""
        key = key_of(handle)
        started = self._known(key) if key and key not in self._ended else None
        if started is not None and not is_fetched(started.folder):
            with contextlib.suppress(DaemonGone, FilesGone, FileNotFoundError):
                await self._volumes.look(started)
        async for chunk in super().logs(handle, after):
            yield chunk
