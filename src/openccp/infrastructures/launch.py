"""Making a task's folders ready, then starting its replicas; each line may be the last."""

import contextlib
import os
import re
import secrets
import signal
from collections.abc import Mapping
from dataclasses import dataclass

from openccp.core.ports import CannotStart, Limits, Task
from openccp.infrastructures.bounded import write_new
from openccp.infrastructures.cgroups import Groups
from openccp.infrastructures.folders import (
    Plan,
    Replica,
    StageFolder,
    attempt_name,
    read_plan,
)
from openccp.infrastructures.removal import remove_tree
from openccp.infrastructures.runtimes import Runtime, Runtimes
from openccp.infrastructures.sandbox import STATUS_FD, Inside, Jail
from openccp.infrastructures.shell import script_files
from openccp.infrastructures.users import Users

JOB = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
PART = re.compile(r"(?!\.{1,2}\Z)[^/\0]{1,255}\Z")
BLOCK = 512
DEFAULTED = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that a server may ignore and a job must not."""


@dataclass(frozen=True, slots=True)
class Launcher:
    """Everything a start needs beside the task."""

    tasks: str
    secrets: str
    script: str
    users: Users
    groups: Groups
    jail: Jail
    runtimes: Runtimes
    environment: Mapping[str, str]
    drops_user: bool

    def start(self, task: Task) -> tuple[Plan, dict[int, int]]:
        """Start what is not started; answers the plan and the new children by replica."""
        runtime = self.runtimes.find(task.image)
        if not JOB.match(task.key.job):
            raise CannotStart(f"{task.key.job!r} cannot name a folder")
        folder = StageFolder(self.tasks, task.key)
        try:
            plan = read_plan(folder) or self._make_ready(task, folder)
            return plan, self._start_replicas(task, folder, plan, runtime)
        except OSError as error:
            raise CannotStart(f"The job could not be started: {error.strerror}") from error

    def _make_ready(self, task: Task, folder: StageFolder) -> Plan:
        """Build beside, then move into place: the folder is there whole or not at all."""
        building = f"{self.tasks}/.new-{secrets.token_hex(8)}"
        whole = not os.path.isdir(folder.attempt)
        attempt = attempt_name(task.key)
        uid = self.users.take(attempt) if whole else os.stat(folder.data).st_uid
        plan = Plan(uid, task.replicas, task.limits)
        if whole:
            self._build_attempt(task, building, uid)
        else:
            self._build_stage(task, building, plan)
        if whole:
            self._build_stage(task, f"{building}/{task.key.stage}", plan)
        try:
            os.rename(building, folder.attempt if whole else folder.path)
        except OSError:
            remove_tree(building)
            if whole:
                self.users.release(uid, attempt)
            found = read_plan(folder)
            if found is None:
                raise
            return found
        return plan

    def _build_attempt(self, task: Task, path: str, uid: int) -> None:
        os.mkdir(path, 0o711)
        self._own(f"{path}/data", uid)
        self._write_all(f"{path}/in", task.files, uid)
        if not task.secrets:
            return
        folder = f"{self.secrets}/{attempt_name(task.key)}"
        if not os.path.isdir(folder):
            self._write_secrets(folder, task.secrets, uid)

    def _write_secrets(self, folder: str, values: Mapping[str, str], uid: int) -> None:
        building = f"{self.secrets}/.new-{secrets.token_hex(8)}"
        self._own(building, uid)
        for name, value in values.items():
            self._check(name)
            write_new(f"{building}/{name}", value.encode("utf-8", "surrogateescape"), 0o400)
            if self.drops_user:
                os.chown(f"{building}/{name}", uid, uid)
        with contextlib.suppress(OSError):
            os.rename(building, folder)
        remove_tree(building)

    def _build_stage(self, task: Task, path: str, plan: Plan) -> None:
        os.mkdir(path, 0o711)
        self._write_all(f"{path}/script", script_files(task, self._environment(task)), plan.uid)
        for index in range(plan.replicas):
            os.mkdir(f"{path}/{index}", 0o711)
            self._own(f"{path}/{index}/ctl", plan.uid)
        write_new(f"{path}/plan", plan.write(), 0o600)

    def _environment(self, task: Task) -> dict[str, str]:
        return {**self.environment, "CCP_JOB": task.key.job, "CCP_REPLICAS": str(task.replicas)}

    def _write_all(self, path: str, files: Mapping[str, bytes], uid: int) -> None:
        """A folder that its user may read and not change."""
        os.mkdir(path, 0o750)
        if self.drops_user:
            os.chown(path, -1, uid)
        for name, content in files.items():
            self._check(name)
            write_new(f"{path}/{name}", content)

    def _own(self, path: str, uid: int) -> None:
        os.mkdir(path, 0o700)
        if self.drops_user:
            os.chown(path, uid, uid)

    def _check(self, name: str) -> None:
        if not PART.match(name):
            raise CannotStart(f"{name!r} cannot name a file")

    def _start_replicas(
        self, task: Task, folder: StageFolder, plan: Plan, runtime: Runtime
    ) -> dict[int, int]:
        waiting = [
            replica
            for replica in map(folder.replica, range(plan.replicas))
            if not os.path.exists(replica.pid)
        ]
        if not waiting:
            return {}
        groups = " ".join(self.groups.create(folder.name, task.limits))
        return {r.index: self._spawn(task, folder, r, plan, runtime, groups) for r in waiting}

    def _spawn(
        self,
        task: Task,
        folder: StageFolder,
        replica: Replica,
        plan: Plan,
        runtime: Runtime,
        groups: str,
    ) -> int:
        home = f"{folder.attempt}/home-{replica.index}"
        with contextlib.suppress(FileExistsError):
            self._own(home, plan.uid)
        hidden = f"{self.secrets}/{attempt_name(task.key)}"
        inside = Inside(plan.uid, task.network, task.limits, home, hidden if task.secrets else None)
        command = self.jail.command(folder, replica, runtime, inside)
        return os.posix_spawn(
            "/bin/sh",
            ["sh", self.script, replica.folder, groups, *self._bounds(plan), "--", *command],
            {**_variables(task, replica, runtime), **self.jail.variables(replica, inside)},
            file_actions=_files(replica),
            setsid=True,
            setsigdef=DEFAULTED,
            setsigmask=(),
        )

    def _bounds(self, plan: Plan) -> list[str]:
        """Limits of a single process, in the shell's units: what holds when nobody watches."""
        limits: Limits = plan.limits
        largest = max(limits.output_bytes, limits.log_bytes) // BLOCK + 2
        seconds = int(limits.wall_seconds * max(1.0, limits.cpus)) + 60
        processes = limits.pids * 2 + 64 if self.drops_user else "-"
        memory = "-" if self.groups.version else limits.memory_bytes * 4 // 1024
        return [str(largest), str(seconds), str(processes), str(memory)]


def _variables(task: Task, replica: Replica, runtime: Runtime) -> dict[str, str]:
    return {
        "PATH": runtime.path,
        "LANG": "C.UTF-8",
        "PIP_USER": "1",
        "PIP_BREAK_SYSTEM_PACKAGES": "1",
        "PIP_NO_CACHE_DIR": "1",
        "CCP_REPLICA": str(replica.index),
        "ccptaskid": f"{task.key.job}-{replica.index}",
    }


def _files(replica: Replica) -> list[tuple[int, int, str, int, int]]:
    write = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    return [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, replica.stdout, write, 0o600),
        (os.POSIX_SPAWN_OPEN, 2, replica.stderr, write, 0o600),
        (os.POSIX_SPAWN_OPEN, STATUS_FD, replica.status, write, 0o600),
    ]
