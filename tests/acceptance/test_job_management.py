"""OGC API - Processes Part 4: jobs are created, changed, started and dismissed; definitions."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from tests.acceptance.official import needs_schemas, validate

from openccp.testing.platform import RunningPlatform, User, bash_method

TYPES = "http://www.opengis.net/def/exceptions/ogcapi-processes-4/1.0/"
SECRET = "urn:openccp:secret"
WORKFLOW = (
    "https://github.com/opengeospatial/ogcapi-processes/blob/master/openapi/schemas/"
    "processes-workflows/execute-workflows.yaml"
)


def text(title: str, **more: Any) -> dict[str, Any]:
    return {"title": title, "schema": {"type": "string"}, **more}


@pytest.fixture(scope="session")
def ada(platform: RunningPlatform) -> Iterator[User]:
    """A user with a method that writes what it was given, and one with a secret."""
    user = platform.user("creator")
    words = {
        "word": text("Word"),
        "count": {"title": "N", "schema": {"type": "integer", "default": 2}},
    }
    out = {"result": {"schema": {"type": "string"}, "x-ccp-path": "result.txt"}}
    made = bash_method(
        "say", 'echo "$CCP_JOB" >>result.txt; echo {{word}} {{count}}', inputs=words, outputs=out
    )
    key = {"title": "Key", "schema": {"type": "string", "format": "secret"}}
    secret = bash_method(
        "safe", "cat /run/secrets/key | wc -c", inputs={"key": key, "word": words["word"]}
    )
    endless = bash_method("endless", "sleep 600")
    for method in (made, secret, endless):
        answer = user.deploy(method)
        assert answer.status_code == 201, answer.text
    yield user
    user.close()


def create(user: User, process: str = "say", **inputs: Any) -> httpx2.Response:
    return user.http.post("/jobs", json={"process": process, "inputs": inputs})


def created(user: User, process: str = "say", **inputs: Any) -> str:
    answer = create(user, process, **inputs)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def start(user: User, job: str) -> httpx2.Response:
    return user.http.post(f"/jobs/{job}/results")


# --- create -------------------------------------------------------------------------------------


@pytest.mark.requirement("4/1.0/job-management/create-post-op")
@pytest.mark.requirement("4/1.0/job-management/create-body")
@pytest.mark.requirement("4/1.0/job-management/create-content-type")
@pytest.mark.requirement("4/1.0/job-management/create-response-success")
@pytest.mark.requirement("4/1.0/job-management/create-response-body")
@pytest.mark.requirement("4/1.0/job-management/create-response-jobid")
@pytest.mark.requirement("4/1.0/ogcapi-processes/create-body")
@pytest.mark.requirement("4/1.0/ogcapi-processes/schema")
@needs_schemas
def test_a_job_is_created_and_nothing_runs(ada: User) -> None:
    answer = create(ada, word="hello")
    assert answer.status_code == 201
    status = answer.json()
    assert answer.headers["location"] == f"{ada.url}/jobs/{status['id']}"
    assert (status["status"], status["phase"]) == ("created", "created")
    assert status["id"] == status["jobID"]
    assert status["process"] == f"{ada.url}/processes/say"
    validate(status, "part1-2.0", "processes-job-management/statusInfo")
    assert ada.job(status["id"])["status"] == "created"
    events = ada.http.get(f"/executions/{status['id']}/metadata/events.json").json()
    assert [event["kind"] for event in events] == ["created"]
    results = ada.http.get(f"/jobs/{status['id']}/results")
    assert results.status_code == 404
    assert results.json()["type"].endswith("/result-not-ready")


@pytest.mark.parametrize(
    "process",
    ["say", "/processes/say", "../processes/say", "./say", "{root}/processes/say"],
)
def test_a_process_is_named_by_id_or_address(ada: User, process: str) -> None:
    assert create(ada, process.format(root=ada.url), word="x").status_code == 201


@pytest.mark.parametrize(
    ("process", "status"),
    [
        ("nothing-here", 404),
        ("http://example.org/processes/say", 400),
        ("/jobs/say", 400),
        ("/processes/say/execution", 400),
        ("//[", 400),
        ("", 400),
        (7, 400),
        (None, 400),
    ],
)
def test_a_process_that_is_not_here(ada: User, process: Any, status: int) -> None:
    answer = ada.http.post("/jobs", json={"process": process, "inputs": {"word": "x"}})
    assert answer.status_code == status, answer.text


def test_a_request_is_checked_when_it_is_created(ada: User) -> None:
    answer = create(ada, wrod="hello", count="many")
    assert answer.status_code == 400
    pointers = {fault["pointer"] for fault in answer.json()["errors"]}
    assert {"/inputs/wrod", "/inputs/count", "/inputs/word"} == pointers


@pytest.mark.requirement("4/1.0/job-management/create-unsupported-media-type")
@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "", "application/geo+json"])
def test_another_media_type_is_refused(ada: User, kind: str) -> None:
    answer = ada.http.post("/jobs", content=b"{}", headers={"Content-Type": kind})
    assert answer.status_code == 415
    assert answer.json()["type"] == TYPES + "unsupported-media-type"
    answer = ada.http.patch(
        f"/jobs/{created(ada, word='x')}", content=b"{}", headers={"Content-Type": kind}
    )
    assert (answer.status_code, answer.json()["type"]) == (415, TYPES + "unsupported-media-type")


@pytest.mark.requirement("4/1.0/job-management/create-unsupported-schema")
def test_the_schema_of_the_body_may_be_named(ada: User) -> None:
    body = {"process": "say", "inputs": {"word": "x"}}
    answer = ada.http.post("/jobs", json=body, headers={"Content-Schema": WORKFLOW})
    assert answer.status_code == 201, answer.text
    for schema in ("http://example.org/schema", "urn:x", WORKFLOW + "x", "x" * 4000):
        answer = ada.http.post("/jobs", json=body, headers={"Content-Schema": schema})
        assert answer.status_code == 422
        assert answer.json()["type"] == TYPES + "unsupported-schema"


def test_the_same_key_creates_one_job(ada: User) -> None:
    body, key = {"process": "say", "inputs": {"word": "x"}}, {"Idempotency-Key": "create-once"}
    made = [ada.http.post("/jobs", json=body, headers=key) for _ in range(2)]
    assert made[0].json()["id"] == made[1].json()["id"]
    other = ada.http.post("/jobs", json={**body, "outputs": {}}, headers=key)
    assert other.status_code == 422


# --- update -------------------------------------------------------------------------------------


@pytest.mark.requirement("4/1.0/job-management/update-patch-op")
@pytest.mark.requirement("4/1.0/job-management/update-body")
@pytest.mark.requirement("4/1.0/job-management/update-content-type")
@pytest.mark.requirement("4/1.0/job-management/update-response")
@pytest.mark.requirement("4/1.0/ogcapi-processes/update-body")
@pytest.mark.parametrize(
    "kind",
    ["application/json", "application/merge-patch+json", "application/ogcapi-processes+json"],
)
def test_a_created_job_is_changed(ada: User, kind: str) -> None:
    job = created(ada, word="before", count=1)
    etag = ada.http.get(f"/jobs/{job}").headers["etag"]
    patch = json.dumps({"inputs": {"word": "after", "count": None}, "outputs": {"result": {}}})
    headers = {"Content-Type": kind, "If-Match": etag}
    answer = ada.http.patch(f"/jobs/{job}", content=patch, headers=headers)
    assert (answer.status_code, answer.json()["status"]) == (200, "created"), answer.text
    definition = ada.http.get(f"/jobs/{job}/definition").json()
    assert (definition["inputs"], definition["outputs"]) == ({"word": "after"}, {"result": {}})
    assert ada.http.patch(f"/jobs/{job}", content=patch, headers=headers).status_code == 412
    start(ada, job)
    assert ada.wait(job)["status"] == "successful"
    assert ada.http.get(f"/jobs/{job}/logs").text == "after 2\n"


def test_a_created_job_may_become_another_processes(ada: User) -> None:
    job = created(ada, word="x")
    patch = {"process": "hello-bash", "inputs": {"word": None, "name": "Maria"}}
    answer = ada.http.patch(f"/jobs/{job}", json=patch)
    assert (answer.status_code, answer.json()["processID"]) == (200, "hello-bash"), answer.text
    start(ada, job)
    assert ada.wait(job)["status"] == "successful"


@pytest.mark.parametrize(
    ("patch", "status"),
    [
        ({"inputs": {"word": None}}, 400),
        ({"inputs": {"count": "many"}}, 400),
        ({"process": None}, 400),
        ({"process": "nothing-here"}, 404),
        ([], 400),
        ("text", 400),
        ({"inputs": []}, 400),
    ],
)
def test_a_change_that_does_not_fit_changes_nothing(ada: User, patch: Any, status: int) -> None:
    job = created(ada, word="kept")
    before = ada.job(job)
    answer = ada.http.patch(f"/jobs/{job}", json=patch)
    assert answer.status_code == status, answer.text
    assert ada.job(job) == before
    assert ada.http.get(f"/jobs/{job}/definition").json()["inputs"] == {"word": "kept"}


@pytest.mark.requirement("4/1.0/job-management/update-response-locked")
def test_a_started_job_is_locked(ada: User) -> None:
    job = created(ada, "endless")
    assert start(ada, job).status_code == 200
    running = ada.http.patch(f"/jobs/{job}", json={"outputs": {}})
    ada.http.delete(f"/jobs/{job}")
    assert ada.wait(job)["status"] == "dismissed"
    ended = ada.http.patch(f"/jobs/{job}", json={"outputs": {}})
    for answer in (running, ended):
        assert answer.status_code == 423
        assert answer.json()["type"] == TYPES + "locked"


# --- start --------------------------------------------------------------------------------------


@pytest.mark.requirement("4/1.0/job-management/start-post-op")
@pytest.mark.requirement("4/1.0/job-management/start-response")
@needs_schemas
def test_a_created_job_is_started_once(ada: User) -> None:
    job = created(ada, word="hello")
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: start(ada, job), range(8)))
    for answer in answers:
        assert answer.status_code == 200
        validate(answer.json(), "part1-2.0", "processes-job-management/statusInfo")
    assert "accepted" in {answer.json()["status"] for answer in answers}
    assert ada.wait(job)["status"] == "successful"
    assert ada.http.get(f"/jobs/{job}/results/result").text == f"{job}\n"
    events = ada.http.get(f"/executions/{job}/metadata/events.json").json()
    assert [e["kind"] for e in events][:2] == ["created", "accepted"]
    assert sum(e["kind"] == "accepted" for e in events) == 1
    again = start(ada, job)
    assert (again.status_code, again.json()["status"]) == (200, "successful")


def test_a_start_takes_no_body(ada: User) -> None:
    job = created(ada, word="x")
    for body in (b'{"inputs": {}}', b"[]", b"x" * 100):
        answer = ada.http.post(f"/jobs/{job}/results", content=body)
        assert answer.status_code in (400, 413)
    assert ada.job(job)["status"] == "created"
    assert ada.http.post(f"/jobs/{job}/results", json={}).json()["status"] == "accepted"


def test_start_change_and_dismiss_at_once_leave_one_story(ada: User) -> None:
    for number in range(6):
        job = created(ada, word="first")
        with ThreadPoolExecutor(3) as threads:
            starting = threads.submit(start, ada, job)
            changing = threads.submit(
                ada.http.patch, f"/jobs/{job}", json={"inputs": {"word": f"second {number}"}}
            )
            leaving = threads.submit(ada.http.delete, f"/jobs/{job}")
        started, changed, left = starting.result(), changing.result(), leaving.result()
        assert left.status_code == 200
        assert started.status_code in (200, 404, 410)
        assert changed.status_code in (200, 404, 423)
        if ada.http.get(f"/jobs/{job}").status_code == 404:
            continue
        assert ada.wait(job)["status"] in ("dismissed", "successful")


def test_whoever_is_late_is_told_so_where_secrets_are_gone_already(ada: User) -> None:
    for _ in range(12):
        job = created(ada, "safe", key="mine-alone", word="a")
        patch = {"inputs": {"word": "b"}}
        with ThreadPoolExecutor(9) as threads:
            starting = [threads.submit(start, ada, job) for _ in range(3)]
            leaving = threads.submit(ada.http.delete, f"/jobs/{job}")
            starting += [threads.submit(start, ada, job) for _ in range(3)]
            changing = threads.submit(ada.http.patch, f"/jobs/{job}", json=patch)
        assert leaving.result().status_code == 200
        assert {one.result().status_code for one in starting} <= {200, 404, 410}
        assert changing.result().status_code in (200, 404, 423)


def test_a_created_job_of_a_removed_process_does_not_start(ada: User) -> None:
    assert ada.deploy(bash_method("leaving", "true")).status_code == 201
    job = created(ada, "leaving")
    ada.http.delete("/processes/leaving")
    answer = start(ada, job)
    assert answer.status_code == 404
    assert answer.json()["type"].endswith("/no-such-process")
    assert ada.job(job)["status"] == "created"


def test_a_job_starts_with_the_process_as_it_is_then(ada: User) -> None:
    assert ada.deploy(bash_method("moving", "echo old")).status_code == 201
    job = created(ada, "moving")
    assert ada.http.put("/processes/moving", json=bash_method("moving", "echo new")).is_success
    start(ada, job)
    ada.wait(job)
    assert ada.http.get(f"/jobs/{job}/logs").text == "new\n"


# --- dismiss and list ---------------------------------------------------------------------------


def test_a_created_job_is_dismissed_then_removed(ada: User) -> None:
    job = created(ada, word="x")
    answer = ada.http.delete(f"/jobs/{job}")
    assert (answer.status_code, answer.json()["status"]) == (200, "dismissed")
    assert start(ada, job).status_code == 410
    assert ada.http.delete(f"/jobs/{job}").status_code == 200
    assert ada.http.get(f"/jobs/{job}").status_code == 404


def test_an_execution_is_deleted_only_as_it_was(ada: User) -> None:
    job = created(ada, word="x")
    answer = ada.http.delete(f"/executions/{job}", headers={"If-Match": '"77"'})
    assert answer.status_code == 412
    etag = ada.http.get(f"/jobs/{job}").headers["etag"]
    answer = ada.http.delete(f"/executions/{job}", headers={"If-Match": etag})
    assert (answer.status_code, answer.json()["status"]) == (200, "dismissed")


def test_created_jobs_are_listed(ada: User) -> None:
    job = created(ada, word="x")
    listed = ada.http.get("/jobs", params={"status": "created", "limit": 1}).json()["jobs"]
    assert [found["id"] for found in listed] == [job]
    page = ada.http.get(f"/jobs/{job}", headers={"Accept": "text/html"})
    assert "created" in page.text


# --- definition and inputs ----------------------------------------------------------------------


@pytest.mark.requirement("4/1.0/job-management/definition-get-op")
@pytest.mark.requirement("4/1.0/job-management/definition-response-success")
@pytest.mark.requirement("4/1.0/job-management/definition-response-body")
@pytest.mark.requirement("4/1.0/ogcapi-processes/definition-response-body")
def test_the_definition_is_what_was_sent(ada: User) -> None:
    sent = {
        "process": "say",
        "inputs": {"word": {"value": "hello", "mediaType": "text/plain"}, "count": 3},
        "outputs": {"result": {"transmissionMode": "reference"}},
        "response": "document",
    }
    answer = ada.http.post("/jobs", json=sent)
    job = answer.json()["id"]
    assert ada.http.get(f"/jobs/{job}/definition").json() == sent
    start(ada, job)
    ada.wait(job)
    assert ada.http.get(f"/jobs/{job}/definition").json() == sent
    del sent["process"]
    executed = ada.http.post("/processes/say/execution", json=sent).json()["id"]
    shown = ada.http.get(f"/jobs/{executed}/definition").json()
    assert shown == {"process": f"{ada.url}/processes/say", **sent}
    again = ada.http.post("/jobs", json=shown)
    assert again.status_code == 201, again.text
    assert "hello" in ada.http.get(f"/jobs/{job}/definition?f=html").text


@pytest.mark.requirement("4/1.0/provenance/inputs-get-op")
@pytest.mark.requirement("4/1.0/provenance/inputs-response")
def test_the_inputs_of_a_job(ada: User) -> None:
    for job in (created(ada, word="x"), ada.finish("say", {"word": "x"})["id"]):
        answer = ada.http.get(f"/jobs/{job}/inputs")
        assert answer.status_code == 200
        document = answer.json()
        assert (document["inputs"]["word"], document["inputs"]["count"]) == ("x", 2)
        assert document["outputs"] == {"result": {}}
        assert {"self", "up"} <= {link["rel"] for link in document["links"]}


# --- secrets ------------------------------------------------------------------------------------


def shows_nothing(user: User, job: str, secret: str) -> None:
    pages = ("definition", "inputs", "prov", "logs", "")
    shown = [user.http.get(f"/jobs/{job}/{page}".rstrip("/")).text for page in pages]
    shown += [user.http.get(f"/executions/{job}/metadata/request.json").text]
    assert all(secret not in text for text in shown)
    definition = user.http.get(f"/jobs/{job}/definition").json()
    assert definition["inputs"]["key"] == SECRET
    assert user.http.get(f"/jobs/{job}/inputs").json()["inputs"]["key"] == SECRET


def test_secrets_are_kept_sealed_until_the_job_is_done(
    ada: User, platform: RunningPlatform
) -> None:
    secret = "s3cr3t-value-nobody-sees"
    job = created(ada, "safe", key=secret, word="a")
    shows_nothing(ada, job, secret)
    ada.http.patch(f"/jobs/{job}", json={"inputs": {"word": "b"}})
    marked = ada.http.get(f"/jobs/{job}/definition").json()
    assert ada.http.patch(f"/jobs/{job}", json=marked).status_code == 200
    for file in platform.data.glob("openccp.db*"):
        assert secret.encode() not in file.read_bytes()
    start(ada, job)
    assert ada.wait(job)["status"] == "successful"
    assert ada.http.get(f"/jobs/{job}/logs").text.strip() == str(len(secret))
    shows_nothing(ada, job, secret)


def test_the_marker_is_no_secret(ada: User) -> None:
    for marker in (SECRET, {"value": SECRET}):
        refused = create(ada, "safe", key=marker, word="a")
        assert refused.status_code == 400
        assert [fault["pointer"] for fault in refused.json()["errors"]] == ["/inputs/key"]
    body = {"inputs": {"key": SECRET, "word": "a"}}
    assert ada.http.post("/processes/safe/execution", json=body).status_code == 400


def test_a_secret_stays_one(ada: User) -> None:
    def method(**schema: str) -> dict[str, Any]:
        key = {"title": "Key", "schema": {"type": "string", **schema}}
        return bash_method("opening", "true", inputs={"key": key})

    assert ada.deploy(method(format="secret")).status_code == 201
    job = created(ada, "opening", key="mine-alone")
    assert ada.http.put("/processes/opening", json=method()).is_success
    answer = start(ada, job)
    assert answer.status_code == 400
    assert "mine-alone" not in answer.text
    shows_nothing(ada, job, "mine-alone")
