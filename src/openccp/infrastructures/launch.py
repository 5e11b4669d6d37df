"""Making a task's folders ready, then starting its replicas; each line may be the last."""

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from openccp.core.ports import CannotStart, Task
from openccp.infrastructures.attempts import Attempts
from openccp.infrastructures.cgroups import Groups
from openccp.infrastructures.folders import (
    Plan,
    Replica,
    StageFolder,
    read_plan,
)
from openccp.infrastructures.runtimes import Runtime, Runtimes
from openccp.infrastructures.sandbox import Inside, Jail
from openccp.infrastructures.shell import opens_streams
from openccp.infrastructures.spawner import Start

JOB = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
PART = re.compile(r"(?!\.{1,2}\Z)[^/\0]{1,255}\Z")
SMALL = 256 << 10
"""What is larger lies on disk."""
Prepared = tuple[Plan, list[tuple[Replica, Start]]]
"""A plan, and the replicas that are not started yet."""


@dataclass(frozen=True, slots=True)
class Launcher:
    """Everything a start needs beside the task."""

    attempts: Attempts
    groups: Groups
    jail: Jail
    runtimes: Runtimes

    def prepare(self, task: Task) -> Prepared:
        """Make ready what is not; answers the plan and the replicas to start."""
        runtime = self.runtimes.find(task.image)
        if not JOB.match(task.key.job):
            raise CannotStart(f"{task.key.job!r} cannot name a folder")
        folder = StageFolder(self.attempts.ground, task.key)
        try:
            plan = read_plan(folder) or self.attempts.make_ready(task, folder)
            return plan, list(self._starts(task, folder, plan, runtime))
        except OSError as error:
            raise CannotStart(f"The job could not be started: {error.strerror}") from error

    def _starts(
        self, task: Task, folder: StageFolder, plan: Plan, runtime: Runtime
    ) -> Iterator[tuple[Replica, Start]]:
        groups: tuple[str, ...] | None = None
        for replica in map(folder.replica, range(plan.replicas)):
            if os.path.exists(replica.pid):
                continue
            groups = self.groups.create(folder.name, task.limits) if groups is None else groups
            yield replica, self._start(task, folder, replica, plan, runtime, groups)

    def _start(
        self,
        task: Task,
        folder: StageFolder,
        replica: Replica,
        plan: Plan,
        runtime: Runtime,
        groups: tuple[str, ...],
    ) -> Start:
        with contextlib.suppress(FileExistsError):
            os.mkdir(replica.home, 0o700)
            self.attempts.give(replica.home, plan.uid)
        hidden = os.path.isdir(f"{folder.attempt}/secrets") if task.secrets else False
        inside = Inside(plan.uid, task.network, task.limits, hidden, opens_streams(task.scripts))
        return Start(
            replica.pid,
            (replica.stdout, replica.stderr, replica.status),
            groups,
            self._bounds(plan),
            plan.uid if self.attempts.drops_user else None,
            self.jail.command(folder, replica, runtime, inside),
            {
                "PATH": runtime.path,
                **variables(task, replica),
                **self.jail.variables(replica, inside),
            },
        )

    def _bounds(self, plan: Plan) -> dict[str, int]:
        """Limits of a single process: what holds when nobody watches."""
        limits = plan.limits
        bounds = {
            "core": 0,
            "file": max(limits.output_bytes, limits.log_bytes) + 4096,
            "cpu": int(limits.wall_seconds * max(1.0, limits.cpus)) + 60,
        }
        if self.attempts.drops_user:
            bounds["processes"] = limits.pids * 2 + 64
        if not self.groups.version:
            bounds["memory"] = limits.memory_bytes * 4
        return bounds


def variables(task: Task, replica: Replica) -> dict[str, str]:
    """What every job finds in its environment, wherever it runs."""
    return {
        "LANG": "C.UTF-8",
        "PIP_USER": "1",
        "PIP_BREAK_SYSTEM_PACKAGES": "1",
        "PIP_NO_CACHE_DIR": "1",
        "CCP_REPLICA": str(replica.index),
        "ccptaskid": f"{task.key.job}-{replica.index}",
    }
