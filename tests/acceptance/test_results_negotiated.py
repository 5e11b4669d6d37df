"""Version 2.0: results by negotiation, by output and index, by profile and preference."""

from collections.abc import Iterator

import pytest
from tests.acceptance.echoing import (
    DOCUMENT,
    EXECUTION,
    INPUTS,
    RESULTS_PROFILE,
    asynchronous,
    content,
    links,
    outputs,
    parts,
    results,
)
from tests.acceptance.official import validate

from openccp.testing.platform import RunningPlatform, User, bash_method

BOTH = pytest.mark.parametrize("how", ["sync", "async"])
CORE = "1/2.0/core/"


@pytest.fixture(scope="session")
def user(platform: RunningPlatform) -> Iterator[User]:
    made = platform.user("negotiator")
    yield made
    made.close()


@pytest.fixture(scope="session")
def lines(user: User) -> str:
    """A process with many values of an output, that may run either way and keeps its jobs."""
    made = bash_method(
        "negotiated-lines",
        "sleep {{pause}}\nfor i in 1 2 3; do echo $i > line-$i.txt; done\n"
        "printf 'x%.0s' $(seq 3000) > long.txt",
        inputs={"pause": {"schema": {"type": "number", "default": 0}}},
        outputs={
            "lines": {"schema": {"type": "string"}, "x-ccp-path": "line-*.txt"},
            "long": {"schema": {"type": "string"}},
        },
        jobControlOptions=["sync-execute", "async-execute", "dismiss"],
    )
    assert user.deploy(made).status_code == 201
    return "/processes/negotiated-lines/execution"


@pytest.fixture(scope="session")
def job(user: User) -> str:
    return asynchronous(user, {"outputs": {"message": {}, "area": {}, "choice": {}}})


# --- the form ---------------------------------------------------------------------------------


@pytest.mark.requirement(CORE + "process-execute-sync-many-json")
@pytest.mark.requirement(CORE + "process-execute-omitted-outputs")
@pytest.mark.requirement(CORE + "process-execute-success-sync-outputs-omitted")
@pytest.mark.requirement(CORE + "process-execute-success-async-outputs-omitted")
@pytest.mark.requirement(CORE + "job-results-async-many")
@pytest.mark.requirement(CORE + "job-results-op")
@pytest.mark.requirement(CORE + "test-process")
@BOTH
@pytest.mark.parametrize("accept", ["*/*", "application/json"])
def test_many_outputs_are_a_document(user: User, how: str, accept: str) -> None:
    answer = results(user, how, {}, accept=accept)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == DOCUMENT
    validate(answer.json(), "part1-2.0", "results")
    assert links(answer)["profile"] == RESULTS_PROFILE


@pytest.mark.requirement(CORE + "process-execute-sync-one")
@pytest.mark.requirement(CORE + "process-execute-sync-one-default-content")
@BOTH
@pytest.mark.parametrize("accept", ["*/*", "application/xml", "text/html;q=0.1, application/*"])
def test_one_output_is_itself(user: User, how: str, accept: str) -> None:
    answer = results(user, how, {"outputs": {"document": {}}}, accept=accept)
    assert (answer.status_code, answer.text) == (200, "<a>b</a>")
    assert answer.headers["content-type"] == "application/xml"
    assert "profile" not in links(answer)


@pytest.mark.requirement(CORE + "process-execute-sync-one")
@BOTH
def test_one_output_in_json(user: User, how: str) -> None:
    answer = results(user, how, {"outputs": {"message": {}}}, accept="application/json")
    assert (answer.headers["content-type"], answer.json()) == ("application/json", "hello")


@BOTH
def test_parts_are_negotiated(user: User, how: str) -> None:
    found = parts(results(user, how, {}, accept="multipart/related"))
    assert list(found) == list(INPUTS)
    assert content(found["message"]) == b"hello"


