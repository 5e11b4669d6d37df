"""The folders of an attempt: made whole or not at all, removed so that a kill hinders nothing."""

import contextlib
import os
import re
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from openccp.core.job import Stage, TaskKey
from openccp.core.ports import CannotStart, Handle, LogChunk, Task, Workspace
from openccp.infrastructures.bounded import write_new
from openccp.infrastructures.folders import (
    Ground,
    Plan,
    Replica,
    StageFolder,
    attempt_name,
    disk_paths,
    key_of,
    read_plan,
    users_of,
)
from openccp.infrastructures.logs import read_logs
from openccp.infrastructures.place import (
    own_folder,
    scratch_folder,
    state_folder,
    sweep_forgotten,
)
from openccp.infrastructures.removal import remove_tree
from openccp.infrastructures.shell import script_files
from openccp.infrastructures.users import Users

PART = re.compile(r"(?!\.{1,2}\Z)[^/\0]{1,255}\Z")
SMALL = 256 << 10
"""What is larger lies on disk."""


OF_ATTEMPT = re.compile(r"\.(?:home|run|undeploy|large)\.")
ABANDONED = 60
"""Seconds after which what is half built or half removed is nobody's work any more."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """Makes and removes the folders that an infrastructure of this machine shows to its jobs."""

    ground: Ground
    users: Users
    environment: Mapping[str, str]
    drops_user: bool
    group: int | None = None
    """The group of jobs' users, where it has another number than they."""

    def make_ready(self, task: Task, folder: StageFolder) -> Plan:
        """Build beside, then move into place: the folder is there whole or not at all."""
        building = f"{self.ground.state}/.new-{secrets.token_hex(8)}"
        first = not os.path.isdir(folder.attempt)
        attempt = attempt_name(task.key)
        uid = 0 if task.root else self._user(folder.data, attempt)
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
        self.give(data, uid)
        self._write_all(f"{path}/in", task.files, uid, data)
        if task.secrets:
            self._write_secrets(f"{path}/secrets", task.secrets, uid)

    def _build_stage(self, task: Task, path: str, plan: Plan, data: str) -> None:
        os.mkdir(path, 0o711)
        scripts = script_files(task, self.environment_of(task))
        self._write_all(f"{path}/script", scripts, plan.uid, data)
        write_new(f"{path}/plan", plan.write(), 0o600)

    def environment_of(self, task: Task) -> Mapping[str, str]:
        """What the platform adds to a task's own variables."""
        return {
            **self.environment,
            "CCP_JOB": task.key.job,
            "CCP_REPLICAS": str(task.replicas),
        }

    def _write_all(self, path: str, files: Mapping[str, bytes], uid: int, data: str) -> None:
        """A folder that its user may read and not change; on disk if memory is too dear."""
        if sum(map(len, files.values())) > SMALL:
            os.symlink(f"{data}.large.{secrets.token_hex(8)}", path)
            os.mkdir(os.readlink(path), 0o750)
        else:
            os.mkdir(path, 0o750)
        if self.drops_user:
            os.chown(path, -1, self._group(uid))
        for name, content in files.items():
            write_new(f"{path}/{file_name(name)}", content)

    def _write_secrets(self, path: str, values: Mapping[str, str], uid: int) -> None:
        os.mkdir(path, 0o700)
        self.add_secrets(path, values, uid)
        self.give(path, uid)

    def add_secrets(self, path: str, values: Mapping[str, str], uid: int) -> None:
        """Files that the job's user alone may read."""
        for name, value in values.items():
            file = f"{path}/{file_name(name)}"
            write_new(file, value.encode("utf-8", "surrogatepass"), 0o400)
            self.give(file, uid)

    def give(self, path: str, uid: int) -> None:
        """Make it the job's user's, where jobs have one."""
        if self.drops_user:
            os.chown(path, uid, self._group(uid))

    def _group(self, uid: int) -> int:
        return uid if self.group is None else self.group

    def make_writable(self, replica: Replica, uid: int) -> None:
        """A replica's own folder and streams, for an infrastructure that binds them."""
        with contextlib.suppress(FileExistsError):
            os.mkdir(replica.home, 0o700)
        self.give(replica.home, uid)
        for path in (replica.stdout, replica.stderr):
            with contextlib.suppress(FileExistsError):
                write_new(path, b"", 0o600)
            self.give(path, uid)

    async def logs(self, handle: Handle, after: Mapping[str, int]) -> AsyncIterator[LogChunk]:
        """What a task wrote beyond offsets; nothing of what is not there."""
        key = key_of(handle)
        folder = StageFolder(self.ground, key) if key else None
        plan = read_plan(folder) if folder else None
        if folder is not None and plan is not None:
            for chunk in read_logs(folder, plan.replicas, after):
                yield chunk

    def workspace(self, handle: Handle, *, sealed: bool) -> Workspace:
        """The folder that was /ccp_data, and the log files by what results call them."""
        key = key_of(handle)
        if key is None:
            raise ValueError("not a handle of this infrastructure")
        folder = StageFolder(self.ground, key)
        plan, files = read_plan(folder), {}
        for index in range(plan.replicas if plan else 0):
            replica, suffix = folder.replica(index), f".{index}" if index else ""
            files[f"stdout{suffix}"] = Path(replica.stdout)
            files[f"stderr{suffix}"] = Path(replica.stderr)
        return Workspace(Path(folder.data), files, sealed=sealed)

    def stages(self, key: TaskKey) -> list[StageFolder]:
        """The folders of all stages of an attempt."""
        keys = (TaskKey(key.job, key.attempt, stage) for stage in Stage)
        return [StageFolder(self.ground, one) for one in keys]

    def names(self) -> set[str]:
        """What lies in memory: an attempt's name each, and what is half made or removed."""
        return set(os.listdir(self.ground.state))

    def remove(self, key: TaskKey) -> None:
        """The folder in memory goes last: until then a cut removal is found and done again."""
        stages, attempt = self.stages(key), attempt_name(key)
        users = users_of(stages)
        for path in [stages[0].data, *(path for stage in stages for path in disk_paths(stage))]:
            remove_tree(path)
        gone = f"{self.ground.state}/.gone-{attempt}"
        with contextlib.suppress(OSError):
            os.rename(stages[0].attempt, gone)
        remove_tree(gone)
        for uid in users:
            self.users.release(uid, attempt)


