"""Faults around the jobs: broken records, late and repeated wishes, too many clients, kills."""

import asyncio
import contextlib
import json
import os
import resource
import select
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
import uvicorn

from openccp.app.catalogue import Catalogue
from openccp.app.changes import Changes
from openccp.app.outbox import Outbox
from openccp.app.perform import Surroundings
from openccp.app.reconcile import Reconciler
from openccp.app.services import Rules
from openccp.core.failpoint import PLACES, VARIABLE, Injected, failpoint, read
from openccp.core.job import Job, Status
from openccp.core.problems import Unavailable
from openccp.core.queue import Room
from openccp.testing.ledger import leftovers, processes_of
from openccp.testing.memory import (
    MemoryJobs,
    NoFiles,
    ScriptedInfrastructure,
    TestClock,
)
from openccp.testing.platform import RunningPlatform, User, bash_method
from openccp.web.callbacks import failure, progress
from openccp.web.connection import HEAD_BYTES, BoundedHttp

SOURCES = Path(__file__).parents[2] / "src/openccp/app"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[RunningPlatform]:
    """A platform of this test alone, which it may break."""
    platform = RunningPlatform(tmp_path / "data")
    yield platform
    platform.stop()


# --- failpoints ---------------------------------------------------------------------------------


def test_every_place_is_in_the_code_once() -> None:
    text = "".join(path.read_text() for path in SOURCES.glob("*.py"))
    assert {place: text.count(f'failpoint("{place}")') for place in PLACES} == dict.fromkeys(
        PLACES, 1
    )


def test_a_place_that_does_not_exist_is_refused() -> None:
    for text in ("nowhere:kill9", "claim.after", "claim.after:sing", "claim.after:kill9:x"):
        with pytest.raises(ValueError, match=VARIABLE):
            read(text)


def test_a_fault_happens_once_and_only_where_it_should() -> None:
    reach = read("claim.after:raise:2")
    reach("claim.after")
    reach("intent.after")
    with pytest.raises(Injected):
        reach("claim.after")
    reach("claim.after")
    failpoint("claim.after")


class FailingOnce(MemoryJobs):
    """A store whose first claim fails, as when its disk is full."""

    failed = False

    async def claim(
        self,
        reconciler: str,
        now: float,
        lease: float,
        limit: int,
        rooms: Mapping[str, Room] | None = None,
    ) -> list[Job]:
        if not self.failed:
            self.failed = True
            raise Unavailable(retry_after=1)
        return await super().claim(reconciler, now, lease, limit, rooms)


class NoMethods:
    """Every method is gone: jobs are given up as soon as they are claimed."""

    async def revision(self, method_id: str, number: int) -> None:
        return None


async def test_a_failed_claim_is_tried_again() -> None:
    jobs, clock = FailingOnce(), TestClock()
    catalogue = Catalogue(NoMethods(), clock)  # type: ignore[arg-type]
    around = Surroundings(
        jobs=jobs,
        catalogue=catalogue,
        files=NoFiles(),
        infrastructures={"local": ScriptedInfrastructure(slots=1)},
        changes=Changes(),
        outbox=Outbox(jobs, catalogue, NoFiles(), "", progress, failure),
        clock=clock,
        rules=Rules(),
    )
    reconciler = Reconciler(around, "one")
    reconciler.round()
    await reconciler.settle()
    with pytest.raises(Unavailable):
        reconciler.round()
    await jobs.add(Job("j", "m", 1, "o", "default", "local", clock(), clock()), b"{}", {})
    reconciler.wake("j")
    for _ in range(4):
        reconciler.round()
        await reconciler.settle()
    job = await jobs.get("j")
    assert job is not None
    assert (job.status, job.failure and job.failure.reason) == (Status.FAILED, "internal")


# --- records and wishes -------------------------------------------------------------------------


@pytest.mark.sandbox
def test_a_broken_record_stops_nobody_else(own: RunningPlatform) -> None:
    own.arguments = ("--hold",)
    own.start()
    user = own.user("ada")
    broken, whole = (user.run("hello-bash")["jobID"] for _ in range(2))
    own.stop()
    with contextlib.closing(sqlite3.connect(own.data / "openccp.db")) as database:
        database.execute("UPDATE job_requests SET body = ? WHERE job_id = ?", (b"{broken", broken))
        database.commit()
    own.arguments = ()
    own.start()
    assert user.wait(whole)["status"] == "successful"
    ended = user.wait(broken, 30)
    assert (ended["status"], ended["exception"]["reason"]) == ("failed", "internal")
    assert "broken" not in json.dumps(ended["exception"])
    user.close()


