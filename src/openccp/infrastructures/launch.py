"""Making a task's folders ready, then starting its replicas; each line may be the last."""

import contextlib
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from openccp.core.ports import CannotStart, Task
from openccp.infrastructures.bounded import write_new
from openccp.infrastructures.cgroups import Groups
from openccp.infrastructures.folders import (
    Ground,
    Plan,
    Replica,
    StageFolder,
    attempt_name,
    read_plan,
)
from openccp.infrastructures.removal import remove_tree
from openccp.infrastructures.runtimes import Runtime, Runtimes
from openccp.infrastructures.sandbox import Inside, Jail
from openccp.infrastructures.shell import opens_streams, script_files
from openccp.infrastructures.spawner import Start
from openccp.infrastructures.users import Users

JOB = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
PART = re.compile(r"(?!\.{1,2}\Z)[^/\0]{1,255}\Z")
SMALL = 256 << 10
"""What is larger lies on disk."""
Prepared = tuple[Plan, list[tuple[Replica, Start]]]
"""A plan, and the replicas that are not started yet."""


@dataclass(frozen=True, slots=True)
class Launcher:
    """Everything a start needs beside the task."""

    ground: Ground
    users: Users
    groups: Groups
    jail: Jail
    runtimes: Runtimes
    environment: Mapping[str, str]
    drops_user: bool

    def prepare(self, task: Task) -> Prepared:
        """Make ready what is not; answers the plan and the replicas to start."""
        runtime = self.runtimes.find(task.image)
        if not JOB.match(task.key.job):
            raise CannotStart(f"{task.key.job!r} cannot name a folder")
        folder = StageFolder(self.ground, task.key)
        try:
            plan = read_plan(folder) or self._make_ready(task, folder)
            return plan, list(self._starts(task, folder, plan, runtime))
        except OSError as error:
            raise CannotStart(f"The job could not be started: {error.strerror}") from error

    def _make_ready(self, task: Task, folder: StageFolder) -> Plan:
        """Build beside, then move into place: the folder is there whole or not at all."""
        building = f"{self.ground.state}/.new-{secrets.token_hex(8)}"
        first = not os.path.isdir(folder.attempt)
        attempt = attempt_name(task.key)
        uid = self._user(folder.data, attempt)
        plan = Plan(uid, task.replicas, task.limits)
        try:
            if first:
                self._build_attempt(task, building, folder.data, uid)
            stage = f"{building}/{task.key.stage}" if first else building
            self._build_stage(task, stage, plan, folder.data)
            os.rename(building, folder.attempt if first else folder.path)
        except (OSError, CannotStart):
            remove_tree(building)
            if first:
                self.users.release(uid, attempt)
            found = read_plan(folder)
            if found is None:
                raise
            return found
        return plan

    def _user(self, data: str, attempt: str) -> int:
        """The attempt's user: of whom its data is, if an earlier try came that far."""
        with contextlib.suppress(FileNotFoundError):
            owner = os.stat(data).st_uid
            if owner != os.geteuid() or not self.drops_user:
                return owner
        return self.users.take(attempt)

    def _build_attempt(self, task: Task, path: str, data: str, uid: int) -> None:
        os.mkdir(path, 0o711)
        with contextlib.suppress(FileExistsError):
            os.mkdir(data, 0o700)
        self._give(data, uid)
        self._write_all(f"{path}/in", task.files, uid, data)
        if task.secrets:
            self._write_secrets(f"{path}/secrets", task.secrets, uid)

    def _build_stage(self, task: Task, path: str, plan: Plan, data: str) -> None:
        os.mkdir(path, 0o711)
        environment = {
            **self.environment,
            "CCP_JOB": task.key.job,
            "CCP_REPLICAS": str(task.replicas),
        }
        self._write_all(f"{path}/script", script_files(task, environment), plan.uid, data)
        write_new(f"{path}/plan", plan.write(), 0o600)

    def _write_all(self, path: str, files: Mapping[str, bytes], uid: int, data: str) -> None:
        """A folder that its user may read and not change; on disk if memory is too dear."""
        if sum(map(len, files.values())) > SMALL:
            os.symlink(f"{data}.large.{secrets.token_hex(8)}", path)
            os.mkdir(os.readlink(path), 0o750)
        else:
            os.mkdir(path, 0o750)
        if self.drops_user:
            os.chown(path, -1, uid)
        for name, content in files.items():
            write_new(f"{path}/{_part(name)}", content)

    def _write_secrets(self, path: str, values: Mapping[str, str], uid: int) -> None:
        os.mkdir(path, 0o700)
        for name, value in values.items():
            file = f"{path}/{_part(name)}"
            write_new(file, value.encode("utf-8", "surrogatepass"), 0o400)
            self._give(file, uid)
        self._give(path, uid)

    def _give(self, path: str, uid: int) -> None:
        if self.drops_user:
            os.chown(path, uid, uid)

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
            self._give(replica.home, plan.uid)
        hidden = os.path.isdir(f"{folder.attempt}/secrets") if task.secrets else False
        inside = Inside(plan.uid, task.network, task.limits, hidden, opens_streams(task.scripts))
        return Start(
            replica.pid,
            (replica.stdout, replica.stderr, replica.status),
            groups,
            self._bounds(plan),
            plan.uid if self.drops_user else None,
            self.jail.command(folder, replica, runtime, inside),
            {**_variables(task, replica, runtime), **self.jail.variables(replica, inside)},
        )

    def _bounds(self, plan: Plan) -> dict[str, int]:
        """Limits of a single process: what holds when nobody watches."""
        limits = plan.limits
        bounds = {
            "core": 0,
            "file": max(limits.output_bytes, limits.log_bytes) + 4096,
            "cpu": int(limits.wall_seconds * max(1.0, limits.cpus)) + 60,
        }
        if self.drops_user:
            bounds["processes"] = limits.pids * 2 + 64
        if not self.groups.version:
            bounds["memory"] = limits.memory_bytes * 4
        return bounds


def _part(name: str) -> str:
    if not PART.match(name):
        raise CannotStart(f"{name!r} cannot name a file")
    return name


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
