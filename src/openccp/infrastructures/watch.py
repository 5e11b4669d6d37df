"""Limits that the kernel does not hold by itself: looked at a few times a second."""

import asyncio
import contextlib
import errno
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from openccp.infrastructures import processes
from openccp.infrastructures.cgroups import Groups
from openccp.infrastructures.folders import Plan, Replica, StageFolder

TICK = 0.25
YOUNG = 0.5
"""A task this young is not scanned: most tasks end before."""
CROWDED_TICKS = 8
HOME_FILES = 10
"""Installed programs have many files: HOME may hold this many times more than the results."""


class Breach(Exception):
    """A limit was reached: the reason's word, and figures."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


class Watchable(Protocol):
    """A running task that is looked at."""

    folder: StageFolder
    plan: Plan
    since: float

    @property
    def groups(self) -> Groups:
        """The control groups it is counted in."""

    @property
    def replicas(self) -> list[Replica]:
        """The files of each replica."""

    def members(self) -> list[int]:
        """Every process of the task, as far as they are known here."""

    def convict(self, reason: str, detail: str) -> None:
        """Write down why, then end it."""


@dataclass(slots=True)
class Watched:
    """What the watch remembers of one run."""

    run: Watchable
    next_scan: float = 0
    crowded: int = 0


class Watch:
    """Looks at all running tasks; sleeps when there is none."""

    def __init__(self, running: Callable[[], Iterable[Watchable]]) -> None:
        self._running = running
        self._known: dict[str, Watched] = {}
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """There is something to look at."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._look())

    async def close(self) -> None:
        """Look no more; what runs goes on."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _look(self) -> None:
        await asyncio.sleep(TICK)
        while runs := list(self._running()):
            self._known = {
                run.folder.name: self._known.get(run.folder.name) or Watched(run) for run in runs
            }
            await asyncio.to_thread(self._round, list(self._known.values()))
            await asyncio.sleep(TICK)
        self._known.clear()

    def _round(self, known: list[Watched]) -> None:
        for watched in known:
            try:
                check_logs(watched.run)
                self._check_processes(watched)
                self._check_folders(watched)
            except Breach as breach:
                watched.run.convict(breach.reason, breach.detail)

    def _check_processes(self, watched: Watched) -> None:
        run = watched.run
        if time.monotonic() - run.since < YOUNG:
            return
        pids = run.members()
        if not run.groups.version:
            held = processes.resident_bytes(pids, run.plan.limits.memory_bytes)
            if held > run.plan.limits.memory_bytes:
                raise Breach("memory", f"{held} of {run.plan.limits.memory_bytes} bytes")
        crowded = len(pids) > run.plan.limits.pids * 0.9
        watched.crowded = watched.crowded + 1 if crowded else 0
        if watched.crowded >= CROWDED_TICKS and _refused(run, len(pids)):
            raise Breach("pids", f"{len(pids)} processes, {run.plan.limits.pids} allowed")

    def _check_folders(self, watched: Watched) -> None:
        now = time.monotonic()
        if now - watched.run.since < YOUNG or now < watched.next_scan:
            return
        try:
            check_folders(watched.run)
        finally:
            took = time.monotonic() - now
            watched.next_scan = now + max(0.5, took * 10)


def check_logs(run: Watchable) -> None:
    """Breach if standard output or error became too long."""
    for replica in run.replicas:
        for path in (replica.stdout, replica.stderr):
            with contextlib.suppress(FileNotFoundError):
                size = os.stat(path).st_size
                if size > run.plan.limits.log_bytes:
                    raise Breach("log", f"{run.plan.limits.log_bytes} bytes are kept")


def check_folders(run: Watchable) -> None:
    """Breach if what the job left on disk is too much."""
    limits = run.plan.limits
    homes = [replica.home for replica in run.replicas]
    used, _ = measured([run.folder.data], limits.output_bytes, limits.output_files)
    measured(homes, limits.output_bytes - used, limits.output_files * HOME_FILES)


def measured(folders: list[str], most_bytes: int, most_files: int) -> tuple[int, int]:
    """Bytes on disk and entries under some folders; Breach as soon as it is too much."""
    size = count = 0
    while folders:
        folder = folders.pop()
        try:
            for entry_size, path in _entries(folder):
                size, count = size + entry_size, count + 1
                if path is not None:
                    folders.append(path)
                if size > most_bytes:
                    raise Breach("disk", f"more than {most_bytes} bytes")
                if count > most_files:
                    raise Breach("files", f"more than {most_files} files")
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise Breach("files", "folders within folders without end") from error
    return size, count


def _entries(folder: str) -> Iterable[tuple[int, str | None]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                found = entry.stat(follow_symlinks=False)
                deeper = entry.path if entry.is_dir(follow_symlinks=False) else None
                yield found.st_blocks * 512, deeper


def _refused(run: Watchable, count: int) -> bool:
    if not run.groups.version:
        return count > run.plan.limits.pids
    return run.groups.counters(run.folder.name).forks_refused > 0
