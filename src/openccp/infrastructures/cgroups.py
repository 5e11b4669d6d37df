"""Control groups, version 1 or 2: one group a task, under a folder of our own."""

import contextlib
import os
import secrets
from dataclasses import dataclass
from typing import Protocol

from openccp.core.ports import Limits
from openccp.infrastructures.bounded import read_text

ROOT = "/sys/fs/cgroup"
PERIOD = 100_000


@dataclass(frozen=True, slots=True)
class Counters:
    """What the kernel counted of one task."""

    oom_kills: int = 0
    forks_refused: int = 0
    peak_bytes: int | None = None


class Groups(Protocol):
    """The groups that can be made here; `version` 0 makes none."""

    version: int

    def create(self, name: str, limits: Limits) -> tuple[str, ...]:
        """Make the task's groups; answers the folders its processes have to join."""

    def counters(self, name: str) -> Counters:
        """Memory and process counts; zeros for a group that is not there."""

    def pids(self, name: str) -> list[int]:
        """The processes in the group now."""

    def remove(self, name: str) -> bool:
        """Remove the group; False while something still lives in it."""

    def names(self) -> list[str]:
        """The groups there are."""


class NoGroups:
    """Where no control group can be written."""

    version = 0

    def create(self, name: str, limits: Limits) -> tuple[str, ...]:
        """Nothing to join."""
        return ()

    def counters(self, name: str) -> Counters:
        """Nothing counted."""
        return Counters()

    def pids(self, name: str) -> list[int]:
        """Not known here."""
        return []

    def remove(self, name: str) -> bool:
        """Nothing to remove."""
        return True

    def names(self) -> list[str]:
        """None."""
        return []


class GroupsV1:
    """One hierarchy a controller."""

    version = 1
    _controllers = ("memory", "pids", "cpu")

    def __init__(self, root: str, folder: str) -> None:
        self._folders = {name: f"{root}/{name}/{folder}" for name in self._controllers}
        for path in self._folders.values():
            os.makedirs(path, exist_ok=True)
        memory = self._folders["memory"]
        self._swap = os.path.exists(f"{memory}/memory.memsw.limit_in_bytes")

    def create(self, name: str, limits: Limits) -> tuple[str, ...]:
        """Memory (swap included), processes and a share of the processors."""
        memory, pids, cpu = (f"{folder}/{name}" for folder in self._folders.values())
        for folder in (memory, pids, cpu):
            with contextlib.suppress(FileExistsError):
                os.mkdir(folder)
        _write(f"{memory}/memory.limit_in_bytes", limits.memory_bytes)
        if self._swap:
            _write(f"{memory}/memory.memsw.limit_in_bytes", limits.memory_bytes)
        _write(f"{pids}/pids.max", limits.pids)
        _write(f"{cpu}/cpu.cfs_quota_us", max(1000, int(limits.cpus * PERIOD)))
        return memory, pids, cpu

    def counters(self, name: str) -> Counters:
        """From memory.oom_control, pids.events and memory.max_usage_in_bytes."""
        memory, pids = f"{self._folders['memory']}/{name}", f"{self._folders['pids']}/{name}"
        return Counters(
            counted(f"{memory}/memory.oom_control", "oom_kill"),
            counted(f"{pids}/pids.events", "max"),
            _number(f"{memory}/memory.max_usage_in_bytes"),
        )

    def pids(self, name: str) -> list[int]:
        """Read from the pids hierarchy."""
        return pids_in(f"{self._folders['pids']}/{name}")

    def remove(self, name: str) -> bool:
        """All three hierarchies."""
        return all([_rmdir(f"{folder}/{name}") for folder in self._folders.values()])

    def names(self) -> list[str]:
        """Read from the pids hierarchy."""
        return _folders(self._folders["pids"])


class GroupsV2:
    """The unified hierarchy."""

    version = 2

    def __init__(self, root: str, folder: str) -> None:
        self._folder = f"{root}/{folder}"
        wanted = "+memory +pids +cpu"
        _write(f"{root}/cgroup.subtree_control", wanted)
        os.makedirs(self._folder, exist_ok=True)
        _write(f"{self._folder}/cgroup.subtree_control", wanted)

    def create(self, name: str, limits: Limits) -> tuple[str, ...]:
        """Memory without swap, processes and a share of the processors."""
        folder = f"{self._folder}/{name}"
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder)
        _write(f"{folder}/memory.max", limits.memory_bytes)
        with contextlib.suppress(FileNotFoundError):
            _write(f"{folder}/memory.swap.max", 0)
        _write(f"{folder}/pids.max", limits.pids)
        _write(f"{folder}/cpu.max", f"{max(1000, int(limits.cpus * PERIOD))} {PERIOD}")
        return (folder,)

    def counters(self, name: str) -> Counters:
        """From memory.events, pids.events and memory.peak."""
        folder = f"{self._folder}/{name}"
        return Counters(
            counted(f"{folder}/memory.events", "oom_kill"),
            counted(f"{folder}/pids.events", "max"),
            _number(f"{folder}/memory.peak"),
        )

    def pids(self, name: str) -> list[int]:
        """From cgroup.procs."""
        return pids_in(f"{self._folder}/{name}")

    def remove(self, name: str) -> bool:
        """One folder."""
        return _rmdir(f"{self._folder}/{name}")

    def names(self) -> list[str]:
        """The folders there are."""
        return _folders(self._folder)


def detect(folder: str, root: str = ROOT) -> Groups:
    """The groups that this machine lets us make in `folder`, tried and not guessed."""
    kind = GroupsV2 if os.path.exists(f"{root}/cgroup.controllers") else GroupsV1
    try:
        groups = kind(root, folder)
        name = f"trial-{secrets.token_hex(4)}"
        groups.create(name, Limits())
        groups.remove(name)
    except OSError:
        return NoGroups()
    return groups


def _write(path: str, value: int | str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, str(value).encode())
    finally:
        os.close(descriptor)


def pids_in(folder: str) -> list[int]:
    """The processes in a group."""
    return [int(word) for word in read_text(f"{folder}/cgroup.procs", 1 << 20).split()]


def _number(path: str) -> int | None:
    text = read_text(path).strip()
    return int(text) if text.isdigit() else None


def counted(path: str, word: str) -> int:
    """A figure among the lines of a file; 0 if it is not there."""
    for line in read_text(path).splitlines():
        name, _, value = line.partition(" ")
        if name == word:
            return int(value)
    return 0


def _folders(path: str) -> list[str]:
    try:
        with os.scandir(path) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _rmdir(path: str) -> bool:
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
