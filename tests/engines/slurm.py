"""A Slurm cluster of the tests' own on one machine: a controller, three nodes, munge, REST."""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.engines.cable import Cable, laid_cable
from tests.engines.daemons import NoEngine

NODE = "NodeName={} NodeHostname={} NodeAddr={} Port={} CPUs={} RealMemory=4000"
PROGRAMS = ("munged", "slurmctld", "slurmd", "slurmrestd", "sbatch", "squeue", "scontrol")
NODES = ("n1", "n2", "n3")
FAR = "n3"
"""The node that has a network of its own."""
CPUS = 4
USER = "nobody"
"""Whom jobs run as: an account that every machine has."""
READY_SECONDS = 30
CONFIGURATION = """
ClusterName=openccp
SlurmctldHost={host}({controller})
SlurmctldPort={port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
AuthAltTypes=auth/jwt
AuthAltParameters=jwt_key={folder}/jwt.key
SlurmUser=root
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/slurmctld.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdSpoolDir={folder}/%n
SlurmdPidFile={folder}/%n.pid
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SlurmdTimeout=10
KillWait=5
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
SlurmdParameters=config_overrides
DebugFlags=NO_CONF_HASH
SchedulerParameters=bf_interval=2,sched_interval=2
{more}
{nodes}
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


@dataclass
class Cluster:
    """The daemons of a cluster, each known by its process."""

    folder: Path
    port: int
    rest_port: int
    cable: Cable
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def conf(self) -> Path:
        return self.folder / "slurm.conf"

    @property
    def far_conf(self) -> Path:
        """The same, as it is seen from the other end of the cable."""
        return self.folder / "far.conf"

    @property
    def environment(self) -> Mapping[str, str]:
        return {"SLURM_CONF": str(self.conf), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}

    @property
    def rest_url(self) -> str:
        return f"http://127.0.0.1:{self.rest_port}"

    def command(self, *words: str, check: bool = True) -> str:
        done = subprocess.run(
            words, capture_output=True, text=True, env=dict(self.environment), timeout=60
        )
        if check and done.returncode:
            raise RuntimeError(f"{words}: {done.stdout}{done.stderr}")
        return done.stdout

    def start_controller(self) -> None:
        self.start("slurmctld", "slurmctld", "-D", "-f", str(self.conf))

    def start_node(self, name: str) -> None:
        where = self.cable.inside if name == FAR else ()
        conf = self.far_conf if name == FAR else self.conf
        self.start(name, *where, "slurmd", "-D", "-N", name, "-f", str(conf))

    def start_rest(self) -> None:
        parts = ["openapi/v0.0.38"]
        if "slurmdbd" in self.running:
            parts.append("openapi/dbv0.0.38")
        words = ("slurmrestd", "-s", ",".join(parts), "-a", "rest_auth/jwt", "-u", USER)
        more = {"SLURM_JWT": "daemon"}
        self.start("slurmrestd", *words, f"127.0.0.1:{self.rest_port}", more=more)

    def kill(self, name: str) -> None:
        """At once, as a power cut would."""
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def end(self, name: str) -> None:
        process = self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(15)
        if process.poll() is None:
            process.kill()
            process.wait()

    def nodes_are_idle(self) -> bool:
        states = self.command("sinfo", "-h", "-N", "-o", "%T", check=False).split()
        return states == ["idle"] * len(NODES)

    def answers(self) -> bool:
        return "UP" in self.command("scontrol", "ping", check=False)

    def rest_answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.rest_port)) == 0

    def await_true(self, what: Callable[[], bool], seconds: float = READY_SECONDS) -> None:
        until = time.monotonic() + seconds
        while not what():
            if time.monotonic() > until:
                log = (self.folder / "slurmctld.log").read_text(errors="replace")
                raise NoEngine(f"Slurm does not start here: {log[-800:]}")
            time.sleep(0.05)

    def start(self, name: str, *words: str, more: Mapping[str, str] | None = None) -> None:
        with (self.folder / f"{name}.out").open("ab") as log:
            self.running[name] = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**self.environment, **(more or {})},
                start_new_session=True,
            )

    def start_munge(self) -> None:
        place = self.folder / "munge"
        place.mkdir(mode=0o755)
        (place / "key").write_bytes(secrets.token_bytes(128))
        for path in (place, place / "key"):
            shutil.chown(path, "munge", "munge")
        os.chmod(place / "key", 0o400)
        drop = ("setpriv", "--reuid=munge", "--regid=munge", "--clear-groups")
        files = ("socket", "key-file", "pid-file", "log-file", "seed-file")
        options = [f"--{one}={place}/{one.removesuffix('-file')}" for one in files]
        self.start("munged", *drop, "munged", "-F", "--num-threads=2", *options)
        self.await_true((place / "socket").exists)


@contextmanager
def slurm_cluster(
    folder: Path, more: str = "", before: Callable[[Cluster], None] = lambda cluster: None
) -> Iterator[Cluster]:
    """A cluster that accepts jobs, while the block lasts; `before` is done before it starts."""
    missing = [name for name in PROGRAMS if shutil.which(name, path="/usr/sbin:/usr/bin") is None]
    if missing:
        raise NoEngine(f"{', '.join(missing)} is not installed")
    if os.geteuid() != 0:
        raise NoEngine("a Slurm cluster of its own needs root")
    ports = _free_ports(2 + len(NODES))
    with laid_cable() as cable:
        cluster = Cluster(folder, ports[0], ports[1], cable)
        _write(cluster, ports[2:], more)
        try:
            cluster.start_munge()
            before(cluster)
            cluster.start_controller()
            for name in NODES:
                cluster.start_node(name)
            cluster.start_rest()
            cluster.await_true(lambda: cluster.nodes_are_idle() and cluster.rest_answers())
            yield cluster
        finally:
            _take_down(cluster)


def _write(cluster: Cluster, ports: list[int], more: str) -> None:
    folder = cluster.folder
    os.chmod(folder, 0o755)
    for name in ("state", *NODES):
        (folder / name).mkdir(mode=0o755)
    (folder / "jwt.key").write_bytes(secrets.token_bytes(32))
    os.chmod(folder / "jwt.key", 0o600)
    host, far = socket.gethostname().split(".")[0], cluster.cable
    places = {name: far.far if name == FAR else "127.0.0.1" for name in NODES}
    nodes = [
        NODE.format(name, host, places[name], port, CPUS)
        for name, port in zip(NODES, ports, strict=True)
    ]
    for path, controller in ((cluster.conf, "127.0.0.1"), (cluster.far_conf, far.near)):
        text = CONFIGURATION.format(
            host=host,
            controller=controller,
            port=cluster.port,
            folder=folder,
            nodes="\n".join(nodes),
            more=more,
        )
        path.write_text(text)


def _take_down(cluster: Cluster) -> None:
    """Jobs first: they would outlive their nodes."""
    if "slurmctld" in cluster.running:
        ids = cluster.command("squeue", "-h", "-o", "%i", check=False).split()
        cluster.command("scancel", "--full", "--signal=KILL", *ids, check=False)
        cluster.command("scancel", *ids, check=False)
    for name in reversed(list(cluster.running)):
        cluster.end(name)
    for pid in _left(cluster):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _left(cluster: Cluster) -> list[int]:
    """What carries the cluster's configuration: steps whose node was killed, say."""
    marks = [f"SLURM_CONF={conf}\0".encode() for conf in (cluster.conf, cluster.far_conf)]
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            text = entry.read_bytes() + b"\0"
            if int(entry.parent.name) != os.getpid() and any(mark in text for mark in marks):
                found.append(int(entry.parent.name))
    return found


def _free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports
