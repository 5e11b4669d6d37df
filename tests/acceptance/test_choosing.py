"""Several infrastructures in one platform: which one takes a job, and who may use which."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from openccp.core.promises import Measured, Measurement
from openccp.files.measurements import KeptMeasurements
from openccp.testing.platform import RunningPlatform, User, bash_method
from openccp.testing.plugins import bring_kinds

SETTINGS = """
[local]
priority = -1
sizes = { brief = { wall_seconds = 0.5 } }

[infrastructures.fast]
kind = "simulated"
priority = 5
slots = 2
limits = { replicas = 2, wall_seconds = 60 }
sizes = { quick = { wall_seconds = 5, memory_bytes = 67108864 } }

[infrastructures.asked]
kind = "simulated"
default = false
seconds = 600
slots = 1
queue = { user = 3 }

[infrastructures.theirs]
kind = "simulated"
contexts = ["vre"]
priority = 9

[infrastructures.leaky]
kind = "simulated"
default = false

[infrastructures.away]
kind = "docker"
address = "unix:///nowhere.sock"
priority = 7
"""


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlatform]:
    folder = tmp_path_factory.mktemp("several")
    (folder / "data").mkdir()
    (folder / "data" / "openccp.toml").write_text(SETTINGS)
    found = (Measurement("pids", False, "cgroup v2", "60 processes"),)
    KeptMeasurements(folder / "data").keep("leaky", Measured(1.0, "1", found))
    kinds = bring_kinds(folder / "kinds")
    running = RunningPlatform(folder / "data", {"PYTHONPATH": f"{kinds}:{Path('src').resolve()}"})
    running.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(kinds))
        yield running
    running.stop()


@pytest.fixture
def ann(several: RunningPlatform) -> Iterator[User]:
    made = several.user("ann")
    yield made
    made.close()


def a_method(user: User, *names: str, **more: Any) -> str:
    name = f"chosen-{'-'.join(names)}-{id(user)}-{len(more)}"
    links = [{"rel": "compatibleWith", "href": f"infrastructures/{one}"} for one in names]
    replicas = {"schema": {"type": "integer", "default": 1}, "title": "Replicas"}
    method = bash_method(name, "true", inputs={"ccpreplicas": replicas}, links=links, **more)
    assert user.deploy(method).status_code == 201
    return name


def place(user: User, job: dict[str, Any]) -> str:
    record = user.http.get(f"/executions/{job['jobID']}/metadata/instance.json").json()
    return str(record["infrastructure"])


def refusal(user: User, process: str, **body: Any) -> dict[str, Any]:
    answer = user.http.post(f"/processes/{process}/execution", json=body)
    assert answer.status_code == 400, answer.text
    problem: dict[str, Any] = answer.json()
    return problem


def test_the_platform_chooses(ann: User) -> None:
    ann.http.get("/infrastructures")
    assert place(ann, ann.run(a_method(ann))) == "fast"
    assert place(ann, ann.run(a_method(ann, "local"))) == "local"
    assert place(ann, ann.run(a_method(ann, "asked"))) == "asked"
    assert place(ann, ann.run(a_method(ann, "asked", "fast"))) == "fast"


def test_a_user_names_one(ann: User) -> None:
    both = a_method(ann, "local", "fast")
    assert place(ann, ann.run(both, infrastructure="local")) == "local"
    made = ann.http.get(
        f"/processes/{both}/execution?infrastructure=local&response[prefer]=respond-async"
    )
    assert place(ann, made.json()) == "local"
    refused = refusal(ann, both, infrastructure="asked")
    assert refused["type"] == "urn:openccp:problem:nowhere-to-run"
    assert "'asked'" in refused["detail"]
    assert refusal(ann, both, infrastructure=7)["errors"][0]["pointer"] == "/infrastructure"


def test_others_infrastructures_are_not_there(several: RunningPlatform, ann: User) -> None:
    assert "'theirs'" in refusal(ann, a_method(ann), infrastructure="theirs")["detail"]


def test_what_nothing_can_run_is_refused_with_a_reason_for_each(ann: User) -> None:
    refused = refusal(ann, a_method(ann, "fast"), inputs={"ccpreplicas": 3})
    assert refused["errors"] == [
        {
            "pointer": "/infrastructure",
            "detail": "fast: it runs at most 2 replicas of a job, not 3",
        }
    ]


def test_what_is_away_is_avoided_while_another_will_do(ann: User) -> None:
    listed = ann.http.get("/infrastructures").json()["infrastructures"]
    assert {one["id"]: one["reachable"] for one in listed}["away"] is False
    assert place(ann, ann.run(a_method(ann, "away", "fast"))) == "fast"
    assert ann.run(a_method(ann, "away"))["status"] == "accepted"


def test_a_full_queue_is_told_with_whose_it_is_and_when_to_come_again(
    several: RunningPlatform, ann: User
) -> None:
    process = a_method(ann, "asked", title="Queued")
    url = f"/processes/{process}/execution"
    answers = [ann.http.post(url, json={"inputs": {}}) for _ in range(6)]
    full = answers[-1]
    assert (full.status_code, full.headers["retry-after"]) == (429, "30")
    assert "3 jobs of yours may wait" in full.json()["detail"]
    assert [one.status_code for one in answers[:3]] == [201] * 3
    bob = several.user("bob")
    try:
        assert bob.run(a_method(bob, "asked"))["status"] == "accepted"
    finally:
        bob.close()


def test_an_infrastructure_shows_health_load_limits_and_what_it_can(ann: User) -> None:
    ann.run(a_method(ann, "asked", title="Shown"))
    listed = ann.http.get("/infrastructures").json()["infrastructures"]
    assert [one["id"] for one in listed] == ["local", "fast", "asked", "leaky", "away"]
    asked = ann.http.get("/infrastructures/asked").json()
    assert (asked["reachable"], asked["load"]["slots"]) == (True, 1)
    assert asked["load"]["waiting"] + asked["load"]["running"] >= 1
    assert asked["queue"] == {"total": 100000, "context": 50000, "user": 3}
    assert (asked["default"], asked["priority"]) == (False, 0)
    fast = ann.http.get("/infrastructures/fast").json()
    assert (fast["limits"]["replicas"], fast["limits"]["wall_seconds"]) == (2, 60)
    assert ann.http.get("/infrastructures/theirs").status_code == 404
    page = ann.http.get("/infrastructures/asked?f=html").text
    assert "waiting" in page


def test_a_method_says_where_it_can_run(ann: User) -> None:
    def where(*names: str) -> object:
        return ann.http.get(f"/processes/{a_method(ann, *names)}").json()["x-ccp-infrastructures"]

    assert where("fast", "local") == ["fast", "local"]
    assert where() == ["local", "fast", "away"]
    assert where("theirs") == []
    name = a_method(ann, "fast", "local", title="Searched")
    query = {"q": name, "infrastructure": "fast"}
    listed = ann.http.get("/processes", params=query).json()["processes"]
    found = {one["id"]: one["x-ccp-infrastructures"] for one in listed}
    assert found[name] == ["fast", "local"]


def test_a_size_leads_to_who_offers_it_and_an_unknown_one_is_refused(ann: User) -> None:
    process = f"sized-{id(ann)}"
    size = {"schema": {"type": "string"}, "title": "Size", "minOccurs": 0}
    links = [
        {"rel": "compatibleWith", "href": f"infrastructures/{one}"} for one in ("local", "fast")
    ]
    method = bash_method(process, "true", inputs={"ccpsize": size}, links=links)
    assert ann.deploy(method).status_code == 201
    job = ann.run(process, {"ccpsize": "quick"})
    assert job["x-ccp-infrastructure"] == place(ann, job) == "fast"
    offered = ann.http.get("/infrastructures/fast").json()["sizes"]["quick"]
    assert (offered["wall_seconds"], offered["memory_bytes"]) == (5, 67108864)
    problem = refusal(ann, process, inputs={"ccpsize": "huge"})
    assert 'fast: it does not offer the size "huge" (ccpsize); it offers quick' in problem["detail"]
    unsized = ann.run(process, {"ccpsize": ""})
    page = ann.http.get(f"/jobs/{unsized['jobID']}?f=html").text
    assert f'/infrastructures/{unsized["x-ccp-infrastructure"]}"' in page


@pytest.mark.sandbox
def test_the_limits_of_a_size_hold(ann: User) -> None:
    size = {"schema": {"enum": ["brief"], "default": "brief"}, "title": "Size"}
    method = bash_method(f"brief-{id(ann)}", "sleep 30", inputs={"ccpsize": size})
    assert ann.deploy(method).status_code == 201
    ended = ann.finish(method["id"])
    assert ended["exception"]["reason"] == "time"
    assert "0.5 s" in ended["exception"]["detail"]


def test_a_place_whose_limits_do_not_bite_takes_nothing(ann: User) -> None:
    process = a_method(ann, "leaky", version="2")
    problem = refusal(ann, process)
    assert problem["type"] == "urn:openccp:problem:nowhere-to-run"
    assert "leaky: it was found not to hold there that a job cannot have more" in problem["detail"]
    assert ann.http.get(f"/processes/{process}").json()["x-ccp-infrastructures"] == []