def open_attempts(
    root: Path, uid_range: tuple[int, int], environment: Mapping[str, str]
) -> tuple[Attempts, Path]:
    """Make and sweep the folders below which attempts lie; answers also where all scratch is."""
    root.mkdir(parents=True, exist_ok=True)
    drops_user = os.geteuid() == 0
    place = scratch_folder(root, drops_user=drops_user)
    disk, state = own_folder(place / "tasks"), state_folder(root, place, drops_user=drops_user)
    users = Users(state, uid_range, own=None if drops_user else os.geteuid())
    attempts = Attempts(Ground(str(state), str(disk)), users, environment, drops_user)
    _sweep(attempts)
    sweep_forgotten()
    users.sweep()
    return attempts, place


def open_shared_attempts(
    root: Path, account: tuple[int, int], environment: Mapping[str, str]
) -> tuple[Attempts, Path]:
    """The same, all of it below `root`, that other machines see too, for one user and group."""
    place = own_folder(root.resolve() / "scratch")
    disk, state = own_folder(place / "tasks"), own_folder(place / "state")
    uid, gid = account
    users = Users(state, (uid, uid + 1), own=uid)
    drops_user = os.geteuid() == 0
    attempts = Attempts(Ground(str(state), str(disk)), users, environment, drops_user, gid)
    _sweep(attempts)
    return attempts, place


def _sweep(attempts: Attempts) -> None:
    """What was half built or removed when somebody was killed, or lost with the machine."""
    kept, ground = attempts.names(), attempts.ground
    for name in kept:
        if name.startswith((".new-", ".gone-")):
            _remove_old(f"{ground.state}/{name}")
    for name in os.listdir(ground.disk):
        if OF_ATTEMPT.split(name)[0] not in kept:
            _remove_old(f"{ground.disk}/{name}")


def _remove_old(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        if time.time() - os.lstat(path).st_ctime > ABANDONED:
            remove_tree(path)


def file_name(name: str) -> str:
    """A name that stays in its folder; CannotStart if it would not."""
    if not PART.match(name):
        raise CannotStart(f"{name!r} cannot name a file")
    return name
