"""kill -9 of the server at every place of a job's life; the jobs themselves say what happened."""

import json
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from openccp.core.failpoint import PLACES, VARIABLE
from openccp.testing.ledger import PIPE, Ledger, leftovers, processes_of
from openccp.testing.platform import RunningPlatform, User, bash_method

pytestmark = pytest.mark.sandbox

DECIDED_WITHIN = 30.0
RUN = f"""n=$RANDOM$RANDOM
say() {{ echo "$1 $CCP_JOB$2" >{PIPE}; }}
say start; say life " $n"
echo "working $n"
for i in 1 2 3 4; do sleep 0.2; echo "tick $i"; done
echo "$n" >result.txt
say end; say life " $n" """
UNDEPLOY = f'echo "undeploy $CCP_JOB" >{PIPE}; sleep 0.3; echo "undeployed $CCP_JOB" >{PIPE}'
FAST = {"claim.after", "submit.after", "collect.after", "undeploy.saved", "accept.after"}
STOPPED = {"dismiss.saved", "stop.after"}
STARTED = {"start.before", "start.after"}
CALLBACKS = {"callback.before", "callback.after"}
APART = STOPPED | STARTED | CALLBACKS
LIVES = [
    pytest.param(place, marks=() if place in FAST else pytest.mark.slow)
    for place in PLACES
    if place not in APART
]


@dataclass
class World:
    """A platform that gets killed, its ledger, and one user."""

    platform: RunningPlatform
    ledger: Ledger
    user: User

    def start(self, failpoint: str = "") -> None:
        self.platform.environment = {VARIABLE: failpoint} if failpoint else {}
        self.platform.start()

    def died(self) -> None:
        """Wait for the kill: a place that is never reached fails the test."""
        process = self.platform.process
        assert process is not None
        assert process.wait(30) == -signal.SIGKILL
        self.platform.kill()

    def post(self, key: str, method: str = "ledger") -> str | None:
        """Submit; None where the server died before it answered."""
        body: dict[str, Any] = {"inputs": {}}
        try:
            answer = self.user.http.post(
                f"/processes/{method}/execution", json=body, headers={"Idempotency-Key": key}
            )
        except httpx2.TransportError:
            return None
        assert answer.status_code == 201, answer.text
        return str(answer.json()["jobID"])

    def decided(self, job: str, began: float) -> dict[str, Any]:
        left = DECIDED_WITHIN - (time.monotonic() - began)
        return self.user.wait(job, max(0.1, left))

    def told(self, job: str) -> dict[str, int]:
        """What the job said, without the nonces."""
        facts = self.ledger.facts()
        words = ("start", "end", "undeploy", "undeployed")
        return {word: facts[f"{word} {job}"] for word in words if facts[f"{word} {job}"]}

    def lives(self, job: str) -> list[int]:
        """For every process that ran the script: 1 if it only began, 2 if it also ended."""
        return [n for fact, n in self.ledger.facts().items() if fact.startswith(f"life {job}")]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    ledger = Ledger()
    data = tmp_path_factory.mktemp("kill") / "data"
    data.mkdir()
    (data / "openccp.toml").write_text(
        f"[local]\nslots = 8\nimages = {{ ledger = {json.dumps(str(ledger.root))} }}\n"
        "[limits]\ngrace = 1\n"
    )
    platform = RunningPlatform(data)
    platform.start()
    try:
        user = prepared(platform)
        platform.stop()
        yield World(platform, ledger, user)
        user.close()
    finally:
        platform.kill()
        ledger.close()


def prepared(platform: RunningPlatform) -> User:
    """A user with two methods that tell the ledger what they do."""
    user = platform.user("ada")
    image = {"schema": {"type": "string", "default": "ledger"}, "title": "Runtime"}
    output = {"result": {"schema": {"type": "string"}, "x-ccp-path": "result.txt"}}
    for name, script in (("ledger", RUN), ("endless", RUN + "\nsleep 600")):
        made = bash_method(
            name, script, undeploy=UNDEPLOY, inputs={"ccpimage": image}, outputs=output
        )
        answer = user.deploy(made)
        assert answer.status_code == 201, answer.text
    return user


@pytest.fixture
def stopped(world: World) -> Iterator[World]:
    yield world
    world.platform.kill()


ONCE = {"start": 1, "end": 1, "undeploy": 1, "undeployed": 1}


def whole(world: World, job: str) -> None:
    """The job ran once from its first to its last line, and its record says the same."""
    assert world.told(job) == ONCE
    assert world.lives(job) == [2]
    logs = world.user.http.get(f"/jobs/{job}/logs").text.split("\n")
    nonce = logs[0].removeprefix("working ")
    assert logs == [f"working {nonce}", *(f"tick {i}" for i in range(1, 5)), ""]
    assert world.user.http.get(f"/jobs/{job}/results/result").text == f"{nonce}\n"
    instance = world.user.http.get(f"/executions/{job}/metadata/instance.json").json()
    assert instance["attempt"] == 1
    assert leftovers(job, world.platform.data) == []


@pytest.mark.parametrize("place", LIVES)
def test_no_kill_loses_a_job_or_starts_it_twice(stopped: World, place: str) -> None:
    world, key = stopped, f"{place}-{time.monotonic_ns()}"
    world.start(f"{place}:kill9")
    job = world.post(key)
    world.died()
    began = time.monotonic()
    world.start()
    assert (job is None) == place.startswith("accept.")
    again = world.post(key)
    assert again is not None
    assert job in (None, again)
    assert world.decided(again, began)["status"] == "successful"
    whole(world, again)


