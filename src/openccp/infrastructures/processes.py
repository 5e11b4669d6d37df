"""What /proc says: a process is named by pid, start time and boot, so that no pid is mistaken."""

import contextlib
import functools
import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from openccp.infrastructures.bounded import read_text

START_TIME = 19
"""Index of field 22 of /proc/<pid>/stat among those after the command's closing bracket."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One process, once and for all."""

    pid: int
    start: int
    boot: str


@functools.cache
def boot_id() -> str:
    """Changes at every boot of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def claimed(path: str) -> Identity | None:
    """The process that claimed a start, as its launcher wrote it; None if it did not finish."""
    boot, _, stat = read_text(path).partition(" ")
    start = _start_time(stat)
    if start is None:
        return None
    return Identity(int(stat.split(" ", 1)[0]), start, boot)


def alive(identity: Identity) -> bool:
    """Whether this very process still runs (a zombie does not)."""
    if identity.boot != boot_id():
        return False
    stat = read_text(f"/proc/{identity.pid}/stat")
    return _start_time(stat) == identity.start and _fields(stat)[0] not in "ZX"


def is_sandbox_init(pid: int, launcher: Identity) -> bool:
    """Whether `pid` is the first process of a namespace begun after `launcher`."""
    stat = read_text(f"/proc/{pid}/stat")
    start = _start_time(stat)
    if start is None or start < launcher.start or _fields(stat)[0] in "ZX":
        return False
    for line in read_text(f"/proc/{pid}/status").splitlines():
        if line.startswith("NSpid:"):
            return len(line.split()) > 2 and line.split()[-1] == "1"
    return False


def in_namespace_of(init: int) -> list[int]:
    """Every process that shares the pid namespace of `init`, itself left out."""
    try:
        namespace = os.readlink(f"/proc/{init}/ns/pid")
    except OSError:
        return []
    return [pid for pid in every_pid() if pid != init and _namespace(pid) == namespace]


def of_user(uid: int) -> list[int]:
    """Every process of a user."""
    return [pid for pid in every_pid() if _owner(pid) == uid]


def every_pid() -> list[int]:
    """The processes of this machine."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def resident_bytes(pids: Iterable[int], enough: int) -> int:
    """Memory that these processes hold; what they share is counted once if it matters."""
    known = list(pids)
    pages = 0
    for pid in known:
        fields = read_text(f"/proc/{pid}/statm").split()
        pages += int(fields[1]) if len(fields) > 1 else 0
    held = pages * os.sysconf("SC_PAGE_SIZE")
    return held if held <= enough else sum(map(_proportional_bytes, known))


def send(pids: Iterable[int], sign: signal.Signals) -> None:
    """Signal processes that may be gone already."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, sign)


def _fields(stat: str) -> list[str]:
    return stat.rpartition(")")[2].split()


def _start_time(stat: str) -> int | None:
    fields = _fields(stat)
    if len(fields) <= START_TIME or not fields[START_TIME].isdigit():
        return None
    return int(fields[START_TIME])


def _proportional_bytes(pid: int) -> int:
    for line in read_text(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) << 10
    return 0


def _namespace(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return ""


def _owner(pid: int) -> int:
    for line in read_text(f"/proc/{pid}/status").splitlines():
        if line.startswith("Uid:"):
            return int(line.split()[1])
    return -1
