"""Servers as processes: started, found ready, weighed, ended."""

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

READY_WITHIN = 60.0
DIE_WITH_US = ("setpriv", "--pdeathsig", "TERM", "--")


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answered, and how long that took from the start of its process."""

    pid: int
    port: int
    start_seconds: float


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(
    command: Sequence[str], port: int, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """Run a server until the block ends; it has answered its landing page when the block starts."""
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            [*DIE_WITH_US, *command],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        try:
            _await_ready(process, port, log, started + READY_WITHIN)
            yield Running(process.pid, port, time.perf_counter() - started)
        finally:
            _end(process)


def _await_ready(process: "subprocess.Popen[bytes]", port: int, log: Path, until: float) -> None:
    while time.perf_counter() < until and process.poll() is None:
        if _answers(port):
            return
        time.sleep(0.005)
    raise RuntimeError(f"{process.args!r} did not get ready:\n{log.read_text()[-2000:]}")


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/", headers={"Accept": "application/json"})
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def memory_mib(root: int) -> float:
    """The proportional memory of a process and all that it started, in MiB."""
    return sum(_pss_kib(pid) for pid in _tree(root)) / 1024


def _tree(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (parent := _parent(entry)) is not None:
            children.setdefault(parent, []).append(int(entry.name))
    found = [root]
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def _parent(entry: Path) -> int | None:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return None


def _pss_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
