"""A login node: a real sshd on this machine, with its own keys, for an account without rights."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.engines.daemons import NoEngine
from tests.engines.slurm import USER, Cluster

SSHD = "/usr/sbin/sshd"
SERVER = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/login.pub
AllowUsers {user}
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PidFile none
SetEnv SLURM_CONF={conf}
"""
CLIENT = """
Host login
HostName 127.0.0.1
Port {port}
User {user}
IdentityFile {folder}/login
IdentitiesOnly yes
UserKnownHostsFile {known}
GlobalKnownHostsFile /dev/null
StrictHostKeyChecking yes
BatchMode yes
"""
KEPT_OPEN = "ControlMaster auto\nControlPath {folder}/%C\nControlPersist 60\n"


@dataclass(frozen=True)
class Login:
    """How to come there."""

    folder: Path
    process: "subprocess.Popen[bytes]"

    def prefix(self, config: str) -> list[str]:
        """`kept`: one connection for many commands; `plain`: each its own; `stranger`: to a host
        that answers with another key than the one that is known."""
        return ["ssh", "-F", str(self.folder / config), "login"]


@contextmanager
def login_node(folder: Path, cluster: Cluster) -> Iterator[Login]:
    """One that answers, while the block lasts."""
    if not Path(SSHD).exists():
        raise NoEngine("openssh-server is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    _write(folder, port, cluster)
    # An account of jobs has no shell on this machine; where it logs in it has one.
    seen = f"mount --bind {folder}/passwd /etc/passwd; mount -t tmpfs none /run; mkdir /run/sshd"
    words = ["unshare", "--mount", "--propagation", "private", "sh", "-ec"]
    with (folder / "sshd.log").open("wb") as log:
        process = subprocess.Popen(
            [*words, f"{seen}; exec {SSHD} -D -e -f {folder}/server"], stderr=log
        )
    try:
        _await(port, process, folder / "sshd.log")
        yield Login(folder, process)
    finally:
        subprocess.run(["ssh", "-F", f"{folder}/kept", "-O", "exit", "login"], capture_output=True)
        process.terminate()
        process.wait()


def _write(folder: Path, port: int, cluster: Cluster) -> None:
    folder.chmod(0o755)
    for name in ("host", "login", "other"):
        words = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{folder}/{name}")
        subprocess.run(words, check=True)
    for known, key in (("known", "host"), ("mistaken", "other")):
        kind, text, *_ = (folder / f"{key}.pub").read_text().split()
        (folder / known).write_text(f"[127.0.0.1]:{port} {kind} {text}\n")
    given = {"folder": folder, "port": port, "user": USER, "conf": cluster.conf}
    client = CLIENT.format(known=folder / "known", **given)
    (folder / "server").write_text(SERVER.format(**given))
    (folder / "plain").write_text(client)
    (folder / "kept").write_text(client + KEPT_OPEN.format(folder=folder))
    (folder / "stranger").write_text(CLIENT.format(known=folder / "mistaken", **given))
    lines = Path("/etc/passwd").read_text().splitlines()
    with_shell = [
        ":".join([*line.split(":")[:5], "/", "/bin/sh"]) if line.startswith(f"{USER}:") else line
        for line in lines
    ]
    (folder / "passwd").write_text("\n".join(with_shell) + "\n")


def _await(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise NoEngine(f"sshd does not start here: {log.read_text()[-500:]}")
