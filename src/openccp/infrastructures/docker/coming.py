"""Tasks that wait for their image: started as soon as it is there, also by a later process."""

import asyncio
from collections.abc import Awaitable, Callable

from openccp.core.job import Blame, Failure, Phase, TaskKey
from openccp.core.ports import CannotStart, Observation, State, Task
from openccp.infrastructures.docker.daemon import DaemonGone
from openccp.infrastructures.docker.images import Images
from openccp.infrastructures.docker.kept import kept_task
from openccp.infrastructures.docker.reference import Image
from openccp.infrastructures.docker.tasks import DockerTask

Begin = Callable[[Task, DockerTask, Image], Awaitable[None]]
Refuse = Callable[[TaskKey, Observation], None]


class Coming:
    """`begin` starts a task's containers; `refuse` is told of one that cannot be started."""

    def __init__(self, images: Images, begin: Begin, refuse: Refuse) -> None:
        self._images, self._begin, self._refuse = images, begin, refuse
        self._bringing: dict[TaskKey, asyncio.Task[None]] = {}

    def observe(self, started: DockerTask) -> Observation | None:
        """How far its image is; None if it does not wait for one. Goes on with what was cut."""
        key = started.folder.key
        task = None if started.is_stopping else kept_task(started.folder, started.plan)
        if task is None:
            return None
        if key not in self._bringing:
            bringing = asyncio.ensure_future(self._bring(task, started))
            self._bringing[key] = bringing
            bringing.add_done_callback(lambda _: self._bringing.pop(key, None))
        words = self._images.words(task.image)
        return Observation(State.PENDING, Phase.DEPLOYING, message=words)

    async def forget(self, key: TaskKey) -> None:
        """Start it no more; the image comes all the same, for others."""
        bringing = self._bringing.get(key)
        if bringing is not None:
            bringing.cancel()
            await asyncio.wait([bringing])

    async def close(self) -> None:
        """Stop waiting; what waits is found again."""
        for key in list(self._bringing):
            await self.forget(key)

    async def _bring(self, task: Task, started: DockerTask) -> None:
        try:
            image = await self._images.brought(task.image)
            if not started.is_stopping:
                await self._begin(task, started, image)
        except DaemonGone:
            return
        except CannotStart as error:
            failure = error.failure or Failure(
                Blame.PLATFORM, "start", f"The job could not be started: {error}"
            )
            seen = Observation(State.EXITED, Phase.DEPLOYING, failure=failure)
            self._refuse(task.key, seen)
