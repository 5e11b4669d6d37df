"""Callbacks of a real platform to a real subscriber, verified as the documentation shows."""

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from tests.acceptance.official import FOLDER, validate
from tests.acceptance.receiver import Message, Receiver

from openccp.core.failpoint import VARIABLE
from openccp.testing.platform import CCP, RunningPlatform, User, bash_method

pytestmark = pytest.mark.sandbox
APART = 1.0
STEPS = 'for n in 10 50 90; do echo "$n step $n" >"$CCP_PROGRESS"; sleep 0.7; done; echo hi >a.txt'
OUTPUT = {"file": {"schema": {"type": "string"}, "x-ccp-path": "a.txt"}}
METHODS = (
    bash_method("works", STEPS, outputs=OUTPUT),
    bash_method("quick", "echo hi >a.txt", outputs=OUTPUT),
    bash_method("breaks", "exit 7"),
    bash_method("endless", "sleep 600"),
)


@dataclass
class World:
    platform: RunningPlatform
    receiver: Receiver
    user: User

    def run(self, process: str, **paths: str) -> str:
        subscriber = {name: self.receiver.url(path) for name, path in paths.items()}
        return str(self.user.run(process, subscriber=subscriber)["jobID"])

    def deliveries(self, **query: str) -> list[dict[str, Any]]:
        answer = self.user.http.get("/deliveries", params=query).json()
        found: list[dict[str, Any]] = answer["deliveries"]
        return found

    def delivery(self, job: str, state: str) -> dict[str, Any]:
        """The job's only delivery, once it is in a state."""
        (found,) = self.until(job, state)
        return found

    def until(self, job: str, state: str, seconds: float = 30) -> list[dict[str, Any]]:
        """The job's deliveries, once all are in a state."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.deliveries(jobID=job)
            if {it["state"] for it in found} == {state}:
                return found
            time.sleep(0.05)
        raise AssertionError(f"not {state}: {self.deliveries(jobID=job)}")

    def verified(self, message: Message) -> Any:
        return Webhook(secret(self.user)).verify(message.body, dict(message.headers))


def secret(user: User) -> str:
    return str(user.http.get("/account/webhook-secret").json()["secret"])


def official(document: Any, name: str) -> None:
    if FOLDER.is_dir():
        for version in ("part1-1.0", "part1-2.0"):
            validate(document, version, name)


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def platform_at(data: Path, port: int) -> RunningPlatform:
    """A platform that may call this machine at one port, and is quick to give up."""
    data.mkdir()
    (data / "openccp.toml").write_text(
        f'[fetch]\nallow_hosts = ["127.0.0.1"]\nports = [443, {port}]\n'
        f"[callbacks]\nhttp = true\nprogress_seconds = {APART}\nretry_seconds = [0.2, 0.2]\n"
    )
    return RunningPlatform(data)


def user_of(platform: RunningPlatform, name: str) -> User:
    user = platform.user(name)
    for made in METHODS:
        assert user.deploy({**made, "id": f"{made['id']}-{name}"}).status_code == 201
    return user


@pytest.fixture(scope="module")
def world(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    platform = platform_at(tmp_path_factory.mktemp("callbacks") / "data", receiver.port)
    platform.start()
    user = user_of(platform, "ada")
    yield World(platform, receiver, user)
    user.close()
    platform.stop()


@pytest.mark.requirement("1/1.0/callback/job-callback")
@pytest.mark.requirement("1/2.0/callback/job-callback")
def test_success_tells_where_the_results_are(world: World) -> None:
    job = world.run("quick-ada", successUri="/success", failedUri="/never")
    (message,) = world.receiver.wait_for("/success")
    results = world.verified(message)
    official(results, "results")
    assert list(results) == ["file"]
    assert results["file"]["href"] == f"{world.platform.url}/jobs/{job}/results/file"
    assert message.headers["content-type"] == "application/json"
    assert message.headers["link"] == f'<{world.platform.url}/jobs/{job}>; rel="monitor"'
    assert world.user.http.get(results["file"]["href"]).text == "hi\n"
    assert httpx2.get(results["file"]["href"], trust_env=False).status_code == 401
    told = world.delivery(job, "delivered")
    assert (told["id"], told["event"], told["attempts"]) == (message.id, "success", 1)
    assert not world.receiver.at("/never")


@pytest.mark.requirement("1/1.0/callback/job-callback")
@pytest.mark.requirement("1/2.0/callback/job-callback")
def test_progress_is_told_apart_and_never_after_the_end(world: World) -> None:
    job = world.run("works-ada", inProgressUri="/progress", successUri="/progress-end")
    (end,) = world.receiver.wait_for("/progress-end")
    messages = world.receiver.at("/progress")
    assert len(messages) >= 2
    for message in messages:
        status = world.verified(message)
        official(status, "statusInfo")
        assert (status["jobID"], status["status"]) == (job, "running")
    steps = [message.document.get("progress", 0) for message in messages]
    assert steps == sorted(steps)
    assert all(later.at - earlier.at > APART * 0.9 for earlier, later in pairwise(messages))
    assert messages[-1].at < end.at
    assert {it["event"] for it in world.deliveries(jobID=job)} == {"progress", "success"}


@pytest.mark.requirement("1/1.0/callback/job-callback")
@pytest.mark.requirement("1/2.0/callback/job-callback")
def test_failure_tells_why(world: World) -> None:
    job = world.run("breaks-ada", successUri="/never", failedUri="/failure")
    (message,) = world.receiver.wait_for("/failure")
    problem = world.verified(message)
    official(problem, "exception")
    assert problem["instance"] == f"{world.platform.url}/jobs/{job}"
    assert (problem["blame"], problem["exitCode"]) == ("method", 7)
    assert not world.receiver.at("/never")


@pytest.mark.requirement("1/1.0/callback/job-callback")
@pytest.mark.requirement("1/2.0/callback/job-callback")
def test_dismissal_is_told_as_failure(world: World) -> None:
    job = world.run("endless-ada", successUri="/never", failedUri="/dismissed")
    world.user.until(job, "executing")
    assert world.user.http.delete(f"/jobs/{job}").json()["status"] == "dismissed"
    (message,) = world.receiver.wait_for("/dismissed")
    problem = world.verified(message)
    official(problem, "exception")
    assert problem["type"].endswith("job-dismissed")
    assert problem["instance"].endswith(job)


def test_the_api_document_and_the_conformance_say_so(world: World) -> None:
    document = world.user.http.get("/api").json()
    execute = document["paths"]["/processes/quick-ada/execution"]["post"]
    assert set(execute["callbacks"]) == {"jobSuccess", "jobProgress", "jobFailure"}
    addresses = [next(iter(it)) for it in document["components"]["callbacks"].values()]
    assert "{$request.body#/subscriber/successUri}" in addresses
    declared = world.user.http.get("/conformance").json()["conformsTo"]
    assert sum(uri.endswith("/conf/callback") for uri in declared) == 2


# --- what goes wrong ----------------------------------------------------------------------------


def test_it_is_tried_again_until_it_is_given_up_and_then_by_hand(world: World) -> None:
    world.receiver.answers["/down"] = [500]
    job = world.run("quick-ada", successUri="/down")
    dead = world.delivery(job, "dead")
    assert (dead["attempts"], dead["detail"]) == (3, "It answered 500.")
    assert {message.id for message in world.receiver.at("/down")} == {dead["id"]}
    assert world.user.job(job)["status"] == "successful"
    assert dead["id"] in [it["id"] for it in world.deliveries(state="dead")]
    world.receiver.answers["/down"] = [202]
    answer = world.user.http.post(f"/deliveries/{dead['id']}/retry")
    assert (answer.status_code, answer.json()["state"]) == (200, "pending")
    assert world.delivery(job, "delivered")["attempts"] == 1
    again = world.user.http.post(f"/deliveries/{dead['id']}/retry")
    assert (again.status_code, again.json()["title"]) == (409, "Already delivered")
    assert len({message.body for message in world.receiver.at("/down")}) == 1


def test_an_address_that_is_gone_hears_nothing_more(world: World) -> None:
    world.receiver.answers["/gone"] = [410]
    job = world.run("works-ada", inProgressUri="/gone", successUri="/gone")
    world.user.wait(job)
    world.until(job, "gone")
    assert len(world.receiver.at("/gone")) == 1


def test_redirects_are_not_followed(world: World) -> None:
    world.receiver.answers["/moved"] = [302]
    job = world.run("quick-ada", successUri="/moved")
    assert world.delivery(job, "dead")["detail"] == "It answered 302."
    assert not world.receiver.at("/elsewhere")


def test_a_subscriber_that_hangs_holds_nobody(world: World) -> None:
    other = user_of(world.platform, "grace")
    world.receiver.slow.add("/hangs")
    world.receiver.holding.clear()
    job = world.run("quick-ada", successUri="/hangs")
    world.receiver.wait_for("/hangs")
    told = {"successUri": world.receiver.url("/prompt")}
    other.run("quick-grace", subscriber=told)
    world.receiver.wait_for("/prompt")
    assert len(world.receiver.at("/hangs")) == 1
    assert world.user.wait(job)["status"] == "successful"
    assert world.deliveries(jobID=job)[0]["state"] == "pending"
    world.receiver.holding.set()
    world.delivery(job, "delivered")
    other.close()


# --- who may, and whom --------------------------------------------------------------------------


def test_deliveries_and_secrets_are_ones_own(world: World) -> None:
    job = world.run("quick-ada", successUri="/own")
    own = world.delivery(job, "delivered")
    stranger = world.platform.user("mallory")
    assert stranger.http.get("/deliveries").json()["deliveries"] == []
    assert stranger.http.get(f"/deliveries?jobID={job}").json()["deliveries"] == []
    assert stranger.http.get(f"/deliveries/{own['id']}").status_code == 404
    assert stranger.http.post(f"/deliveries/{own['id']}/retry").status_code == 404
    assert world.user.http.get(f"/deliveries/{own['id']}").json() == own
    (message,) = world.receiver.at("/own")
    with pytest.raises(WebhookVerificationError):
        Webhook(secret(stranger)).verify(message.body, dict(message.headers))
    stranger.close()


def test_a_new_secret_and_the_old_one_verify_for_a_day(world: World) -> None:
    old = secret(world.user)
    made = world.user.http.post("/account/webhook-secret")
    assert made.headers["cache-control"] == "no-store"
    assert made.json()["secret"] != old
    assert made.json()["before"]["secret"] == old
    world.run("quick-ada", successUri="/rotated")
    (message,) = world.receiver.wait_for("/rotated")
    for known in (old, secret(world.user)):
        Webhook(known).verify(message.body, dict(message.headers))


def test_every_port_and_inner_address_is_refused_in_the_same_words(world: World) -> None:
    """A scan by subscriber learns nothing (security.md S-64)."""
    urls = [f"https://127.0.0.1:{port}/" for port in range(1, 61) if port != world.receiver.port]
    urls += ["http://10.0.0.1/", "http://[::1]/", "https://localhost/", "https://a@b.example/",
             "https://169.254.169.254/latest", "https://0x7f.1/", "https://intranet/"]  # fmt: skip
    told, times = set(), []
    for url in urls:
        body = {"inputs": {}, "subscriber": {"successUri": url}}
        began = time.monotonic()
        answer = world.user.http.post("/processes/quick-ada/execution", json=body)
        times.append(time.monotonic() - began)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == "/subscriber/successUri"
        told.add(answer.json()["detail"])
    assert len(told) == 1
    assert max(times) < 1


def test_an_inner_address_of_ccp_is_kept_and_dead(world: World) -> None:
    """What CCP's own scripts send keeps working, and is called by nobody."""
    inner = [{"successUri": "http://registry:8080/executions/outputs/archive-to-folder"}]
    job = str(world.user.run("quick-ada", subscribers=inner)["jobID"])
    assert world.user.wait(job)["status"] == "successful"
    dead = world.delivery(job, "dead")
    assert dead["attempts"] == 1
    assert dead["url"] == inner[0]["successUri"]


