"""Version 1.0's matrix: raw and document, by value and by reference, one and many outputs."""

import json
from collections.abc import Iterator

import pytest
from tests.acceptance.echoing import (
    DOCUMENT,
    INPUTS,
    asynchronous,
    content,
    links,
    outputs,
    parts,
    results,
)
from tests.acceptance.official import validate

from openccp.testing.platform import RunningPlatform, User

BOTH = pytest.mark.parametrize("how", ["sync", "async"])
CORE = "1/1.0/core/"


@pytest.fixture(scope="session")
def user(platform: RunningPlatform) -> Iterator[User]:
    made = platform.user("matrix")
    yield made
    made.close()


@pytest.mark.requirement(CORE + "process-execute-sync-raw-value-one")
@pytest.mark.requirement(CORE + "job-results-async-raw-value-one")
@pytest.mark.requirement(CORE + "test-process")
@BOTH
@pytest.mark.parametrize(
    ("output", "media_type", "value"),
    [
        ("message", "text/plain; charset=utf-8", b"hello"),
        ("numbers", "application/json", b"[1,2,3]"),
        ("area", "application/json", b'{"bbox":[5.5,47.2,15.1,55.1]}'),
        ("document", "application/xml", b"<a>b</a>"),
        ("choice", "application/json", b'{"answer":42}'),
        ("pause", "application/json", b"0"),
    ],
)
def test_one_raw_value(user: User, how: str, output: str, media_type: str, value: bytes) -> None:
    answer = results(user, how, {"response": "raw", "outputs": outputs(output)})
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    assert answer.content == value


@pytest.mark.requirement(CORE + "process-execute-sync-raw-value-multi")
@pytest.mark.requirement(CORE + "job-results-async-raw-value-multi")
@pytest.mark.requirement(CORE + "process-execute-default-outputs")
@BOTH
@pytest.mark.parametrize("body", [{"response": "raw"}, {"outputs": outputs(*INPUTS)}])
def test_many_raw_values(user: User, how: str, body: dict[str, object]) -> None:
    found = parts(results(user, how, body))
    assert list(found) == list(INPUTS)
    assert content(found["message"]) == b"hello"
    assert json.loads(content(found["choice"])) == {"answer": 42}
    assert found["document"].get_content_type() == "application/xml"
    assert not any(part["Content-Location"] for part in found.values())


@pytest.mark.requirement(CORE + "process-execute-sync-raw-ref")
@pytest.mark.requirement(CORE + "job-results-async-raw-ref")
@BOTH
def test_raw_by_reference(user: User, how: str) -> None:
    asked = outputs(by_reference=("message", "pause"))
    answer = results(user, how, {"response": "raw", "outputs": asked})
    assert (answer.status_code, answer.content) == (204, b"")
    found = links(answer)
    assert user.http.get(found["message"]).text == "hello"
    assert user.http.get(found["pause"]).json() == 0
    if how == "sync":
        validate(user.http.get(found["monitor"]).json(), "part1-1.0", "statusInfo")


@pytest.mark.requirement(CORE + "process-execute-sync-raw-mixed-multi")
@pytest.mark.requirement(CORE + "job-results-async-raw-mixed-multi")
@BOTH
def test_raw_values_and_references(user: User, how: str) -> None:
    asked = outputs("message", by_reference=("document",))
    found = parts(results(user, how, {"response": "raw", "outputs": asked}))
    assert content(found["message"]) == b"hello"
    assert content(found["document"]) == b""
    assert user.http.get(found["document"]["Content-Location"]).text == "<a>b</a>"


@pytest.mark.requirement(CORE + "process-execute-sync-document")
@pytest.mark.requirement(CORE + "job-results-async-document")
@pytest.mark.requirement(CORE + "job-results")
@pytest.mark.requirement("1/1.0/json/definition")
@BOTH
@pytest.mark.parametrize("asked", [None, ("message",), tuple(INPUTS)])
def test_a_document(user: User, how: str, asked: tuple[str, ...] | None) -> None:
    body = {"response": "document"} | ({} if asked is None else {"outputs": outputs(*asked)})
    answer = results(user, how, body)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    document = answer.json()
    assert document == {name: DOCUMENT[name] for name in asked or INPUTS}
    validate(document, "part1-1.0", "results")


@BOTH
def test_a_document_with_references(user: User, how: str) -> None:
    asked = outputs("message", by_reference=("area",))
    answer = results(user, how, {"response": "document", "outputs": asked})
    document = answer.json()
    validate(document, "part1-1.0", "results")
    validate(document, "part1-2.0", "results")
    assert document["message"] == "hello"
    assert user.http.get(document["area"]["href"]).json() == INPUTS["area"]


def test_accept_does_not_overrule_the_body(user: User) -> None:
    answer = results(user, "sync", {"outputs": outputs("message")}, accept="application/json")
    assert (answer.status_code, answer.text) == (200, "hello")
    document = results(user, "sync", {"response": "document"}, accept="multipart/related")
    assert document.json() == DOCUMENT


@pytest.mark.requirement(CORE + "job-results-exception/no-such-job")
@pytest.mark.requirement("1/2.0/core/job-results-exception-no-such-job")
def test_results_of_no_job(user: User) -> None:
    answer = user.http.get("/jobs/nothing/results")
    assert answer.status_code == 404
    assert answer.json()["type"].endswith("/ogcapi-processes-1/1.0/no-such-job")
    validate(answer.json(), "part1-1.0", "exception")
    validate(answer.json(), "part1-2.0", "common-core/exception")


@pytest.mark.requirement(CORE + "job-results-exception/results-not-ready")
@pytest.mark.requirement("1/2.0/core/job-results-exception/results-not-ready")
@pytest.mark.requirement("1/2.0/core/process-execute-success-async")
@pytest.mark.requirement(CORE + "process-execute-success-async")
def test_results_that_are_not_ready(user: User) -> None:
    body = {"inputs": {"message": "later", "pause": 30}}
    made = user.http.post(
        "/processes/echo/execution", json=body, headers={"Prefer": "respond-async"}
    )
    assert made.status_code == 201
    validate(made.json(), "part1-1.0", "statusInfo")
    validate(made.json(), "part1-2.0", "statusInfo")
    answer = user.http.get(made.headers["location"] + "/results")
    assert answer.status_code == 404
    assert answer.json()["type"].endswith("/ogcapi-processes-1/1.0/result-not-ready")
    assert user.http.delete(made.headers["location"]).status_code == 200


def test_an_input_of_a_mixed_output_keeps_its_kind(user: User) -> None:
    body = {"inputs": {**INPUTS, "choice": "words"}, "response": "document"}
    document = user.http.post("/processes/echo/execution", json=body).json()
    assert document["choice"] == "words"


def test_results_as_a_page(user: User) -> None:
    job = asynchronous(user, {"response": "document"})
    page = user.http.get(f"/jobs/{job}/results", headers={"Accept": "text/html,*/*;q=0.8"})
    assert page.headers["content-type"].startswith("text/html")
    assert user.http.get(f"/jobs/{job}/results?f=html").text == page.text
