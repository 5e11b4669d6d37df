"""What the machine itself can do: the ceiling above each figure."""

import asyncio
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from benchmarks.load import Call, hammer
from benchmarks.processes import free_port, serving
from openccp.infrastructures.sandbox import find_sandbox

COMMITS, SANDBOXES = 500, 50


async def _answer(request: Request) -> JSONResponse:
    return JSONResponse({"status": "successful", "progress": 100})


app = Starlette(routes=[Route("/", _answer)])


def json_rate(folder: Path, clients: int, seconds: float) -> float:
    """Answers a second of one uvicorn worker that does nothing else."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "--port", str(port), "--log-level=warning"]
    with serving([*command, "benchmarks.bare:app"], port, folder / "bare.log"):
        return asyncio.run(hammer(port, Call("/"), clients=clients, seconds=seconds)).rate


def commit_rate(folder: Path) -> float:
    """Durable commits a second, one row each."""
    with closing(sqlite3.connect(folder / "bare.sqlite", isolation_level=None)) as connection:
        connection.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
            "CREATE TABLE IF NOT EXISTS jobs (id INTEGER PRIMARY KEY, status TEXT);"
        )
        started = time.perf_counter()
        for _ in range(COMMITS):
            connection.execute("INSERT INTO jobs (status) VALUES ('accepted')")
        return COMMITS / (time.perf_counter() - started)


def sandbox_rate(folder: Path) -> float:
    """Sandboxes a second, each in namespaces of its own and gone before the next."""
    program = find_sandbox(folder / "place", folder / "root", drops_user=False).program
    command = [program, "--unshare-all", "--ro-bind", "/", "/", "/bin/true"]
    started = time.perf_counter()
    for _ in range(SANDBOXES):
        subprocess.run(command, check=True)
    return SANDBOXES / (time.perf_counter() - started)
