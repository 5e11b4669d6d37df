"""A Docker daemon reached as one on another machine is: by TLS or SSH, sharing no folder."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.engines.daemons import NoEngine, docker_daemon
from tests.engines.outside import run

from openccp.infrastructures.docker.credentials import Credentials
from openccp.infrastructures.docker.filter import process_behind

PORT = 2376


@dataclass(frozen=True)
class Elsewhere:
    """A daemon, its own socket for looking, and how the platform reaches it."""

    socket: str
    address: str
    credentials: Credentials


@contextmanager
def daemon_with_tls(folder: Path) -> Iterator[Elsewhere]:
    """In a network of its own, which a cable joins to this one; it asks for a certificate."""
    ours, its = (f"172.31.{os.getpid() % 200 + 50}.{end}" for end in (1, 2))
    credentials = certificates(folder, its)
    flags = (
        f"--host tcp://0.0.0.0:{PORT} --tlsverify --tlscacert {folder}/ca.pem "
        f"--tlscert {folder}/server.pem --tlskey {folder}/server.key"
    )
    with docker_daemon(folder, subnet="172.31.0.1/24", flags=flags) as address:
        daemon = process_behind(address)
        run(f"ip link add e{daemon} type veth peer name cable netns {daemon}")
        run(f"ip address add {ours}/30 dev e{daemon}")
        run(f"ip link set e{daemon} up")
        run(f"ip address add {its}/30 dev cable", daemon)
        run("ip link set cable up", daemon)
        yield Elsewhere(address, f"tcp://{its}:{PORT}", credentials)


def certificates(folder: Path, address: str) -> Credentials:
    """An authority, a server's and a client's certificate of its making."""
    new = "openssl req -newkey rsa:2048 -nodes"
    run(f"{new} -x509 -subj /CN=authority -keyout {folder}/ca.key -out {folder}/ca.pem")
    for name, use in (("server", "serverAuth"), ("client", "clientAuth")):
        extensions = folder / f"{name}.extensions"
        extensions.write_text(f"subjectAltName=IP:{address}\nextendedKeyUsage={use}\n")
        run(f"{new} -subj /CN={name} -keyout {folder}/{name}.key -out {folder}/{name}.request")
        run(
            f"openssl x509 -req -in {folder}/{name}.request -CA {folder}/ca.pem "
            f"-CAkey {folder}/ca.key -CAcreateserial -days 2 -extfile {extensions} "
            f"-out {folder}/{name}.pem"
        )
    return Credentials(folder / "ca.pem", folder / "client.pem", folder / "client.key")


@contextmanager
def ssh_to(socket_of_daemon: str, folder: Path) -> Iterator[Elsewhere]:
    """A real sshd on the loopback, for this user and one key."""
    if shutil.which("/usr/sbin/sshd") is None:
        raise NoEngine("sshd is not installed")
    os.makedirs("/run/sshd", exist_ok=True)
    for name in ("host", "user"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True
        )
    folder.chmod(0o700)
    port = _free_port()
    words = [
        *("-D", "-e", "-f", "/dev/null", "-h", f"{folder}/host", "-p", f"{port}"),
        *("-o", "ListenAddress=127.0.0.1", "-o", f"AuthorizedKeysFile={folder}/user.pub"),
        *("-o", "StrictModes=no", "-o", "PidFile=none", "-o", "PermitRootLogin=yes"),
    ]
    known = folder / "known_hosts"
    known.write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    with subprocess.Popen(["/usr/sbin/sshd", *words], stderr=subprocess.DEVNULL) as server:
        try:
            _await(port)
            path = socket_of_daemon.removeprefix("unix://")
            credentials = Credentials(key=folder / "user", known_hosts=known)
            yield Elsewhere(socket_of_daemon, f"ssh://root@127.0.0.1:{port}{path}", credentials)
        finally:
            server.terminate()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _await(port: int) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.02)
    raise NoEngine("sshd does not start here")
