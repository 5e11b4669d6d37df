"""What is promised of the stored jobs, on the real databases: kills, locks, damage, secrets."""

import asyncio
import logging
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from openccp.core.job import Blame, Job, Phase, Status
from openccp.core.job_list import JobFilter
from openccp.core.queue import Load
from openccp.core.stores import Conflict
from openccp.store.cipher import Cipher
from openccp.store.connect import connect
from openccp.store.database import Database
from openccp.store.jobs import Jobs
from openccp.testing.stores import NOW, a_job, add, fill_jobs

ADDER = """
import asyncio, sys
from openccp.store.cipher import Cipher
from openccp.store.connect import connect
from openccp.store.jobs import Jobs
from openccp.testing.stores import a_job

async def one(jobs):
    while True:
        job = await jobs.add(a_job(), b"{}", {"s": "x"})
        sys.stdout.write(job.id + "\\n")
        sys.stdout.flush()

async def main():
    jobs = Jobs(connect(sys.argv[1]), Cipher(b"k" * 32))
    await asyncio.gather(*(one(jobs) for _ in range(8)))

asyncio.run(main())
"""


async def test_what_was_accepted_survives_a_kill(url: str) -> None:
    ids = await asyncio.to_thread(_add_until_killed, url)
    database = connect(url)
    jobs = Jobs(database, Cipher(b"k" * 32))
    for job_id in ids:
        assert await jobs.get(job_id) is not None
        assert await jobs.secrets(job_id) == {"s": "x"}
        assert len(await jobs.events(job_id)) == 1
    await database.close()


def _add_until_killed(url: str) -> list[str]:
    process = subprocess.Popen([sys.executable, "-c", ADDER, url], stdout=subprocess.PIPE)
    assert process.stdout is not None
    ids = [process.stdout.readline() for _ in range(100)]
    process.send_signal(signal.SIGKILL)
    ids += [line for line in process.stdout if line.endswith(b"\n")]
    process.wait()
    process.stdout.close()
    return [line.decode().strip() for line in ids]


async def test_two_platforms_on_one_database_share_no_job(url: str) -> None:
    """Two controllers by mistake: each job is leased once, and what the stale one says is lost."""
    databases = [connect(url) for _ in range(2)]
    stores = [Jobs(database, Cipher(b"k" * 32)) for database in databases]
    made = await asyncio.gather(*(add(stores[n % 2]) for n in range(200)))
    taken = await asyncio.gather(*(_claim_all(store, f"r{n}") for n, store in enumerate(stores)))
    assert sorted(job.id for some in taken for job in some) == sorted(job.id for job in made)
    assert all(job.fence == 1 for some in taken for job in some)
    again = await stores[1].claim("late", NOW + 60, 30, 200)
    assert {job.fence for job in again} == {2}
    for stale in taken[0]:
        with pytest.raises(Conflict):
            await stores[0].save(stale)
    for database in databases:
        await database.close()


async def _claim_all(store: Jobs, reconciler: str) -> list[Job]:
    taken: list[Job] = []
    while some := await store.claim(reconciler, NOW, 30, 7):
        taken += some
    return taken