@pytest.mark.sandbox
def test_a_wish_to_stop_while_nothing_is_dispatched(own: RunningPlatform) -> None:
    own.arguments = ("--hold",)
    own.start()
    user = own.user("ada")
    job = user.run("hello-bash")["jobID"]
    answer = user.http.delete(f"/jobs/{job}")
    assert (answer.status_code, answer.json()["status"]) == (200, "dismissed")
    own.kill()
    own.arguments = ()
    own.start()
    assert user.wait(job)["status"] == "dismissed"
    instance = user.http.get(f"/executions/{job}/metadata/instance.json").json()
    assert instance["attempt"] == 0
    user.close()


@pytest.mark.sandbox
@pytest.mark.parametrize("phase", ["deploying", "executing"])
def test_dismissing_in_a_phase_three_times(
    platform: RunningPlatform, user: User, phase: str
) -> None:
    scripts = {"deploying": ("sleep 600", "true"), "executing": ("true", "sleep 600")}
    deploy, execute = scripts[phase]
    made = bash_method(f"{phase}-{id(user)}", execute, deploy=deploy, undeploy="sleep 1")
    assert user.deploy(made).status_code == 201
    job = user.run(made["id"])["jobID"]
    user.until(job, phase)
    for _ in range(3):
        began = time.monotonic()
        answer = user.http.delete(f"/jobs/{job}")
        assert time.monotonic() - began < 1
        assert (answer.status_code, answer.json()["status"]) == (200, "dismissed")
    assert user.wait(job)["status"] == "dismissed"
    assert leftovers(job, platform.data) == []


@pytest.mark.sandbox
def test_dismissing_while_undeploying_changes_nothing(user: User) -> None:
    made = bash_method(f"tidying-{id(user)}", "echo kept >a.txt", undeploy="sleep 2")
    assert user.deploy(made).status_code == 201
    job = user.run(made["id"])["jobID"]
    user.until(job, "undeploying")
    early = user.http.delete(f"/jobs/{job}")
    assert (early.status_code, early.headers["retry-after"]) == (503, "1")
    assert user.wait(job)["status"] == "successful"
    assert user.http.get(f"/executions/{job}/outputs/a.txt").text == "kept\n"


def test_a_hundred_times_the_same_key_is_one_job(user: User) -> None:
    address = f"{user.url}/processes/hello-bash/execution"
    headers = {"Idempotency-Key": "the same", "Authorization": f"Bearer {user.token}"}

    def post(_: int) -> tuple[int, str]:
        answer = httpx2.post(address, json={"inputs": {}}, headers=headers, trust_env=False)
        return answer.status_code, answer.json()["jobID"]

    with ThreadPoolExecutor(20) as threads:
        answers = Counter(threads.map(post, range(100)))
    assert len(answers) == 1
    assert len(user.http.get("/jobs").json()["jobs"]) == 1


# --- readers, and more clients than there is room for -------------------------------------------


@pytest.mark.slow
@pytest.mark.sandbox
def test_a_log_reader_goes_on_after_a_kill(own: RunningPlatform) -> None:
    own.start()
    user = own.user("ada")
    script = "for i in $(seq 1 60); do echo line $i; sleep 0.1; done"
    assert user.deploy(bash_method("ticks", script)).status_code == 201
    job = user.run("ticks")["jobID"]
    user.until(job, "executing")
    assert own.process is not None
    killer = threading.Timer(2.5, own.process.send_signal, [signal.SIGKILL])
    killer.start()
    text, position = read_log(user, job, "")
    killer.join()
    assert 0 < len(text) < len(whole_log())
    own.kill()
    own.start()
    rest, _ = read_log(user, job, position)
    assert text + rest == whole_log() == user.http.get(f"/jobs/{job}/logs").text
    user.close()


def whole_log() -> str:
    return "".join(f"line {i}\n" for i in range(1, 61))


def read_log(user: User, job: str, position: str) -> tuple[str, str]:
    """Follow the log until its end or the server's; the text, and where to go on."""
    text, headers = "", {"Accept": "text/event-stream", "Last-Event-ID": position}
    with (
        contextlib.suppress(httpx2.TransportError),
        user.http.stream("GET", f"/jobs/{job}/logs", headers=headers, timeout=60) as lines,
    ):
        for line in lines.iter_lines():
            if line.startswith("id: "):
                position = line.removeprefix("id: ")
            elif line.startswith('data: {"stream"'):
                text += json.loads(line.removeprefix("data: "))["text"]
    return text, position


