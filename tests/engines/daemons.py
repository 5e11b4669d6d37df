"""A Docker daemon of the tests' own, and images for it, from Debian's packages."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.engines.images import CACHE, NoEngine, docker, import_image, root_file_system

__all__ = ["CACHE", "NoEngine", "docker_daemon", "import_image", "root_file_system"]

START_SECONDS = 60
_docker = docker


@contextmanager
def docker_daemon(
    folder: Path,
    *,
    images: Sequence[str] = ("bash",),
    setup: str = "true",
    subnet: str = "172.30.0.1/24",
    flags: str = "",
) -> Iterator[str]:
    """The address of a daemon in a network of its own, while the block lasts.

    `setup` is done before it starts, by a shell that sees what it will see.
    """
    for program in ("dockerd", "mmdebstrap", "unshare"):
        if shutil.which(program) is None:
            raise NoEngine(f"{program} is not installed")
    if os.geteuid() != 0:
        raise NoEngine("a Docker daemon needs root")
    address, pidfile = f"unix://{folder}/docker.sock", folder / "docker.pid"
    daemon = (
        f"ip link set lo up; mount -t tmpfs none /var/run; {setup}; "
        f"exec dockerd --data-root {folder}/data --exec-root /var/run/docker "
        f"--pidfile {pidfile} --host {address} --bip {subnet} {flags}"
    )
    with (folder / "dockerd.log").open("wb") as log:
        process = subprocess.Popen(
            ["unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", daemon],
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _await(address, process, folder / "dockerd.log")
        for image in images:
            import_image(address, image)
        yield address
    finally:
        _end(address, process)


def _await(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(subprocess.CalledProcessError):
            _docker(address, "version")
            return
        time.sleep(0.05)
    raise NoEngine(f"dockerd does not start here: {log.read_text(errors='replace')[-500:]}")


def _end(address: str, process: "subprocess.Popen[bytes]") -> None:
    """Its containers first: they would outlive it."""
    with contextlib.suppress(subprocess.CalledProcessError):
        for container in _docker(address, "ps", "-aq").split():
            with contextlib.suppress(subprocess.CalledProcessError):
                _docker(address, "rm", "-f", container)
    process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(30)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
