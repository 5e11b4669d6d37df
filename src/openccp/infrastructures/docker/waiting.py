"""The folders of a container that waits for a job, and how they become the job's.

A container that waits is an attempt of a job that nobody asked for, its folders empty. They are
filled, with the container's name in the file `lent`; the folder's new name makes them the job's,
whole or not at all; then a line into the pipe `bell` lets it begin. Where somebody is killed before
the new name is given, all of it is thrown away; after that, the job's folder says what to ring.
"""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Mapping

from openccp.core.job import Stage, TaskKey
from openccp.core.method import Scripts
from openccp.core.ports import Limits, Task
from openccp.infrastructures.attempts import SMALL, Attempts, file_name
from openccp.infrastructures.bounded import read_text, write_new
from openccp.infrastructures.docker.container import name_of
from openccp.infrastructures.folders import Plan, StageFolder, attempt_name, read_plan
from openccp.infrastructures.launch import variables
from openccp.infrastructures.removal import remove_tree
from openccp.infrastructures.shell import script_files

PREFIX = "waiting-"
LENT = "/lent"
KEPT = "/kept"
BELL = "/bell"
SHOWN_BELL = "/script/bell"
"""Where its shell finds it; before a job begins it is taken away from there."""


def waiting_task(image: str, limits: Limits) -> Task:
    """What a container is made for when nobody knows yet for what."""
    key = TaskKey(f"{PREFIX}{secrets.token_hex(6)}", 1, Stage.RUN)
    nothing = Scripts("", ":", "")
    return Task(key, image, nothing, {}, {}, {"none": ""}, {}, 1, False, limits)


def may_wait(task: Task) -> bool:
    """Whether it is a run of one container, without network, with files that may lie in memory."""
    texts = (*task.values.values(), task.scripts.deploy, task.scripts.execute)
    small = 4 * sum(map(len, texts)) <= SMALL and sum(map(len, task.files.values())) <= SMALL
    once = task.replicas == 1 and task.key.stage is Stage.RUN
    return once and small and not task.network


def make_bell(attempts: Attempts, folder: StageFolder) -> None:
    """What its shell reads from."""
    path = folder.path + SHOWN_BELL
    os.mkfifo(path, 0o600)
    plan = read_plan(folder)
    assert plan is not None
    attempts.give(path, plan.uid)


def listens(folder: StageFolder) -> bool:
    """Whether its shell waits for the bell."""
    return _pull(folder.path + SHOWN_BELL, b"")


def ring(folder: StageFolder, line: str) -> bool:
    """Let it begin; False if nobody listens any more."""
    return _pull(folder.path + BELL, line.encode())


def _pull(bell: str, line: bytes) -> bool:
    try:
        rope = os.open(bell, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        os.write(rope, line)
    finally:
        os.close(rope)
    return True


def lent_to(folder: StageFolder) -> str:
    """The name of the container that a task was given; empty if it has its own."""
    return read_text(folder.path + LENT)


def give_back(folder: StageFolder) -> None:
    """The task needs a container of its own: the one it was given is no more."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(folder.path + LENT)


def keep(folder: StageFolder) -> int | None:
    """A lock on one that waits, held while somebody lives who keeps it; None if somebody does."""
    descriptor = os.open(folder.path + KEPT, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def hand_over(attempts: Attempts, waiting: StageFolder, task: Task, folder: StageFolder) -> Plan:
    """Fill the folders of a container that was taken and give them the task's name.

    OSError or CannotStart leaves the task without it.
    """
    before = read_plan(waiting)
    if before is None:
        raise FileNotFoundError(waiting.path)
    plan = Plan(before.uid, 1, task.limits)
    environment = {
        **attempts.environment_of(task),
        **variables(task, folder.replica(0)),
    }
    _fill(f"{waiting.attempt}/in", task.files)
    _fill(f"{waiting.path}/script", script_files(task, environment))
    remove_tree(f"{waiting.attempt}/secrets/none")
    attempts.add_secrets(f"{waiting.attempt}/secrets", task.secrets, plan.uid)
    lent = name_of(waiting.key, 0).encode()
    _fill(waiting.path, {"plan": plan.write(), "lent": lent}, 0o600)
    os.rename(waiting.path + SHOWN_BELL, waiting.path + BELL)
    attempts.users.hand_over(plan.uid, attempt_name(waiting.key), attempt_name(task.key))
    for path, other in zip(_on_disk(waiting), _on_disk(folder), strict=True):
        os.rename(path, other)
    os.rename(waiting.attempt, folder.attempt)
    return plan


def _fill(path: str, files: Mapping[str, bytes], mode: int = 0o644) -> None:
    """Files in a folder that is shown already, in place of those with the same names."""
    for name, content in files.items():
        file = f"{path}/{file_name(name)}"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(file)
        write_new(file, content, mode)


def _on_disk(folder: StageFolder) -> list[str]:
    replica = folder.replica(0)
    return [folder.data, replica.home, replica.stdout, replica.stderr]
