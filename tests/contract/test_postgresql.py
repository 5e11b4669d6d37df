"""PostgreSQL only: lost connections, lost replies to COMMIT, listening across processes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from openccp.core.job_list import JobFilter
from openccp.core.problems import Unavailable
from openccp.store.cipher import Cipher
from openccp.store.connect import connect
from openccp.store.database import CommitUnknown, Database
from openccp.store.jobs import Jobs
from openccp.testing.postgresql import Server
from openccp.testing.stores import a_job, add

pytestmark = pytest.mark.postgresql
KILL_ALL = b"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"


class Proxy:
    """Stands between the platform and the server, and may swallow the reply to a COMMIT."""

    def __init__(self, server: Path) -> None:
        self._server = server
        self._sessions: set[asyncio.Task[None]] = set()
        self.swallow = 0

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._sessions.add(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to_server = await asyncio.open_unix_connection(self._server)
        committing = asyncio.Event()

        async def requests() -> None:
            while content := await reader.read(65536):
                if self.swallow and b"COMMIT\0" in content:
                    committing.set()
                to_server.write(content)

        async def replies() -> None:
            while content := await there.read(65536):
                if committing.is_set():
                    self.swallow -= 1
                    return
                writer.write(content)

        sides = {asyncio.create_task(requests()), asyncio.create_task(replies())}
        await asyncio.wait(sides, return_when=asyncio.FIRST_COMPLETED)
        for side in sides:
            side.cancel()
        await asyncio.wait(sides)
        to_server.close()
        writer.close()

    async def finish(self) -> None:
        await asyncio.gather(*self._sessions)


@asynccontextmanager
async def _proxied(url: str, folder: Path) -> AsyncIterator[tuple[Proxy, Database]]:
    plain, _, host = url.partition("?host=")
    proxy = Proxy(Path(host) / ".s.PGSQL.5432")
    listener = await asyncio.start_unix_server(proxy.accept, folder / ".s.PGSQL.5432")
    database = connect(f"{plain}?host={folder}")
    try:
        yield proxy, database
    finally:
        await database.close()
        await proxy.finish()
        listener.close()
        await listener.wait_closed()


async def test_a_lost_reply_to_commit_makes_one_job(postgresql_url: str, tmp_path: Path) -> None:
    async with _proxied(postgresql_url, tmp_path) as (proxy, database):
        jobs = Jobs(database, Cipher(b"k" * 32))
        await add(jobs)
        proxy.swallow = 1
        job = await jobs.add(a_job(), b"{}", {})
        assert proxy.swallow == 0
        assert await jobs.get(job.id) == job
        assert len((await jobs.page(JobFilter("ann"))).jobs) == 2
        proxy.swallow = 1
        with pytest.raises(CommitUnknown):
            await jobs.save(job)
        kept = await jobs.get(job.id)
        assert kept is not None
        assert kept.version == 1


async def test_lost_connections_are_replaced(
    postgresql: Database, postgresql_url: str, postgresql_server: Server
) -> None:
    jobs = Jobs(postgresql, Cipher(b"k" * 32))
    await asyncio.gather(*(add(jobs) for _ in range(5)))
    name = _name(postgresql_url)
    with postgresql_server.connect() as connection:
        connection.execute(KILL_ALL, [name])
    job = await add(jobs)
    with postgresql_server.connect() as connection:
        connection.execute(KILL_ALL, [name])
    assert await jobs.get(job.id) == job


def _name(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


async def test_a_listener_comes_back(
    postgresql: Database,
    postgresql_url: str,
    postgresql_server: Server,
    eventually: Callable[[asyncio.Event], Awaitable[None]],
) -> None:
    woken = asyncio.Event()
    Jobs(postgresql, Cipher(b"k" * 32)).on_new_job(woken.set)
    await eventually(woken)
    woken.clear()
    with postgresql_server.connect() as connection:
        connection.execute(KILL_ALL, [_name(postgresql_url)])
    await eventually(woken)
    woken.clear()
    other = connect(postgresql_url)
    await add(Jobs(other, Cipher(b"k" * 32)))
    await eventually(woken)
    await other.close()


async def test_no_server_is_unavailable(tmp_path: Path) -> None:
    database = connect(f"postgresql://postgres@/ccp?host={tmp_path}")
    with pytest.raises(Unavailable) as refused:
        await add(Jobs(database, Cipher(b"k" * 32)))
    assert refused.value.retry_after
    await database.close()