async def test_a_cancelled_caller_does_not_stop_the_others(jobs_of_both: Jobs) -> None:
    tasks = [asyncio.create_task(add(jobs_of_both)) for _ in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    added = await asyncio.gather(*tasks, return_exceptions=True)
    kept = [job for job in added if isinstance(job, Job)]
    assert len(kept) >= 10
    assert all([await jobs_of_both.get(job.id) == job for job in kept])


async def test_a_failing_write_takes_only_itself_back(database: Database) -> None:
    jobs = Jobs(database, Cipher(b"k" * 32))
    job = await add(jobs)
    outcomes = await asyncio.gather(
        *(add(jobs, id=job.id) if n % 2 else add(jobs) for n in range(20)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, Job) for outcome in outcomes) == 10
    assert len((await jobs.page(JobFilter("ann", limit=100))).jobs) == 11


@pytest.mark.parametrize(
    "damage",
    ["handle = '{\"v\": 1'", "handle = '[]'", "failure = '{}'", "status = 'odd'", "phase = ''"],
)
async def test_a_damaged_job_fails_and_others_go_on(
    database: Database, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    jobs = Jobs(database, Cipher(b"k" * 32))
    damaged, well = await add(jobs), await add(jobs)
    change = text(f"UPDATE jobs SET {damage} WHERE id = :id")
    await database.write(lambda c: c.execute(change, {"id": damaged.id}).rowcount)
    with caplog.at_level(logging.ERROR):
        assert [job.id for job in await jobs.claim("r", NOW, 30, 9)] == [well.id]
    assert damaged.id in caplog.text
    failed = await jobs.get(damaged.id)
    assert failed is not None
    assert failed.failure is not None
    assert (failed.status, failed.phase) == (Status.FAILED, Phase.DONE)
    assert (failed.failure.blame, failed.failure.reason) == (Blame.PLATFORM, "internal")
    assert [event.kind for event in await jobs.events(damaged.id)] == ["accepted", "failed"]
    assert await jobs.claim("r", NOW + 99, 30, 9) == [
        replace(well, fence=2),
    ]


async def test_a_damaged_job_does_not_spoil_a_page(database: Database) -> None:
    jobs = Jobs(database, Cipher(b"k" * 32))
    made = [await add(jobs) for _ in range(3)]
    change = text("UPDATE jobs SET handle = 'x' WHERE id = :id")
    await database.write(lambda c: c.execute(change, {"id": made[1].id}).rowcount)
    page = (await jobs.page(JobFilter("ann"))).jobs
    assert {job.id for job in page if job.status is Status.FAILED} == {made[1].id}
    assert len(page) == 3


async def test_damaged_events_are_still_counted(database: Database) -> None:
    jobs = Jobs(database, Cipher(b"k" * 32))
    job = await add(jobs)
    change = text("UPDATE job_events SET data = '{'")
    await database.write(lambda c: c.execute(change).rowcount)
    assert [(event.seq, event.data) for event in await jobs.events(job.id)] == [(1, {})]


async def test_secrets_are_not_on_the_disk(sqlite_url: str, tmp_path: Path) -> None:
    database = connect(sqlite_url)
    jobs = Jobs(database, Cipher(b"k" * 32))
    await jobs.add(a_job(), b"{}", {"password": "correct-horse-battery"})
    assert not _holds(tmp_path, "correct-horse")
    assert _holds(tmp_path, "password")
    await database.close()
    assert not _holds(tmp_path, "correct-horse")


def _holds(folder: Path, needle: str) -> bool:
    """By a process of its own: closing the file here would drop the locks held on it."""
    grep = ["grep", "--recursive", "--quiet", "--text", "--fixed-strings", needle, str(folder)]
    return subprocess.run(grep, check=False).returncode == 0


async def test_the_database_file_is_private(sqlite: Database, tmp_path: Path) -> None:
    await add(Jobs(sqlite, Cipher(b"k" * 32)))
    assert {path.name for path in tmp_path.iterdir()} >= {"ccp.db", "ccp.db-wal"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())


async def test_new_jobs_and_stops_wake_a_reconciler(
    database: Database, eventually: Callable[[asyncio.Event], Awaitable[None]]
) -> None:
    woken = asyncio.Event()
    jobs = Jobs(database, Cipher(b"k" * 32))
    jobs.on_new_job(woken.set)
    if database.skips_locked:
        await eventually(woken)  # on connecting: what came before is not missed
    woken.clear()
    job = await add(jobs)
    await eventually(woken)
    woken.clear()
    await jobs.save(replace(job, stop_requested=NOW, phase=Phase.STOPPING))
    await eventually(woken)


async def test_counts_what_is_not_done(jobs_of_both: Jobs, database: Database) -> None:
    running = await add(jobs_of_both)
    await jobs_of_both.save(replace(running, status=Status.RUNNING))
    await add(jobs_of_both)
    await fill_jobs(database, 10, "bob", methods=("a", "b"))
    assert await jobs_of_both.loads() == {"local": Load(waiting=1, running=1)}
    page = await jobs_of_both.page(JobFilter("bob", limit=100, methods=("a",)))
    assert len(page.jobs) == 5


@pytest.mark.postgresql
def test_no_server_outlives_its_tests(postgresql_url: str) -> None:
    code = (
        "import os, signal, sys\n"
        "from openccp.testing.postgresql import running_server\n"
        "with running_server() as server:\n"
        "    print((server.folder / 'pg/postmaster.pid').read_text().split()[0], server.folder)\n"
        "    sys.stdout.flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=False)
    pid, folder = done.stdout.decode().split()
    descriptor = _open_process(int(pid))
    if descriptor is not None:
        assert _ended(descriptor)
    shutil.rmtree(folder)


def _open_process(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None


def _ended(descriptor: int) -> bool:
    ready, _, _ = select.select([descriptor], [], [], 20)
    os.close(descriptor)
    return bool(ready)