def served_again(user: User, seconds: float = 10) -> None:
    """Return at the first answer: connections are hung up on until the crowd's ends are seen."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            assert user.http.get("/health").status_code == 200
        except httpx2.TransportError:
            assert time.monotonic() < deadline, "not served again"
        else:
            return


@pytest.mark.slow
@pytest.mark.sandbox
def test_more_clients_than_files_may_be_open(own: RunningPlatform) -> None:
    own.start()
    user = own.user("ada")
    assert own.process is not None
    resource.prlimit(own.process.pid, resource.RLIMIT_NOFILE, (128, 4096))
    crowd = []
    for _ in range(300):
        line = socket.socket()
        line.setblocking(False)
        line.connect_ex(("127.0.0.1", own.port))
        crowd.append(line)
    select.select([], crowd, [], 5)
    for line in crowd:
        line.close()
    served_again(user)
    assert user.finish("hello-bash")["status"] == "successful"
    assert own.process.poll() is None
    user.close()


# --- heads of requests --------------------------------------------------------------------------


@pytest.fixture
async def bounded() -> AsyncIterator[int]:
    """The port of a small application behind bounded connections."""

    async def app(scope: object, receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]

    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=BoundedHttp, lifespan="off", log_level="critical")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listening]))
    yield int(listening.getsockname()[1])
    server.should_exit = True
    await serving


async def exchange(port: int, *parts: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"
CLOSE = b"Connection: close\r\n\r\n"


async def test_a_head_of_usual_size_is_served(bounded: int) -> None:
    large = b"X: " + b"x" * (HEAD_BYTES // 2) + b"\r\n"
    assert b" 204 " in await exchange(bounded, HEAD, large, CLOSE)
    many = [HEAD + b"\r\n"] * 50
    assert (await exchange(bounded, b"".join(many), HEAD + CLOSE)).count(b" 204 ") == 51


@pytest.mark.parametrize("part", [b"x" * 4096, b"X: y\r\n" * 700], ids=["one", "many"])
async def test_a_head_without_end_is_refused(bounded: int, part: bytes) -> None:
    answer = await exchange(bounded, HEAD, b"X: ", *[part] * 200)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"application/problem+json" in answer
    assert b"xxxx" not in answer


async def test_what_is_no_http_gets_a_problem(bounded: int) -> None:
    answer = await exchange(bounded, b"BREW / HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["type"] == "urn:openccp:problem:not-http"


async def test_a_head_that_never_comes_is_hung_up_on(
    bounded: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openccp.web.connection.HEAD_SECONDS", 0.2)
    assert await exchange(bounded) == b""
    assert await exchange(bounded, HEAD) == b""


# --- a full disk --------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MiB, where this may be mounted."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.slow
@pytest.mark.sandbox
def test_a_full_disk_is_survived(small_disk: Path) -> None:
    platform = RunningPlatform(small_disk / "data")
    platform.start()
    try:
        user = platform.user("ada")
        made = bash_method("slowly", "sleep 4; head -c 3000000 /dev/urandom >a.bin")
        assert user.deploy(made).status_code == 201
        job = user.run("slowly")["jobID"]
        user.until(job, "executing")
        filled = fill(small_disk / "filler")
        assert filled > 1 << 20
        assert user.http.get("/jobs").status_code == 200
        statuses = {submitted(user) for _ in range(20)}
        assert statuses == {503}
        eventually(lambda: not processes_of(job))
        time.sleep(2)  # some tries to keep its files fail; there is no room to say so in the log
        assert user.job(job)["status"] == "running"
        (small_disk / "filler").unlink()
        assert user.wait(job)["status"] == "successful"
        assert len(user.http.get(f"/executions/{job}/outputs/a.bin").content) == 3_000_000
        assert user.finish("hello-bash")["status"] == "successful"
        user.close()
    finally:
        platform.stop()
    with contextlib.closing(sqlite3.connect(platform.data / "openccp.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def eventually(true: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for what another process does."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def fill(path: Path) -> int:
    """Write until the disk is full; how much that was."""
    size = 0
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            size += file.write(b"x" * 65_536)
    return size


def submitted(user: User) -> int:
    body = {"inputs": {"ccpnote": "x" * 2000}}
    return user.http.post("/processes/hello-bash/execution", json=body).status_code
