"""Many finished jobs at once, for benchmarks."""

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from openccp.core.job import Job, Phase, Status
from openccp.store.database import Database
from openccp.store.rows import row_of
from openccp.store.statements import INSERT_JOB

AT_ONCE = 50_000
NEWEST = 1_780_000_000.0
ENDS = (Status.SUCCESSFUL, Status.SUCCESSFUL, Status.SUCCESSFUL, Status.FAILED, Status.DISMISSED)


async def fill_jobs(
    database: Database,
    count: int,
    owner: str,
    *,
    methods: tuple[str, ...] = ("echo",),
    newest: float = NEWEST,
) -> None:
    """Store `count` finished jobs of `owner`, one a second, the last one at `newest`."""
    rows = _rows(count, owner, methods, newest)
    while some := list(islice(rows, AT_ONCE)):
        await database.write(partial(_insert, some))


def _insert(rows: list[dict[str, Any]], connection: Connection) -> None:
    connection.execute(INSERT_JOB, rows)


def _rows(
    count: int, owner: str, methods: tuple[str, ...], newest: float
) -> Iterator[dict[str, Any]]:
    numbers = random.Random(count)
    job = Job("", methods[0], 1, owner, "default", "local", newest, newest)
    done = row_of(replace(job, phase=Phase.DONE, message="done", progress=100))
    done |= {"last_seq": 0, "lease_owner": None, "lease_until": None}
    for number in range(count):
        created = newest - count + 1 + number
        yield done | {
            "id": f"{numbers.getrandbits(128):032x}",
            "method": methods[number % len(methods)],
            "status": ENDS[number % len(ENDS)].value,
            "created": created,
            "started": created + 1,
            "finished": created + 2,
            "updated": created + 2,
        }