@BOTH
@pytest.mark.parametrize("asked", [{}, {"outputs": {"message": {}}}])
def test_what_is_not_there_is_not_acceptable(
    user: User, how: str, asked: dict[str, object]
) -> None:
    answer = results(user, how, asked, accept="image/png")
    assert answer.status_code == 406


@pytest.mark.requirement(CORE + "job-results-profile")
@pytest.mark.requirement("1/2.0/query-param-profile/definition")
@pytest.mark.requirement("1/2.0/query-param-profile/response")
@pytest.mark.parametrize(
    "named",
    [
        {"params": {"profile": "ogc-results"}},
        {"params": {"profile": f"https://example.org/mine,{RESULTS_PROFILE}"}},
        {"params": {"profile": "[ogc-profile:ogc-results]"}},
        {"headers": {"Accept-Profile": f"<{RESULTS_PROFILE}>;q=0.5"}},
        {"headers": {"Prefer": f'profile="{RESULTS_PROFILE}"'}},
    ],
)
def test_the_profile_makes_one_output_a_document(user: User, named: dict[str, object]) -> None:
    body = {"inputs": INPUTS, "outputs": {"message": {}}}
    answer = user.http.post(EXECUTION, json=body, **named)  # type: ignore[arg-type]
    assert answer.json() == {"message": "hello"}
    validate(answer.json(), "part1-2.0", "results")
    assert links(answer)["profile"] == RESULTS_PROFILE
    job = asynchronous(user, {"outputs": {"message": {}}})
    later = user.http.get(f"/jobs/{job}/results", **named)  # type: ignore[arg-type]
    assert later.json() == {"message": "hello"}
    assert links(later)["profile"] == RESULTS_PROFILE


@pytest.mark.requirement("1/2.0/query-param-profile/definition")
@pytest.mark.requirement("1/2.0/query-param-profile/response")
@pytest.mark.parametrize(
    ("path", "profile"),
    [
        ("/processes", "ogc-process-list"),
        ("/processes/echo", "ogc-process-description"),
        ("/jobs", "jobs-list"),
        ("/jobs/{job}", "job-description"),
        ("/jobs/{job}/results", "ogc-results"),
    ],
)
@pytest.mark.parametrize("asked", ["", "?profile=https://example.org/unknown", "?profile=["])
def test_every_document_tells_its_profile(
    user: User, job: str, path: str, profile: str, asked: str
) -> None:
    answer = user.http.get(path.format(job=job) + asked)
    assert answer.status_code == 200
    assert links(answer)["profile"] == f"https://www.opengis.net/def/profile/OGC/0/{profile}"


# --- no output --------------------------------------------------------------------------------


@pytest.mark.requirement(CORE + "process-execute-empty-outputs")
@pytest.mark.requirement(CORE + "process-execute-success-sync-empty-outputs")
def test_no_output_at_once(user: User) -> None:
    answer = results(user, "sync", {"outputs": {}})
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.requirement(CORE + "process-execute-success-async-outputs-empty")
@pytest.mark.requirement(CORE + "job-results-exception/results-not-available")
def test_no_output_later(user: User) -> None:
    answer = results(user, "async", {"outputs": {}})
    assert answer.status_code == 404
    assert answer.json()["type"].endswith("/ogcapi-processes-1/1.0/result-not-available")
    validate(answer.json(), "part1-2.0", "common-core/exception")


# --- some outputs -----------------------------------------------------------------------------


@pytest.mark.requirement(CORE + "job-result-op")
@pytest.mark.requirement(CORE + "job-results-async-one")
@pytest.mark.requirement(CORE + "process-execute-success-async-outputs")
def test_each_output_by_its_id(user: User, job: str) -> None:
    address = f"/jobs/{job}/results"
    assert user.http.get(f"{address}/message").text == "hello"
    assert user.http.get(f"{address}/area").json() == INPUTS["area"]
    assert user.http.get(f"{address}/choice/0").json() == {"answer": 42}
    in_json = user.http.get(f"{address}/message", headers={"Accept": "application/json"})
    assert in_json.json() == "hello"
    missing = {"/numbers": 404, "/message/1": 404, "/nothing": 400}
    for path, status in missing.items():
        answer = user.http.get(address + path)
        assert answer.status_code == status, answer.text
        kind = "no-such-output" if status == 400 else "result-not-available"
        assert answer.json()["type"].endswith(kind)
    assert user.http.get(f"{address}/message", headers={"Accept": "image/*"}).status_code == 406


