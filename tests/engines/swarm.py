"""A Docker Swarm of three real nodes, each in a network namespace, joined by a bridge.

Each node has a folder `/srv` of its own: they share no files, neither with each other nor with
the platform. The platform listens on the bridge's address.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.engines.daemons import NoEngine
from tests.engines.swarm_image import archive

START_SECONDS = 60
IMAGES = ("python", "bash")
"""One file system stands in for both: Debian's smallest with Python."""


@dataclass
class Node:
    """One machine of the swarm."""

    name: str
    number: int
    place: Path
    bridge: str
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def address(self) -> str:
        return f"unix://{self.run}/docker.sock"

    @property
    def run(self) -> Path:
        return Path(f"/run/{self.name}")

    @property
    def link(self) -> str:
        """The end of its cable at the bridge."""
        return f"{self.name}h"

    def docker(self, *words: str, seconds: float = 60) -> str:
        done = subprocess.run(
            ["docker", "-H", self.address, *words], capture_output=True, text=True, timeout=seconds
        )
        if done.returncode:
            raise AssertionError(f"{self.name}: docker {' '.join(words)}: {done.stderr[-500:]}")
        return done.stdout.strip()

    def start(self) -> None:
        """Start its daemon, and return when it answers."""
        self.run.mkdir(exist_ok=True)
        scratch = self.place / "srv"
        scratch.mkdir(parents=True, exist_ok=True)
        daemon = (
            f"hostname {self.name}; mount --bind {scratch} /srv; "
            f"exec dockerd --data-root {self.place}/data --exec-root {self.run}/exec "
            f"--pidfile {self.run}/docker.pid --host {self.address} "
            f"--cgroup-parent /{self.name} --bip 172.27.{self.number}.1/24"
        )
        unshared = ["unshare", "--mount", "--uts", "--propagation", "private", "sh", "-c", daemon]
        for left in ("docker.pid", "exec/containerd/containerd.pid"):
            (self.run / left).unlink(missing_ok=True)  # of a process that nobody has reaped yet
        with (self.place / "dockerd.log").open("ab") as log:
            self.process = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{self.name}", *unshared],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._await()

    def _await(self) -> None:
        assert self.process is not None
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
                self.docker("version", seconds=10)
                return
            time.sleep(0.05)
        log = (self.place / "dockerd.log").read_text(errors="replace")
        raise NoEngine(f"dockerd does not start here: {log[-500:]}")

    def kill_daemon(self) -> None:
        """SIGKILL to the daemon: its containers live on."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        for pid in _mentioning(f"{self.run}/exec/containerd/containerd.toml"):
            os.kill(pid, signal.SIGKILL)

    def kill(self) -> None:
        """As when its power is cut: the daemon, and whatever runs here."""
        self.kill_daemon()
        until = time.monotonic() + 20
        while (pids := self.processes()) and time.monotonic() < until:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)

    def processes(self) -> list[int]:
        """Its containers' processes, and those of the daemon that watch them."""
        return [*self.contained(), *_mentioning(f"{self.run}/exec")]

    def contained(self) -> list[int]:
        """The processes of its containers."""
        found: list[int] = []
        for procs in Path(f"/sys/fs/cgroup/pids/{self.name}").glob("**/cgroup.procs"):
            with contextlib.suppress(OSError):
                found += map(int, procs.read_text().split())
        return found

    def cut(self) -> None:
        """Pull its cable."""
        _ip("-n", self.bridge, "link", "set", self.link, "down")

    def mend(self) -> None:
        """And plug it in again."""
        _ip("-n", self.bridge, "link", "set", self.link, "up")

    def remove(self) -> None:
        """Leave nothing behind."""
        self.kill()
        with contextlib.suppress(subprocess.CalledProcessError):
            _ip("netns", "delete", self.name)
        for _, folders in _groups(self.name):
            for folder in folders:
                with contextlib.suppress(OSError):
                    folder.rmdir()
        for place in (self.run, self.place):
            shutil.rmtree(place, ignore_errors=True)


@dataclass
class Swarm:
    """Three nodes, all of them managers, so that one may be lost."""

    bridge: str
    host: str
    """The address at which nodes reach this machine."""
    nodes: list[Node] = field(default_factory=list)

    @property
    def leader(self) -> Node:
        """The node that leads, as any that lives says."""
        for node in self.nodes:
            with contextlib.suppress(AssertionError):
                listed = node.docker(
                    "node", "ls", "--format", "{{.Hostname}} {{.ManagerStatus}}", seconds=20
                )
                name = next(line.split()[0] for line in listed.splitlines() if "Leader" in line)
                return next(one for one in self.nodes if one.name == name)
        raise AssertionError("nobody leads")

    def await_whole(self, seconds: float = 90) -> None:
        """Return once every node is reached again, and every manager, as each of them says."""
        until = time.monotonic() + seconds
        while not all(map(_sees_all, self.nodes)):
            assert time.monotonic() < until, "the swarm did not become whole again"
            time.sleep(0.2)


