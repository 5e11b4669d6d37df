"""What the database keeps of a repeatable request tells nobody the secrets in it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from openccp.app.deploy import install
from openccp.app.execute import Preference, execute
from openccp.app.services import Services
from openccp.app.tidy import DAY, tidy
from openccp.compose import DATABASE, shipped_methods
from openccp.core.access import PLATFORM, Who
from openccp.core.problems import KeyReused

METHOD, BODY = "hello-bash", b'{"inputs": {"name": "sesame"}}'
ADA = Who("ada", "Ada", frozenset({"default"}))
PLAIN = sha256(METHOD.encode() + b"\0" + BODY).hexdigest()


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tmp_path / "data" / DATABASE)) as connection:
        yield connection


async def run(services: Services, body: bytes = BODY) -> str:
    """The job that a request with always the same key is answered with."""
    return (await execute(services, ADA, METHOD, body, Preference(), "once")).job.id


async def begin(services: Services) -> str:
    await install(services, (m for m in shipped_methods() if m[0]["id"] == METHOD), PLATFORM)
    return await run(services)


async def test_it_cannot_be_tried_out(services: Services, kept: sqlite3.Connection) -> None:
    first = await begin(services)
    ((digest,),) = kept.execute("SELECT digest FROM idempotency")
    assert digest != PLAIN
    assert await run(services) == first
    with pytest.raises(KeyReused):
        await run(services, BODY + b" ")


async def test_what_was_kept_in_the_former_way_is_known(
    services: Services, kept: sqlite3.Connection
) -> None:
    first = await begin(services)
    with kept:
        kept.execute("UPDATE idempotency SET digest = ?", (PLAIN,))
    assert await run(services) == first
    with pytest.raises(KeyReused):
        await run(services, BODY + b" ")


async def test_after_a_day_it_is_forgotten(services: Services, kept: sqlite3.Connection) -> None:
    await begin(services)
    await tidy(services)
    assert kept.execute("SELECT count(*) FROM idempotency").fetchone() == (1,)
    with kept:
        kept.execute("UPDATE idempotency SET created = created - ?", (DAY,))
    await tidy(services)
    assert kept.execute("SELECT count(*) FROM idempotency").fetchone() == (0,)
