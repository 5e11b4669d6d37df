"""A Docker daemon that is killed and started again where it was."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.engines.images import docker, import_image

SUBNET = "172.29.0.1/24"


@dataclass
class KillableDaemon:
    """Its namespaces are held by a process of their own."""

    folder: Path
    holder: int
    live_restore: bool
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"unix://{self.folder}/docker.sock"

    def start(self, seconds: float = 60) -> None:
        """Return once it answers."""
        inside = ["nsenter", f"--net=/proc/{self.holder}/ns/net"]
        inside += [f"--mount=/proc/{self.holder}/ns/mnt"]
        words = ["dockerd", "--data-root", f"{self.folder}/data", "--host", self.address]
        words += ["--exec-root", "/var/run/docker", "--bip", SUBNET]
        words += ["--pidfile", f"{self.folder}/docker.pid"]
        words += ["--live-restore"] if self.live_restore else []
        Path(self.folder / "docker.pid").unlink(missing_ok=True)
        with (self.folder / "dockerd.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*inside, *words], stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        until = time.monotonic() + seconds
        while True:
            with contextlib.suppress(subprocess.CalledProcessError):
                docker(self.address, "version")
                return
            assert time.monotonic() < until, (self.folder / "dockerd.log").read_text()[-800:]
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL to it and to its containerd; the containers live on."""
        assert self.process is not None
        containerd = Path(f"/proc/{self.holder}/root/run/docker/containerd/containerd.pid")
        os.kill(int(containerd.read_text()), signal.SIGKILL)
        containerd.unlink()
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End its containers, then itself."""
        assert self.process is not None
        for container in docker(self.address, "ps", "-aq").split():
            docker(self.address, "rm", "-f", container)
        self.process.terminate()
        self.process.wait(30)


@contextmanager
def killable_daemon(folder: Path, *, live_restore: bool) -> Iterator[KillableDaemon]:
    """One that runs, with the image `bash`."""
    hold = "ip link set lo up; mount -t tmpfs none /var/run; echo up; exec sleep infinity"
    words = ["unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", hold]
    holder = subprocess.Popen(words, stdout=subprocess.PIPE, start_new_session=True)
    assert holder.stdout is not None
    holder.stdout.readline()
    daemon = KillableDaemon(folder, holder.pid, live_restore)
    try:
        daemon.start()
        import_image(daemon.address, "bash")
        yield daemon
        daemon.stop()
    finally:
        if daemon.process is not None and daemon.process.poll() is None:
            os.killpg(daemon.process.pid, signal.SIGKILL)
            daemon.process.wait()
        holder.kill()
        holder.wait()
        holder.stdout.close()