@pytest.mark.requirement(CORE + "job-results-param-outputs")
@pytest.mark.requirement(CORE + "job-results-param-outputs-response")
@pytest.mark.requirement(CORE + "job-results-exception-no-such-output")
def test_some_outputs_of_a_job(user: User, job: str) -> None:
    address = f"/jobs/{job}/results?outputs="
    two = user.http.get(address + "message,area").json()
    assert two == {"message": "hello", "area": INPUTS["area"]}
    assert user.http.get(address + "message").text == "hello"
    for names, status, kind in (
        ("message,nothing", 400, "no-such-output"),
        ("numbers", 404, "result-not-available"),
        ("", 400, "no-such-output"),
    ):
        answer = user.http.get(address + names)
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (status, kind)
        validate(answer.json(), "part1-2.0", "common-core/exception")


@pytest.mark.requirement(CORE + "job-results-exception/invalid-query-parameter-value")
@pytest.mark.parametrize("path", ["results", "results/message", "results/message/0"])
def test_an_unknown_parameter_is_refused(user: User, job: str, path: str) -> None:
    for query in ("?output=message", "?f=picture"):
        answer = user.http.get(f"/jobs/{job}/{path}{query}")
        assert answer.status_code == 400
        kind = "/ogcapi-processes-1/1.0/invalid-query-parameter-value"
        assert answer.json()["type"].endswith(kind)


def test_many_values_of_one_output(user: User, lines: str) -> None:
    job = user.http.post(lines, json={}, headers={"Prefer": "respond-async"}).json()["jobID"]
    assert user.wait(job)["status"] == "successful"
    address = f"/jobs/{job}/results"
    assert user.http.get(f"{address}/lines").json() == ["1\n", "2\n", "3\n"]
    validate(user.http.get(f"{address}/lines").json(), "part1-2.0", "values")
    assert user.http.get(f"{address}/lines/2").text == "3\n"
    assert user.http.get(f"{address}/lines/3").status_code == 404
    related = user.http.get(f"{address}/lines", headers={"Accept": "multipart/related"})
    assert list(parts(related)) == ["lines/0", "lines/1", "lines/2"]


# --- preferences ------------------------------------------------------------------------------


@pytest.mark.requirement(CORE + "process-execute-default-execution-mode")
@pytest.mark.requirement(CORE + "process-execute-auto-execution-mode")
@pytest.mark.requirement("1/1.0/core/process-execute-default-execution-mode")
@pytest.mark.requirement("1/1.0/core/process-execute-auto-execution-mode")
def test_how_it_is_executed(user: User, lines: str) -> None:
    for headers, status, told in (
        ({}, 200, None),
        ({"Prefer": "respond-async"}, 201, "respond-async"),
        ({"Prefer": "wait=30"}, 200, "wait=30"),
        ({"Prefer": "respond-async, wait=30"}, 200, "wait=30"),
        ({"Prefer": "wait=0"}, 201, "wait=0"),
        ({"Prefer": "respond-async;x=y, wait=0"}, 201, "respond-async"),
        ({"Prefer": "handling=lenient"}, 200, None),
    ):
        body = {"inputs": {"pause": 1 if status == 201 else 0}}
        answer = user.http.post(lines, json=body, headers=headers)
        assert answer.status_code == status, (headers, answer.text)
        assert answer.headers.get("preference-applied") == told, headers
    only_later = user.http.post("/processes/hello-bash/execution", json={})
    assert only_later.status_code == 201
    assert "preference-applied" not in only_later.headers


