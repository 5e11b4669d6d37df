"""What all jobs of a cluster share: the folder that every node sees, the account, the sandbox."""

import contextlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from openccp.core.job import TaskKey
from openccp.core.ports import CannotStart, Limits, Task
from openccp.infrastructures.attempts import Attempts
from openccp.infrastructures.bounded import read_text, write_new
from openccp.infrastructures.folders import StageFolder, read_plan
from openccp.infrastructures.launch import JOB
from openccp.infrastructures.place import own_folder
from openccp.infrastructures.runtimes import Runtime, Runtimes
from openccp.infrastructures.sandbox import NoSandbox, Sandbox, find_sandbox
from openccp.infrastructures.slurm.controller import BatchJob, Order, Share
from openccp.infrastructures.slurm.tasks import SlurmTask, start_text

NODE = Path(__file__).with_name("node.sh")
OVERHEAD = 32 << 20
"""Memory that the sandbox and its watch take beside the job."""
SLACK = 120
"""Seconds for which the cluster lets a job run on when its own time is over."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whom jobs run as."""

    user: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Ground:
    """Prepares tasks on the shared folder; asks no controller."""

    mark: str
    """The comment of all our jobs: it stands for the platform and this infrastructure."""
    place: Path
    root: Path
    attempts: Attempts
    runtimes: Runtimes
    account: Account
    most: Share
    """What one job may be given at most; 0 for memory and processors means the job's limits."""
    charged: Mapping[str, str]
    """Context -> the account that pays for its jobs, where that is not the one of all."""

    def is_ours(self, job: BatchJob) -> bool:
        """Whether a job with a name of ours is ours."""
        return job.comment == self.mark and job.user == self.account.user

    @cached_property
    def sandbox(self) -> Sandbox:
        """NoSandbox if this machine, which stands for the nodes, has none."""
        return find_sandbox(self.place, self.root, drops_user=self.attempts.drops_user)

    def isolation(self) -> str:
        """What holds a job, in words."""
        for folder in (self.place, *self.place.parents):
            if not os.stat(folder).st_mode & 0o001 and self.attempts.drops_user:
                raise NoSandbox(f"Jobs cannot run: {self.account.user} may not enter {folder}")
        return f"bubblewrap {self.sandbox.version}, the account {self.account.user}"

    @cached_property
    def program(self) -> str:
        """What nodes run, copied to where they see it."""
        folder = own_folder(self.place / "programs", 0o755)
        copy = folder / f".{os.getpid()}"
        shutil.copyfile(NODE, copy)
        os.replace(copy, folder / NODE.name)
        return str(folder / NODE.name)

    def prepared(self, task: Task) -> SlurmTask:
        """Folders and start files, made once."""
        runtime = self.runtimes.find(task.image)
        if not JOB.match(task.key.job):
            raise CannotStart(f"{task.key.job!r} cannot name a folder")
        folder = StageFolder(self.attempts.ground, task.key)
        try:
            plan = read_plan(folder) or self.attempts.make_ready(task, folder)
            started = SlurmTask(folder=folder, plan=plan, job=_number(folder))
            if not os.path.isdir(started.node):
                self._write_starts(started, task, runtime)
        except OSError as error:
            raise CannotStart(f"The job could not be started: {error.strerror}") from error
        return started

    def _write_starts(self, started: SlurmTask, task: Task, runtime: Runtime) -> None:
        """The folder that nodes write to comes last: with it all is there."""
        uid, hidden = started.plan.uid, bool(task.secrets)
        for replica in started.replicas:
            self.attempts.make_writable(replica, uid)
            text = start_text(started, task, replica, runtime, self.sandbox, secrets=hidden)
            path = f"{started.folder.path}/{replica.index}.start"
            with contextlib.suppress(FileExistsError):
                write_new(path, text)
        with contextlib.suppress(FileExistsError):
            os.mkdir(started.node, 0o711)
        self.attempts.give(started.node, uid)

    def known(self, key: TaskKey) -> SlurmTask | None:
        """A task that was made ready."""
        folder = StageFolder(self.attempts.ground, key)
        plan = read_plan(folder)
        if plan is None or not os.path.isdir(f"{folder.path}/node"):
            return None
        started = SlurmTask(folder=folder, plan=plan, job=_number(folder))
        with contextlib.suppress(OSError):
            started.submitted = os.stat(started.number).st_mtime
        return started

    def intend(self, started: SlurmTask) -> bool:
        """Write down that it is about to be queued; False if that was written before."""
        try:
            write_new(f"{started.folder.path}/intent", b"")
        except FileExistsError:
            return False
        return True

    def intend_again(self, started: SlurmTask) -> None:
        """Write down that there may be two of it."""
        with contextlib.suppress(FileExistsError):
            write_new(started.again, b"")

    def number(self, started: SlurmTask, job: int) -> None:
        """Keep its number at the cluster, once that is known."""
        started.job = job
        if job:
            write_new(f"{started.number}.new", str(job).encode())
            os.replace(f"{started.number}.new", started.number)

    def order(self, task: Task) -> Order:
        """The batch job of a task."""
        folder = StageFolder(self.attempts.ground, task.key)
        script = f"/bin/sh {self.program} {folder.path}"
        account = self.account
        return Order(
            task.key.name,
            self.mark,
            script,
            task.replicas,
            self._share(task.limits, task.environment.get("ccpcontext", "")),
            account.user,
            account.uid,
            account.gid,
        )

    def _share(self, limits: Limits, context: str) -> Share:
        most = self.most
        memory, cpus = limits.memory_bytes, max(1, round(limits.cpus + 0.499))
        return replace(
            most,
            seconds=min(limits.wall_seconds + SLACK, most.seconds or float("inf")),
            memory_bytes=min(memory, most.memory_bytes or memory) + OVERHEAD,
            cpus=min(cpus, most.cpus or cpus),
            account=self.charged.get(context, most.account),
        )


def _number(folder: StageFolder) -> int:
    words = read_text(f"{folder.path}/job")
    return int(words) if words.isdigit() else 0
