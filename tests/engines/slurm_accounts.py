"""Accounting for the tests' cluster: slurmdbd and a database of their own."""

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.engines.daemons import NoEngine
from tests.engines.slurm import Cluster, slurm_cluster

PROGRAMS = ("mariadbd", "mariadb-install-db", "slurmdbd")
MORE = """
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={port}
MinJobAge=2
"""
"""The controller forgets what has ended as soon as it can."""
DAEMON = """
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={port}
SlurmUser=root
PidFile={folder}/slurmdbd.pid
LogFile={folder}/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={database}
StorageUser=slurm
StoragePass=slurm
StorageLoc=accounts
"""
GRANT = (
    "CREATE DATABASE accounts; GRANT ALL ON accounts.* TO slurm@'127.0.0.1' IDENTIFIED BY 'slurm';"
    "GRANT ALL ON accounts.* TO slurm@localhost IDENTIFIED BY 'slurm';"
)
SMALL = ("--innodb-buffer-pool-size=64M", "--innodb-log-file-size=16M", "--performance-schema=0")


@contextmanager
def accounted_cluster(folder: Path) -> Iterator[Cluster]:
    """A cluster that remembers its jobs, while the block lasts."""
    missing = [name for name in PROGRAMS if shutil.which(name, path="/usr/sbin:/usr/bin") is None]
    if missing:
        raise NoEngine(f"{', '.join(missing)} is not installed")
    port, database = _free_port(), _free_port()
    path = folder / "slurmdbd.conf"
    path.touch(0o600)
    path.write_text(DAEMON.format(folder=folder, port=port, database=database))

    def before(cluster: Cluster) -> None:
        cluster.start("slurmdbd", "slurmdbd", "-D")
        cluster.await_true(lambda: _listens(port))

    with (
        _database(folder / "database", database),
        slurm_cluster(folder, MORE.format(port=port), before=before) as cluster,
    ):
        yield cluster


@contextmanager
def _database(folder: Path, port: int) -> Iterator[None]:
    folder.mkdir(mode=0o700)
    words = ("--no-defaults", "--user=root", f"--datadir={folder}")
    made = subprocess.run(
        [
            "mariadb-install-db",
            *words,
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ],
        capture_output=True,
        text=True,
    )
    if made.returncode:
        raise NoEngine(f"no database can be made: {made.stderr[-300:]}")
    (folder / "grant").write_text(GRANT.replace(";", ";\n"))
    own = (f"--socket={folder}/socket", f"--pid-file={folder}/pid", f"--init-file={folder}/grant")
    listen = ("--bind-address=127.0.0.1", f"--port={port}", *SMALL)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["mariadbd", *words, *own, *listen], stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
