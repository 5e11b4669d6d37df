"""A real PostgreSQL server for tests: started, used and stopped by the one who needs it."""

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

PROGRAMS = Path("/usr/lib/postgresql")
START_SECONDS = 60.0


class NotInstalled(Exception):
    """There is no PostgreSQL server on this machine."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server that listens on a socket in `folder`, for the superuser `postgres`."""

    folder: Path
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def url(self, database: str) -> str:
        """The URL of one of its databases."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """A connection that commits each statement."""
        return psycopg.connect(self.url(database), autocommit=True)

    @contextlib.contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """The name of a new database, a copy of `template`, which is dropped at the end."""
        name = f"test_{next(self._numbers)}"
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        try:
            yield name
        finally:
            with self.connect() as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def programs() -> Path:
    """The folder of the newest server's programs; NotInstalled if there is none."""
    found = sorted(PROGRAMS.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise NotInstalled(NotInstalled.__doc__)
    return found[-1].parent


@contextlib.contextmanager
def running_server() -> Iterator[Server]:
    """A server with an empty cluster in a temporary folder; gone afterwards."""
    bin_folder = programs()
    folder = Path(tempfile.mkdtemp(prefix="ccp-pg-"))
    try:
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(folder, account.pw_uid, account.pw_gid)
        _initialise(bin_folder, folder)
        with _process(bin_folder, folder) as process:
            server = Server(folder)
            _await_start(server, process)
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> list[str]:
    """The server refuses to run as root, and must not outlive the tests."""
    command = ["setpriv", "--pdeathsig", "INT"]
    if os.geteuid() == 0:
        command += ["--reuid", "postgres", "--regid", "postgres", "--init-groups"]
    return command


def _initialise(bin_folder: Path, folder: Path) -> None:
    initdb = [str(bin_folder / "initdb"), "--auth", "trust", "--username", "postgres"]
    options = ["--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "-D", str(folder / "pg")]
    done = subprocess.run(
        [*_unprivileged(), *initdb, *options], cwd="/", capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"initdb failed: {done.stderr}")


@contextlib.contextmanager
def _process(bin_folder: Path, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    server = [str(bin_folder / "postgres"), "-D", str(folder / "pg"), "-k", str(folder)]
    settings = ["-c", "listen_addresses=", "-c", "max_connections=200"]
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            [*_unprivileged(), *server, *settings], cwd="/", stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait()


def _await_start(server: Server, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            server.connect().close()
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                log = (server.folder / "log").read_text(errors="replace")
                raise RuntimeError(f"PostgreSQL did not start: {log}") from error
            time.sleep(0.05)
        else:
            return
