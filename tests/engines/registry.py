"""Registries in a Docker daemon's own network: the real one, and one that is slow and counts."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.engines.images import NoEngine, docker

from openccp.testing.ledger import _build

OPEN, CLOSED, SLOW = 5100, 5101, 5102
NAME, PASSWORD = "reader", "let me in"
CONFIG = """version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "127.0.0.1:{port}"}}
log: {{level: error, accesslog: {{disabled: true}}}}
"""
AUTH = "auth: {{htpasswd: {{realm: here, path: {file}}}}}\n"


@dataclass(frozen=True, slots=True)
class Registries:
    """Three hosts that serve the same images: open, behind a password, and slow."""

    address: str
    storage: Path
    open: str = f"localhost:{OPEN}"
    closed: str = f"localhost:{CLOSED}"
    slow: str = f"localhost:{SLOW}"

    def push(self, image: str, name: str) -> None:
        """Bring an image of the daemon to the registry, and forget it there."""
        reference = f"{self.open}/{name}"
        docker(self.address, "tag", image, reference)
        docker(self.address, "push", "-q", reference)
        self.forget(name)

    def forget(self, *names: str) -> None:
        """Remove images from the daemon, by the ends of their names."""
        for line in docker(self.address, "images", "--format", "{{.Repository}}").split():
            if line.endswith(names):
                docker(self.address, "rmi", "-f", line)


@contextmanager
def registries(folder: Path, address: str, storage: Path | None = None) -> Iterator[Registries]:
    """All three, beside a daemon of `docker_daemon`, whose socket is at `address`."""
    storage = storage or folder / "registry"
    for program in ("docker-registry", "htpasswd", "nsenter"):
        if shutil.which(program) is None:
            raise NoEngine(f"{program} is not installed")
    words = ["htpasswd", "-Bbn", NAME, PASSWORD]
    passwords = folder / "passwords"
    passwords.write_text(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    with ExitStack() as running:
        for port, more in ((OPEN, ""), (CLOSED, AUTH.format(file=passwords))):
            config = folder / f"{port}.yml"
            config.write_text(CONFIG.format(folder=storage, port=port) + more)
            running.enter_context(beside(address, "docker-registry", "serve", str(config)))
            _await(address, port)
        script = Path(__file__).with_name("slow_registry.py")
        running.enter_context(beside(address, sys.executable, str(script), str(SLOW), str(OPEN)))
        _await(address, SLOW)
        yield Registries(address, storage)


@contextmanager
def beside(address: str, *command: str) -> Iterator[None]:
    """A program in a daemon's network."""
    process = subprocess.Popen(
        [*_enter(address), *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _enter(address: str) -> Sequence[str]:
    pid = Path(address.removeprefix("unix://")).with_name("docker.pid").read_text()
    return ["nsenter", f"--net=/proc/{pid}/ns/net"]


def _await(address: str, port: int) -> None:
    probe = f"import socket; socket.create_connection(('127.0.0.1', {port}))"
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if not subprocess.run(
            [*_enter(address), sys.executable, "-c", probe], stderr=-3
        ).returncode:
            return
    raise NoEngine(f"nothing listens at port {port}")


def small_image(address: str, name: str, changes: Sequence[str] = ()) -> None:
    """An image of a few MB with a shell and hardly more."""
    with tempfile.TemporaryDirectory() as folder:
        root, archive = Path(folder) / "root", Path(folder) / "root.tar"
        root.mkdir()
        _build(root)
        (root / "data").mkdir()
        (root / "data").chmod(0o777)
        (root / "data" / "table").write_text("of the image\n")
        with tarfile.open(archive, "w") as made:
            made.add(root, ".")
        given = [word for change in changes for word in ("--change", change)]
        docker(address, "import", *given, str(archive), name)


def image_from(address: str, name: str, lines: Sequence[str]) -> None:
    """An image made by the lines of a Dockerfile."""
    words = ["docker", "-H", address, "build", "-q", "-t", name, "-"]
    classic = {**os.environ, "DOCKER_BUILDKIT": "0"}
    subprocess.run(
        words, input="\n".join(lines).encode(), check=True, stdout=subprocess.DEVNULL, env=classic
    )


def image_for(address: str, name: str, processor: str) -> None:
    """An image that says that it is for a processor."""
    layer = b"\0" * 10240
    config = {
        "architecture": processor,
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [f"{name}:latest"], "Layers": ["layer.tar"]}]
    members = {
        "config.json": json.dumps(config).encode(),
        "manifest.json": json.dumps(manifest).encode(),
        "layer.tar": layer,
    }
    with tempfile.NamedTemporaryFile(suffix=".tar") as file:
        with tarfile.open(file.name, "w") as made:
            for member, content in members.items():
                about = tarfile.TarInfo(member)
                about.size = len(content)
                made.addfile(about, io.BytesIO(content))
        docker(address, "load", "-q", "-i", file.name)


def image_without_shell(address: str, name: str) -> None:
    """An image of one text file."""
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "root.tar"
        with tarfile.open(archive, "w") as made:
            made.add(__file__, "hello")
        docker(address, "import", str(archive), name)
