import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from openccp.store.cipher import Cipher
from openccp.store.connect import connect
from openccp.store.database import Database
from openccp.store.jobs import Jobs
from openccp.store.migrate import migrate
from openccp.testing.postgresql import NotInstalled, Server, running_server

TEMPLATE = "openccp_template"


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    try:
        with running_server() as server:
            with server.connect() as connection:
                connection.execute(f"CREATE DATABASE {TEMPLATE}".encode())
            migrate(server.url(TEMPLATE))
            yield server
    except NotInstalled as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'ccp.db'}"
    migrate(url)
    return url


@pytest.fixture
async def sqlite(sqlite_url: str) -> AsyncIterator[Database]:
    database = connect(sqlite_url)
    yield database
    await database.close()


@pytest.fixture
def postgresql_url(postgresql_server: Server) -> Iterator[str]:
    with postgresql_server.database(TEMPLATE) as name:
        yield postgresql_server.url(name)


@pytest.fixture
async def postgresql(postgresql_url: str) -> AsyncIterator[Database]:
    database = connect(postgresql_url)
    yield database
    await database.close()


BOTH = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql))


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = connect(url)
    yield opened
    await opened.close()


@pytest.fixture
def jobs_of_both(database: Database) -> Jobs:
    return Jobs(database, Cipher(b"k" * 32))


@pytest.fixture
def eventually() -> Callable[[asyncio.Event], Awaitable[None]]:
    async def wait(event: asyncio.Event) -> None:
        async with asyncio.timeout(20):
            await event.wait()

    return wait