def test_a_removed_job_takes_its_deliveries_along(world: World) -> None:
    job = world.run("quick-ada", successUri="/removed")
    world.user.wait(job)
    world.delivery(job, "delivered")
    assert world.user.http.delete(f"/jobs/{job}").status_code == 200
    assert world.deliveries(jobID=job) == []


def test_the_list_has_pages_and_refuses_what_it_does_not_know(world: World) -> None:
    job = world.run("works-ada", inProgressUri="/paged", successUri="/paged")
    world.user.wait(job)
    seen: list[str] = []
    address = "/deliveries?limit=1"
    while address:
        answer = world.user.http.get(address).json()
        seen += [it["id"] for it in answer["deliveries"]]
        address = next((it["href"] for it in answer["links"] if it["rel"] == "next"), "")
    assert len(seen) == len(set(seen)) >= 2
    for query in ("state=lost", "after=x", "nothing=1", "limit=0"):
        assert world.user.http.get(f"/deliveries?{query}").status_code == 400


def test_the_command_shows_the_secret(world: World) -> None:
    for more in ((), ("--new",)):
        done = subprocess.run(
            [*CCP, "webhook-secret", *more],
            env={**os.environ, "CCP_URL": world.platform.url, "CCP_TOKEN": world.user.token},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=60,
        )
        assert done.stdout.strip() == secret(world.user)