def _sees_all(node: Node) -> bool:
    try:
        said = node.docker("node", "ls", "--format", "{{.Status}} {{.ManagerStatus}}", seconds=20)
    except (AssertionError, subprocess.TimeoutExpired):
        return False
    lines = [line for line in said.splitlines() if line.startswith("Ready ")]
    return len(lines) == 3 and "Unreachable" not in said and "Leader" in said


@contextmanager
def docker_swarm(folder: Path) -> Iterator[Swarm]:
    """Three nodes that have joined, while the block lasts."""
    for program in ("dockerd", "mmdebstrap", "unshare", "nsenter", "ip"):
        if shutil.which(program) is None:
            raise NoEngine(f"{program} is not installed")
    if os.geteuid() != 0:
        raise NoEngine("a Docker daemon needs root")
    system = archive()
    swarm = _bridge()
    try:
        for number in (1, 2, 3):
            swarm.nodes.append(_wire(swarm, number, folder))
        with ThreadPoolExecutor(3) as threads:
            list(threads.map(lambda node: _bring_up(node, system), swarm.nodes))
        _join(swarm)
        yield swarm
    finally:
        with ThreadPoolExecutor(3) as threads:
            list(threads.map(Node.remove, swarm.nodes))
        _ip("link", "delete", swarm.bridge)
        _ip("netns", "delete", swarm.bridge)


def _bridge() -> Swarm:
    """A bridge in a network of its own, where no firewall of this machine forbids forwarding.

    This machine is joined to it by the first cable whose name is free: to make it is to claim
    its addresses.
    """
    for number in range(200):
        name = f"ccpsw{number}"
        with contextlib.suppress(subprocess.CalledProcessError):
            _ip("link", "add", name, "type", "veth", "peer", "name", f"{name}b")
            _ip("netns", "add", name)
            _ip("-n", name, "link", "add", "bridge", "type", "bridge")
            _ip("-n", name, "link", "set", "bridge", "up")
            _plug(name, f"{name}b")
            _ip("address", "add", f"172.26.{number}.254/24", "dev", name)
            _ip("link", "set", name, "up")
            return Swarm(name, f"172.26.{number}.254")
    raise NoEngine("no bridge can be made")


def _plug(bridge: str, end: str) -> None:
    _ip("link", "set", end, "netns", bridge)
    _ip("-n", bridge, "link", "set", end, "master", "bridge", "up")


def _wire(swarm: Swarm, number: int, folder: Path) -> Node:
    node = Node(f"{swarm.bridge}n{number}", number, folder / str(number), swarm.bridge)
    inside = f"{node.name}c"
    _ip("netns", "add", node.name)
    _ip("link", "add", node.link, "type", "veth", "peer", "name", inside)
    _plug(swarm.bridge, node.link)
    _ip("link", "set", inside, "netns", node.name)
    at = ("-n", node.name)
    _ip(*at, "link", "set", "lo", "up")
    _ip(*at, "link", "set", inside, "name", "eth0")
    _ip(*at, "address", "add", f"{_address(swarm, number)}/24", "dev", "eth0")
    _ip(*at, "link", "set", "eth0", "up")
    return node


def _address(swarm: Swarm, number: int) -> str:
    return swarm.host.rpartition(".")[0] + f".{number}"


def _bring_up(node: Node, system: Path) -> None:
    node.start()
    node.docker("import", "--change", 'CMD ["bash"]', str(system), IMAGES[0], seconds=120)
    for image in IMAGES[1:]:
        node.docker("tag", IMAGES[0], image)


def _join(swarm: Swarm) -> None:
    first, *others = swarm.nodes
    own = _address(swarm, 1)
    first.docker("swarm", "init", "--advertise-addr", own, "--listen-addr", f"{own}:2377")
    token = first.docker("swarm", "join-token", "-q", "manager")
    for node in others:
        own = _address(swarm, node.number)
        here = ("--advertise-addr", own, "--listen-addr", f"{own}:2377")
        node.docker("swarm", "join", *here, "--token", token, f"{_address(swarm, 1)}:2377")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _groups(name: str) -> Iterator[tuple[Path, list[Path]]]:
    """Its control groups below each controller, the deepest first."""
    for root in Path("/sys/fs/cgroup").glob(f"*/{name}"):
        yield root, [Path(folder) for folder, _, _ in os.walk(root, topdown=False)]


def _mentioning(word: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if word.encode() in path.read_bytes():
                found.append(int(path.parent.name))
    return found
