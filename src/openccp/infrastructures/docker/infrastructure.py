"""The infrastructure `docker`: one container a replica, hardened, known by name and label."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from openccp.core.job import Stage, TaskKey
from openccp.core.ports import (
    CannotStart,
    Handle,
    Health,
    Limits,
    LogChunk,
    NoSuchRuntime,
    Observation,
    State,
    Task,
    Workspace,
)
from openccp.infrastructures.attempts import open_attempts
from openccp.infrastructures.docker.coming import Coming
from openccp.infrastructures.docker.container import (
    Ground,
    name_of,
    programs_in,
)
from openccp.infrastructures.docker.credentials import Credentials
from openccp.infrastructures.docker.daemon import Daemon, DaemonGone, News
from openccp.infrastructures.docker.ear import Ear
from openccp.infrastructures.docker.filter import Policy
from openccp.infrastructures.docker.health import health_of
from openccp.infrastructures.docker.images import Images
from openccp.infrastructures.docker.kept import keep_image, keep_task, kept_image
from openccp.infrastructures.docker.network import NO_NETWORK, Networks
from openccp.infrastructures.docker.privileges import NONE, Privileges
from openccp.infrastructures.docker.reference import Image, Login, is_reference
from openccp.infrastructures.docker.starting import Bound, Files, Starter
from openccp.infrastructures.docker.tasks import DockerTask
from openccp.infrastructures.docker.waiting import lent_to
from openccp.infrastructures.docker.warm import WarmPool, Workshop
from openccp.infrastructures.folders import (
    Plan,
    StageFolder,
    attempt_name,
    handle_of,
    key_of,
    read_plan,
)
from openccp.infrastructures.once import Once
from openccp.infrastructures.place import digest_of
from openccp.infrastructures.started import lost
from openccp.infrastructures.watch import Watch

MEET = 2.0
"""A task this young is not asked for its processes: most tasks end before."""


class DockerInfrastructure:
    """Jobs as containers of a daemon on this machine, their folders bound into them."""

    kind = "docker"

    def __init__(
        self,
        root: Path,
        *,
        id: str = "docker",
        title: str = "Docker",
        slots: int,
        address: str = "unix:///var/run/docker.sock",
        images: Sequence[str] = ("*",),
        uid_range: tuple[int, int] = (61_000, 61_512),
        environment: Mapping[str, str] | None = None,
        network: Policy | None = None,
        runtime: str = "",
        logins: Mapping[str, Login] | None = None,
        pull_seconds: float = 3600,
        privileges: Privileges = NONE,
        warm: Mapping[str, int] | None = None,
        limits: Limits | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        self.id, self.title, self.slots = id, title, slots
        self._allowed = tuple(images)
        self._attempts, self._place = open_attempts(root, uid_range, environment or {})
        self._ground = Ground(digest_of(root), str(programs_in(self._place)), runtime)
        self._daemon = Daemon(address, credentials)
        self._networks = Networks(self._daemon, address, self._ground, network or Policy())
        self._starter = Starter(
            self._daemon, self._ground, self._networks, privileges, self._files()
        )
        self._images = Images(self._daemon, logins or {}, pull_seconds)
        self._coming = Coming(self._images, self._begin, self._refuse)
        self._callbacks: list[Callable[[TaskKey], None]] = []
        self._running: dict[TaskKey, DockerTask] = {}
        self._ended: dict[TaskKey, Observation] = {}
        self._named: dict[str, DockerTask] = {}
        workshop = Workshop(self._starter, self._attempts, self._images, self._prepared)
        self._warm = WarmPool(workshop, warm or {}, limits or Limits())
        self._once = Once()
        self._watch = Watch(lambda: self._running.values())
        self._ear = Ear(self._daemon, self._ground.label, self._hear)
        self._doing: set[asyncio.Future[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def _files(self) -> Files:
        """How files reach jobs."""
        return Bound(self._ground)

    # --- what it can do -----------------------------------------------------------------------

    async def check(self) -> Health:
        """Ask the daemon; remove networks that somebody who was killed left."""
        try:
            version = await self._daemon.version()
            await self._ear.open()
            await self._networks.sweep(self._attempts.names)
            policy = await self._networks.say()
        except DaemonGone as error:
            return Health(False, "", str(error))
        free = shutil.disk_usage(self._place).free
        health = health_of(version, free, self.slots, self._allowed, policy)
        allowed = self._starter.privileges
        return replace(health, root=allowed.root, gpus=allowed.gpus)

    def has_runtime(self, image: str) -> bool:
        """Whether the operator lets this image run here; it is brought when it is needed."""
        return is_reference(image) and any(fnmatchcase(image, one) for one in self._allowed)

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
        if not self.has_runtime(task.image):
            raise NoSuchRuntime(f"The image {task.image!r} may not be run on {self.id!r}.")
        self._starter.privileges.check(task)
        await self._ear.open()
        folder = StageFolder(self._attempts.ground, task.key)
        image = kept_image(folder) or await self._images.here(task.image)
        if image is None and task.key.stage is Stage.UNDEPLOY:
            raise CannotStart(f"the image {task.image!r} is not here")
        started = await self._warm.lend(task, folder, image)
        if started is None:
            started = await asyncio.to_thread(self._prepared, task, folder)
        if image is None:
            keep_task(folder, task)
            self._coming.observe(started)
        else:
            await self._begin(task, started, image)
        return handle_of(task.key)

    async def _begin(self, task: Task, started: DockerTask, image: Image) -> None:
        image = keep_image(started.folder, image)
        self._name(started)
        if not (started.lent and await self._warm.begin(task, started)):
            self._name(started)
            await self._starter.start(task, started, image)
        self._follow(started)

    def _name(self, started: DockerTask) -> None:
        """Hear of it from now on."""
        self._named.update(dict.fromkeys(started.names(), started))

    def _refuse(self, key: TaskKey, seen: Observation) -> None:
        self._ended[key] = seen
        self._tell(key)

    def _prepared(self, task: Task, folder: StageFolder) -> DockerTask:
        try:
            plan = read_plan(folder) or self._attempts.make_ready(task, folder)
            started = self._task(folder, plan)
            for replica in started.replicas:
                self._attempts.make_writable(replica, plan.uid)
        except OSError as error:
            raise CannotStart(f"The job could not be started: {error.strerror}") from error
        return started

    def _follow(self, started: DockerTask) -> None:
        """Watch it from now on."""
        self._running[started.folder.key] = started
        self._name(started)
        if started.all_ended:
            self._tell(started.folder.key)
        self._watch.wake()
        loop = self._loop = asyncio.get_running_loop()
        loop.call_later(MEET, lambda: self._later(self._meet(started)))

    async def _meet(self, started: DockerTask) -> None:
        """Learn where its processes are counted, once it is old enough to be watched."""
        with contextlib.suppress(DaemonGone):
            if started.folder.key in self._running:
                firsts = [await self._daemon.first_process(name) for name in started.names()]
                started.groups.firsts = [pid for pid in firsts if pid]

    async def find(self, key: TaskKey) -> Handle | None:
        """The handle of a task of which something is there: a container, or its folder alone."""
        if self._known(key) is not None:
            return handle_of(key)
        found = await self._daemon.inspect(name_of(key, 0))
        return handle_of(key) if found and self._starter.is_ours(found, key) else None

    # --- watching -----------------------------------------------------------------------------

    def _end_soon(self, started: DockerTask) -> None:
        """From the thread that watches."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._later, self._kill(started))

    def _later(self, coming: Coroutine[Any, Any, None]) -> None:
        """Do it beside, and do not forget that it is being done."""
        doing = asyncio.ensure_future(coming)
        self._doing.add(doing)
        doing.add_done_callback(self._doing.discard)

    def _hear(self, news: News | None) -> None:
        if news is None:
            self._warm.wake()
            for key, running in list(self._running.items()):
                running.shaken = True
                self._tell(key)
            return
        if news.code is not None:
            self._warm.lost(news.name)
        started = self._named.get(news.name)
        if started is not None and started.hear(news):
            self._tell(started.folder.key)

    def _tell(self, key: TaskKey) -> None:
        for callback in self._callbacks:
            callback(key)

    async def observe(self, handles: Mapping[TaskKey, Handle]) -> Mapping[TaskKey, Observation]:
        """One list of all containers here, unless the daemon has told of all that is asked.

        A daemon that is away says nothing new.
        """
        try:
            await self._ear.open()
            for key in handles.keys() & self._running.keys():
                if self._running[key].all_ended:
                    await self._conclude(self._running[key])
            if handles.keys() <= self._ended.keys():
                return {key: self._ended[key] for key in handles}
            listed = await self._daemon.listed(self._ground.label)
        except DaemonGone:
            return {key: self._as_before(key) for key in handles}
        states = {one.name: one.state for one in listed}
        return {key: await self._observe(key, states) for key in handles}

    def _as_before(self, key: TaskKey) -> Observation:
        started = self._known(key)
        if key in self._ended:
            return self._ended[key]
        if started is None:
            return Observation(State.PENDING)
        return self._coming.observe(started) or started.running()

    def _known(self, key: TaskKey) -> DockerTask | None:
        """A running task, also one that an earlier process started."""
        found = self._running.get(key)
        if found is not None:
            return found
        folder = StageFolder(self._attempts.ground, key)
        plan = read_plan(folder)
        return None if plan is None else self._task(folder, plan)

    def _task(self, folder: StageFolder, plan: Plan) -> DockerTask:
        return DockerTask(folder=folder, plan=plan, end=self._end_soon, lent=lent_to(folder))

    async def _observe(self, key: TaskKey, states: Mapping[str, str]) -> Observation:
        ended, started = self._ended.get(key), self._known(key)
        if ended is not None:
            return ended
        if started is None:
            return lost()
        found = [states.get(name) for name in started.names()]
        unbegun = None in found or "created" in found
        if unbegun and (waiting := self._coming.observe(started)):
            return waiting
        if None in found:
            self._running.pop(key, None)
            return lost()
        over = {"exited", "dead", *(["created"] if started.is_stopping else [])}
        if "created" in found and not started.is_stopping:
            return Observation(State.PENDING)
        if over.issuperset(found):
            return await self._conclude(started)
        if key not in self._running:
            self._follow(started)
        started.shaken = False
        return started.running()

    async def _conclude(self, started: DockerTask) -> Observation:
        key = started.folder.key
        names = started.names()
        ends = [started.told(name) or await self._daemon.ended(name) for name in names]
        self._running.pop(key, None)
        self._ended[key] = started.observed(ends)
        return self._ended[key]

    # --- ending -------------------------------------------------------------------------------

    async def stop(self, handle: Handle, grace: float) -> None:
        """TERM to every process of the job, then KILL; asking again does not prolong it."""
        key = key_of(handle)
        started = self._known(key) if key and key not in self._ended else None
        if started is None:
            return
        started.forbid_start()
        left = started.seconds_left(grace)
        await self._coming.forget(started.folder.key)
        with contextlib.suppress(DaemonGone):
            if left <= 0:
                await self._kill(started)
                return
            for name in started.names():
                await self._daemon.terminate(name)
        loop = asyncio.get_running_loop()
        loop.call_later(left, lambda: self._later(self._kill_if_running(started)))

    async def _kill_if_running(self, started: DockerTask) -> None:
        if started.folder.key in self._running:
            await self._kill(started)

    async def _kill(self, started: DockerTask) -> None:
        for name in started.names():
            with contextlib.suppress(DaemonGone):
                await self._daemon.kill(name)

    async def reap(self, handle: Handle) -> None:
        """End and remove what is left of the attempt: containers, folders, secrets."""
        key = key_of(handle)
        if key is None:
            return
        stages = [TaskKey(key.job, key.attempt, stage) for stage in Stage]
        known = [started for started in map(self._known, stages) if started is not None]
        for started in known:
            await self._coming.forget(started.folder.key)
            started.forbid_start()
        joined = self._may_be_joined(known)
        for name in await self._containers(stages[0], known):
            await self._daemon.remove(name)
            self._named.pop(name, None)
        for one in stages:
            self._running.pop(one, None)
            self._ended.pop(one, None)
        if joined:
            await self._networks.remove(key)
        await asyncio.to_thread(self._attempts.remove, key)

    def _may_be_joined(self, known: Sequence[DockerTask]) -> bool:
        """Whether an attempt may have a network: not if all of it was started here without."""
        found = [self._named.get(name) for one in known for name in one.names()]
        return not found or any(one is None or one.network is not NO_NETWORK for one in found)

    async def _containers(self, run: TaskKey, known: Sequence[DockerTask]) -> list[str]:
        """Those of an attempt: known where its run was seen here, else the daemon is asked."""
        if run in self._running or run in self._ended:
            return [name for started in known for name in started.names()]
        lent = [started.lent for started in known if started.lent]
        listed = await self._daemon.listed(self._ground.label, f"/?{attempt_name(run)}-")
        return [*lent, *(one.name for one in listed)]

    async def close(self) -> None:
        """Stop watching; what runs goes on and is found again."""
        await self._watch.close()
        await self._coming.close()
        await self._warm.close()
        await self._images.close()
        await self._ear.close()
        if self._doing:
            await asyncio.wait(self._doing)
        self._running.clear()
        await self._daemon.close()

    # --- what it left -------------------------------------------------------------------------

    def logs(self, handle: Handle, after: Mapping[str, int]) -> AsyncIterator[LogChunk]:
        """What was written beyond offsets; ends when caught up."""
        return self._attempts.logs(handle, after)

    def workspace(self, handle: Handle) -> Workspace:
        """The folder that was /ccp_data, and the log files by name."""
        return self._attempts.workspace(handle, sealed=key_of(handle) in self._ended)
