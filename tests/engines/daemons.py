"""A Docker daemon of the tests' own, and images for it, from Debian's packages."""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "openccp-engines"
START_SECONDS = 60
IMAGES = {"bash": "ca-certificates"}
"""Image name -> Debian packages beside the smallest system: stands in for the official image."""


class NoEngine(Exception):
    """The engine cannot be had here; the text says why."""


@contextmanager
def docker_daemon(folder: Path) -> Iterator[str]:
    """The address of a daemon in a network of its own, while the block lasts."""
    for program in ("dockerd", "mmdebstrap", "unshare"):
        if shutil.which(program) is None:
            raise NoEngine(f"{program} is not installed")
    if os.geteuid() != 0:
        raise NoEngine("a Docker daemon needs root")
    address, pidfile = f"unix://{folder}/docker.sock", folder / "docker.pid"
    daemon = (
        f"ip link set lo up; mount -t tmpfs none /var/run; "
        f"exec dockerd --data-root {folder}/data --exec-root /var/run/docker "
        f"--pidfile {pidfile} --host {address} --bip 172.30.0.1/24"
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
        for image, packages in IMAGES.items():
            archive = root_file_system(image, packages)
            _docker(address, "import", "--change", 'CMD ["bash"]', str(archive), image)
        yield address
    finally:
        _end(address, process)


def root_file_system(name: str, packages: str) -> Path:
    """A tar of Debian's smallest system with some packages; made once, by whoever comes first."""
    CACHE.mkdir(parents=True, exist_ok=True)
    archive = CACHE / f"{name}.tar"
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not archive.exists():
            building = archive.with_suffix(".part.tar")
            command = ["mmdebstrap", "--variant=minbase", f"--include={packages}", "bookworm"]
            done = subprocess.run([*command, str(building)], capture_output=True, text=True)
            if done.returncode:
                raise NoEngine(f"Debian's packages cannot be had: {done.stderr[-300:]}")
            building.rename(archive)
    return archive


def _await(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(subprocess.CalledProcessError):
            _docker(address, "version")
            return
        time.sleep(0.05)
    raise NoEngine(f"dockerd does not start here: {log.read_text(errors='replace')[-500:]}")


def _docker(address: str, *words: str) -> str:
    done = subprocess.run(
        ["docker", "-H", address, *words], capture_output=True, text=True, check=True
    )
    return done.stdout


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
