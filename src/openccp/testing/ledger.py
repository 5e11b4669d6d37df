"""What really happened, told by the jobs themselves to somebody outside of the platform.

A runtime whose root holds a named pipe: a job's scripts write one line a fact into it, and no
record of the platform takes part. So a second start of a job shows, whatever the records say.
"""

import os
import select
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

PROGRAMS = ("bash", "sh", "sleep", "cat")
PIPE = "/ledger/pipe"
BLOCK = 1 << 16


class Ledger:
    """An image folder with a pipe that jobs write to; `facts` counts what they wrote."""

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="openccp-ledger-", dir="/var/tmp"))
        self.root.chmod(0o755)
        _build(self.root)
        pipe = self.root / PIPE.lstrip("/")
        pipe.parent.mkdir()
        os.mkfifo(pipe)
        pipe.chmod(0o666)
        self._reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
        self._text = ""

    def facts(self) -> Counter[str]:
        """Every line that was written so far, and how many times."""
        while block := self._block():
            self._text += block
        return Counter(self._text.splitlines())

    def wait(self, fact: str, seconds: float = 20) -> None:
        """Return once a line was written."""
        deadline = time.monotonic() + seconds
        while not self.facts()[fact]:
            left = deadline - time.monotonic()
            if not select.select([self._reader], [], [], max(0.0, left))[0]:
                raise AssertionError(f"nobody wrote {fact!r}")

    def _block(self) -> str:
        try:
            return os.read(self._reader, BLOCK).decode()
        except BlockingIOError:
            return ""

    def close(self) -> None:
        """Remove the folder."""
        os.close(self._reader)
        shutil.rmtree(self.root)


def _build(root: Path) -> None:
    """A shell and what it links, from this machine."""
    (root / "bin").mkdir()
    for name in PROGRAMS:
        program = shutil.which(name, path="/usr/bin:/bin")
        if program is None:
            raise FileNotFoundError(name)
        shutil.copy(program, root / "bin" / name)
        for library in _libraries(program):
            target = root / library.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, target)


def _libraries(program: str) -> list[str]:
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return [word for word in listed.split() if word.startswith("/")]


def processes_of(word: str) -> list[int]:
    """Processes of this machine whose command line holds a word, such as a job's id."""
    return [pid for pid in _pids() if word.encode() in _read(f"/proc/{pid}/cmdline")]


def processes_of_users(first: int, last: int) -> list[int]:
    """Living processes of this machine whose user's number lies in a range."""
    return [pid for pid in _pids() if first <= _owner(pid) <= last and not _is_zombie(pid)]


def _is_zombie(pid: int) -> bool:
    return _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()[:1] in ([b"Z"], [])


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def _owner(pid: int) -> int:
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return -1


def groups_of(job: str) -> list[str]:
    """Control groups that bear a job's id."""
    return _named(job, "/sys/fs/cgroup")


def scratch_of(job: str, data: Path) -> list[str]:
    """Folders and files of a job that lie where jobs work, not in its record."""
    places = (data / "local", *Path("/var/tmp").glob("openccp-*"), "/dev/shm")
    return [path for place in places for path in _named(job, str(place))]


def _named(word: str, place: str) -> list[str]:
    """Everything below a folder with a word in its name; what vanishes meanwhile is left out."""
    return [
        f"{folder}/{name}"
        for folder, folders, files in os.walk(place)
        for name in (*folders, *files)
        if word in name
    ]


def leftovers(job: str, data: Path) -> list[str]:
    """Everything outside of its record that an ended job still holds."""
    processes = [f"process {pid}" for pid in processes_of(job)]
    return [*processes, *groups_of(job), *scratch_of(job, data)]
