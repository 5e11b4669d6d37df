"""OpenCCP as `./run` starts it: SQLite, a local folder, sandboxed jobs, everybody signed in."""

import asyncio
import http.client
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

from benchmarks.platforms import Platform
from benchmarks.processes import free_port, serving
from openccp.compose import open_accounts, prepare
from openccp.settings import load
from openccp.testing.fill import fill_jobs
from openccp.testing.platform import bash_method

CCP = str(Path(sys.executable).parent / "ccp")
USER = "benchmark"


@contextmanager
def openccp(
    folder: Path, *, hold: bool = False, stored: int = 0, deployed: int = 0
) -> Iterator[Platform]:
    """A platform on a new data folder: an account, its token, so many jobs and own methods."""
    data = folder / "data"
    prepare(load(data))
    token = _account(data)
    if stored:
        asyncio.run(_fill(data, stored))
    port = free_port()
    command = [CCP, "up", "--port", str(port), "--data", str(data), *(["--hold"] * hold)]
    with serving(command, port, folder / "openccp.log") as running:
        headers = {"Authorization": f"Bearer {token}"}
        _deploy(running.port, headers, deployed)
        yield Platform(
            "OpenCCP",
            running,
            "hello-bash",
            {"name": "Ada"},
            headers,
            hold,
            synchronous=("echo", {"message": "Ada"}),
        )


def _deploy(port: int, headers: Mapping[str, str], count: int) -> None:
    """Copies of a small method under other names."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for number in range(count):
        body = json.dumps(bash_method(f"copy-{number:04}", "true"))
        sent = {**headers, "Content-Type": "application/json"}
        connection.request("POST", "/processes", body, sent)
        answer = connection.getresponse()
        answer.read()
        if answer.status != HTTPStatus.CREATED:
            raise RuntimeError(f"a method was not deployed: {answer.status}")
    connection.close()


def _account(data: Path) -> str:
    _ccp(["user", "add", USER, "--data", str(data)], "correct horse battery staple\n")
    return _ccp(["token", "create", USER, "--data", str(data)]).split()[-1]


def _ccp(arguments: list[str], given: str = "") -> str:
    done = subprocess.run([CCP, *arguments], input=given, text=True, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"ccp {' '.join(arguments)}: {done.stderr}")
    return done.stdout


async def _fill(data: Path, count: int) -> None:
    accounts, database = open_accounts(load(data))
    try:
        account = await accounts.account_named(USER)
        assert account is not None
        await fill_jobs(database, count, account.id, methods=("hello-bash",))
    finally:
        await database.close()