# --- restarts and kills -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mortal(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    platform = platform_at(tmp_path_factory.mktemp("mortal") / "data", receiver.port)
    platform.start()
    user = user_of(platform, "eve")
    yield World(platform, receiver, user)
    user.close()
    platform.kill()


def test_what_waits_is_delivered_after_a_restart(mortal: World) -> None:
    mortal.receiver.answers["/later"] = [503]
    job = mortal.run("quick-eve", successUri="/later")
    mortal.receiver.wait_for("/later")
    mortal.platform.stop()
    mortal.receiver.answers["/later"] = [200]
    mortal.platform.start()
    dead = mortal.deliveries(jobID=job)[0]
    if dead["state"] == "dead":
        mortal.user.http.post(f"/deliveries/{dead['id']}/retry")
    told = mortal.delivery(job, "delivered")
    assert {message.id for message in mortal.receiver.at("/later")} == {told["id"]}


@pytest.mark.parametrize(
    ("place", "times"), [("collect.saved", 1), ("callback.before", 1), ("callback.after", 2)]
)
def test_a_kill_loses_no_callback(mortal: World, place: str, times: int) -> None:
    path = f"/{place}"
    mortal.platform.stop()
    mortal.platform.environment = {VARIABLE: f"{place}:kill9"}
    mortal.platform.start()
    job = mortal.run("quick-eve", successUri=path)
    process = mortal.platform.process
    assert process is not None
    assert process.wait(30) == -9
    mortal.platform.kill()
    mortal.platform.environment = {}
    mortal.platform.start()
    told = mortal.delivery(job, "delivered")
    messages = mortal.receiver.at(path)
    assert len(messages) == times
    assert {message.id for message in messages} == {told["id"]}
    assert mortal.user.wait(job)["status"] == "successful"