def test_what_takes_too_long_becomes_a_job(user: User, lines: str) -> None:
    body = {"inputs": {"pause": 3}}
    answer = user.http.post(lines, json=body, headers={"Prefer": "wait=1, respond-async"})
    assert answer.status_code == 201
    assert answer.headers["preference-applied"] == "respond-async, wait=1"
    assert user.wait(answer.json()["jobID"])["status"] == "successful"


@BOTH
@pytest.mark.parametrize("returning", ["minimal", "representation"])
def test_little_or_everything(user: User, lines: str, how: str, returning: str) -> None:
    prefer = {"Prefer": f"return={returning}"}
    if how == "async":
        job = user.http.post(lines, json={}, headers={"Prefer": "respond-async"}).json()["jobID"]
        user.wait(job)
        answer = user.http.get(f"/jobs/{job}/results", headers=prefer)
    else:
        answer = user.http.post(lines, json={}, headers=prefer)
    assert answer.headers["preference-applied"] == f"return={returning}"
    long = answer.json()["long"]
    found = long if returning == "representation" else user.http.get(long["href"]).text
    assert found == "x" * 3000
    assert answer.json()["lines"][0] == "1\n"
    validate(answer.json(), "part1-2.0", "results")


# --- the job of a synchronous execution -------------------------------------------------------


@pytest.mark.requirement("1/1.0/core/job-results-success-sync")
@pytest.mark.requirement(CORE + "job-results-success-sync")
@pytest.mark.parametrize("style", [{}, {"response": "document"}, {"response": "raw"}])
def test_a_job_that_was_made_can_be_watched(user: User, lines: str, style: dict[str, str]) -> None:
    answer = user.http.post(lines, json={"inputs": {}, **style})
    assert "rel=monitor" in answer.headers["link"]
    status = user.http.get(links(answer)["monitor"])
    assert status.headers["content-type"] == "application/json"
    assert status.json()["status"] == "successful"
    for version in ("part1-1.0", "part1-2.0"):
        validate(status.json(), version, "statusInfo")


@pytest.mark.requirement("1/1.0/core/job-results-success-sync")
def test_a_process_may_leave_no_job(user: User) -> None:
    before = {job["jobID"] for job in user.http.get("/jobs?limit=1000").json()["jobs"]}
    body = {"inputs": INPUTS, "outputs": outputs("message", "pause")}
    answer = user.http.post(EXECUTION, json=body)
    assert answer.status_code == 200
    assert "link" not in answer.headers
    kept = user.http.post(EXECUTION, json=body, headers={"Idempotency-Key": "kept"})
    assert "rel=monitor" in kept.headers["link"]
    again = user.http.post(EXECUTION, json=body, headers={"Idempotency-Key": "kept"})
    assert links(again)["monitor"] == links(kept)["monitor"]
    asynchronous(user, body)
    after = {job["jobID"] for job in user.http.get("/jobs?limit=1000").json()["jobs"]}
    assert len(after - before) == 2


# --- failures ---------------------------------------------------------------------------------


@pytest.mark.requirement("1/1.0/core/job-results-failed")
@pytest.mark.requirement(CORE + "job-results-failed")
@BOTH
def test_a_failed_job_says_why(user: User, how: str) -> None:
    made = bash_method(
        f"negotiated-failure-{how}", "exit 3", jobControlOptions=["sync-execute", "async-execute"]
    )
    assert user.deploy(made).status_code == 201
    address, prefer = f"/processes/{made['id']}/execution", {"Prefer": "respond-async"}
    answer = user.http.post(address, json={}, headers=prefer if how == "async" else {})
    if how == "async":
        job = answer.json()["jobID"]
        assert user.wait(job)["status"] == "failed"
        answer = user.http.get(f"/jobs/{job}/results")
    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:openccp:failure:method:exit"
    validate(answer.json(), "part1-1.0", "exception")
    validate(answer.json(), "part1-2.0", "common-core/exception")
    if how == "sync":
        assert user.http.get(links(answer)["monitor"]).json()["status"] == "failed"