@pytest.mark.slow
@pytest.mark.parametrize("place", [place for place in PLACES if place not in APART])
def test_a_fault_is_decided_anew(stopped: World, place: str) -> None:
    world, key = stopped, f"raise-{place}-{time.monotonic_ns()}"
    world.start(f"{place}:raise")
    body: dict[str, Any] = {"inputs": {}}
    headers = {"Idempotency-Key": key}
    began = time.monotonic()
    first = world.user.http.post("/processes/ledger/execution", json=body, headers=headers)
    assert first.status_code == (500 if place.startswith("accept.") else 201)
    assert "failpoint" not in first.text
    job = world.post(key) or world.post(key)  # a server that failed hangs up
    assert job is not None
    assert world.decided(job, began)["status"] == "successful"
    whole(world, job)


@pytest.mark.parametrize("place", sorted(STARTED))
def test_no_kill_starts_a_created_job_twice_or_never(stopped: World, place: str) -> None:
    world = stopped
    world.start(f"{place}:kill9")
    answer = world.user.http.post("/jobs", json={"process": "ledger", "inputs": {}})
    job = str(answer.json()["id"])
    with pytest.raises(httpx2.TransportError):
        world.user.http.post(f"/jobs/{job}/results")
    world.died()
    world.start()
    began = time.monotonic()
    if place == "start.before":
        assert world.user.job(job)["status"] == "created"
    again = world.user.http.post(f"/jobs/{job}/results")
    assert again.status_code == 200
    assert again.json()["status"] != "created"
    assert world.decided(job, began)["status"] == "successful"
    whole(world, job)


@pytest.mark.slow
@pytest.mark.parametrize("place", sorted(STOPPED))
def test_a_dismissal_outlives_the_server(stopped: World, place: str) -> None:
    world = stopped
    world.start(f"{place}:kill9")
    job = world.post(f"{place}-{time.monotonic_ns()}", "endless")
    assert job is not None
    world.ledger.wait(f"start {job}")
    try:
        world.user.http.delete(f"/jobs/{job}")
    except httpx2.TransportError:
        assert place == "dismiss.saved"
    world.died()
    began = time.monotonic()
    world.start()
    assert world.decided(job, began)["status"] == "dismissed"
    told = world.told(job)
    assert (told["start"], told["undeploy"]) == (1, 1)
    assert leftovers(job, world.platform.data) == []


def test_a_job_that_ended_while_nobody_watched(stopped: World) -> None:
    world = stopped
    world.start()
    job = world.post(f"alone-{time.monotonic_ns()}")
    assert job is not None
    world.ledger.wait(f"start {job}")
    world.platform.kill()
    world.ledger.wait(f"end {job}")
    assert world.told(job) == {"start": 1, "end": 1}
    began = time.monotonic()
    world.start()
    assert world.decided(job, began)["status"] == "successful"
    whole(world, job)


def test_a_graceful_end_leaves_jobs_running(stopped: World) -> None:
    world = stopped
    world.start()
    job = world.post(f"term-{time.monotonic_ns()}", "endless")
    assert job is not None
    world.ledger.wait(f"start {job}")
    before = processes_of(job)
    began = time.monotonic()
    world.platform.stop()
    assert time.monotonic() - began < 10
    assert processes_of(job) == before != []
    world.start()
    assert processes_of(job) == before
    world.user.http.delete(f"/jobs/{job}")
    assert world.user.wait(job)["status"] == "dismissed"
    assert world.told(job)["start"] == 1
    assert leftovers(job, world.platform.data) == []


@pytest.mark.slow
def test_ten_kills_at_random_with_twenty_jobs(stopped: World) -> None:
    world, seed = stopped, random.randrange(1 << 30)
    chance = random.Random(seed)
    keys = {f"many-{seed}-{n}": None for n in range(20)}
    jobs: dict[str, str | None] = dict(keys)
    for _ in range(10):
        world.start()
        until = time.monotonic() + chance.uniform(0.05, 0.8)
        for key in [key for key, job in jobs.items() if job is None]:
            if time.monotonic() > until:
                break
            jobs[key] = world.post(key)
        time.sleep(max(0.0, until - time.monotonic()))
        world.platform.kill()
    world.start()
    began = time.monotonic()
    for key, job in jobs.items():
        again = world.post(key)
        assert job in (None, again), f"seed {seed}"
        jobs[key] = again
    for job in jobs.values():
        assert job is not None
        assert world.decided(job, began)["status"] == "successful", f"seed {seed}"
        whole(world, job)


def test_the_ledger_sees_a_second_start(stopped: World) -> None:
    """What it takes to be started twice: the platform forgets a run that still goes on."""
    world = stopped
    world.start()
    job = world.post(f"forgotten-{time.monotonic_ns()}")
    assert job is not None
    world.ledger.wait(f"start {job}")
    world.platform.kill()
    for place in (world.platform.data / "local", *Path("/dev/shm").glob("openccp-*")):
        for folder in place.rglob(f"ccp-{job}-1"):
            folder.rename(folder.with_name(f".taken-{job}"))
    world.start()
    world.user.wait(job)
    assert world.told(job)["start"] == 2
