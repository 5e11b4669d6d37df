"""The client's steps, driven by hand: no network, no file."""

import base64
from typing import Any

import pytest

from openccp.client import (
    CCPError,
    JobDismissed,
    JobFailed,
    NotAuthenticated,
    NotFound,
    Refused,
    Unreachable,
    calls,
)
from openccp.client.errors import refusal
from openccp.client.session import Backoff, Session
from openccp.client.steps import Effect, Pause, Reply, Run, Send, Steps, T
from openccp.client.values import decode, file_inputs


def drive(steps: Steps[T], *answers: Reply | Unreachable) -> tuple[T, list[Effect]]:
    run, left = Run(steps), list(answers)
    seen: list[Effect] = []
    while run.effect is not None:
        seen.append(run.effect)
        if isinstance(run.effect, Pause):
            run.answer(None)
            continue
        answer = left.pop(0)
        if isinstance(answer, Unreachable):
            run.fail(answer)
        else:
            run.answer(answer)
    assert not left
    return run.value, seen


def reply(status: int, content: str = "{}", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, named, content.encode())


def test_a_retried_run_carries_the_same_key() -> None:
    steps = calls.execute(Session("http://x"), "m", {}, None, None)
    created = reply(201, '{"jobID": "1"}')
    _, seen = drive(steps, Unreachable("lost"), reply(503, retry_after="1"), created)
    sent = [effect.request for effect in seen if isinstance(effect, Send)]
    assert len({request.headers["Idempotency-Key"] for request in sent}) == 1
    assert [effect.seconds for effect in seen if isinstance(effect, Pause)] == [0.1, 1.0]


def test_a_request_still_in_flight_is_awaited() -> None:
    steps = calls.execute(Session("http://x"), "m", {}, None, "k")
    busy = reply(409, '{"type": "urn:openccp:problem:request-in-flight"}')
    document, _ = drive(steps, busy, reply(201, '{"jobID": "1"}'))
    assert document == {"jobID": "1"}


def test_a_dismissal_whose_reply_was_lost_is_not_repeated() -> None:
    steps = calls.cancel(Session("http://x"), "1")
    with pytest.raises(Unreachable):
        drive(steps, reply(200, '{"status": "running", "jobID": "1"}'), Unreachable("lost"))
    steps = calls.cancel(Session("http://x"), "1")
    never_sent = Unreachable("refused", sent=False)
    running, gone = '{"status": "running"}', '{"status": "dismissed"}'
    document, _ = drive(steps, reply(200, running), never_sent, reply(200, gone))
    assert document["status"] == "dismissed"


def test_waiting_obeys_retry_after_and_asks_ever_less_often() -> None:
    running = '{"status": "running"}'
    answers = [reply(200, running), reply(200, running, retry_after="9"), reply(200, running)]
    steps = calls.wait(Session("http://x"), "1", None)
    _, seen = drive(steps, *answers, reply(200, '{"status": "failed"}'))
    pauses = [effect.seconds for effect in seen if isinstance(effect, Pause)]
    assert pauses == pytest.approx([0.1, 9, 0.225])


def test_backoff_ends() -> None:
    backoff = Backoff(1.0)
    assert [backoff.pause() for _ in range(4)] == [0.1, 0.2, 0.4, None]
    assert Backoff(1.0).pause(asked=30) is None
    assert Backoff(0).pause() is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Refused),
        (401, NotAuthenticated),
        (403, NotAuthenticated),
        (404, NotFound),
        (415, Refused),
        (429, Unreachable),
        (500, Unreachable),
        (503, Unreachable),
    ],
)
def test_statuses_have_their_exception(status: int, kind: type[CCPError]) -> None:
    documents: list[object] = [None, [], {"detail": "why"}, {"errors": "no list"}]
    for document in documents:
        assert type(refusal(status, document)) is kind


def test_each_fault_has_a_line_with_its_pointer() -> None:
    faults = [{"pointer": "#/inputs/a", "detail": "missing"}, {"detail": "all wrong"}, 3]
    error = refusal(400, {"detail": "Two faults", "errors": faults})
    assert str(error) == "Two faults\n  /inputs/a: missing\n  /: all wrong"


def test_the_ends_of_jobs() -> None:
    session = Session("http://x")
    with pytest.raises(JobDismissed):
        drive(calls.must_be_successful(session, {"jobID": "1", "status": "dismissed"}))
    failed = {"jobID": "1", "status": "failed", "exception": {"detail": "ended with 3"}}
    lines = "\n".join(str(number) for number in range(30))
    with pytest.raises(JobFailed, match="Job 1 failed: ended with 3") as caught:
        drive(calls.must_be_successful(session, failed), reply(404), reply(206, lines))
    assert caught.value.log == tuple(str(number) for number in range(20, 30))


@pytest.mark.parametrize("content", ["", "<html>", "[" * 100_000, "[1]", "null"])
def test_an_answer_that_is_none(content: str) -> None:
    with pytest.raises(CCPError):
        drive(calls.describe(Session("http://x"), "m"), reply(200, content))


def test_a_redirect_is_told_and_not_followed() -> None:
    steps = calls.describe(Session("http://x"), "m")
    with pytest.raises(CCPError, match="https://y"):
        drive(steps, reply(301, location="https://y"))


def test_ids_stay_in_their_place_in_the_path() -> None:
    _, seen = drive(calls.describe(Session("http://x"), "../a?b#c"), reply(200))
    (effect,) = seen
    assert isinstance(effect, Send)
    assert effect.request.path == "/processes/..%2Fa%3Fb%23c"


def test_a_next_link_to_itself_ends() -> None:
    page = '{"processes": [{"id": "a"}], "links": [{"rel": "next", "href": "?limit=100"}]}'
    found, _ = drive(calls.methods(Session("http://x")), reply(200, page))
    assert found == [{"id": "a"}]


def test_results_become_values() -> None:
    raw = base64.b64encode(b"x").decode()
    assert decode(
        {
            "plain": 1,
            "qualified": {"value": {"a": 1}, "mediaType": "application/json"},
            "binary": {"value": raw, "encoding": "base64"},
            "broken": {"value": "?", "encoding": "base64"},
            "many": [{"value": raw, "encoding": "base64"}, "b"],
            "link": {"href": "http://x"},
            "box": {"bbox": [1, 2, 3, 4]},
        }
    ) == {
        "plain": 1,
        "qualified": {"a": 1},
        "binary": b"x",
        "broken": "?",
        "many": [b"x", "b"],
        "link": {"href": "http://x"},
        "box": {"bbox": [1, 2, 3, 4]},
    }


def test_inputs_that_want_files() -> None:
    schemas = {
        "a": {"type": "string", "format": "file"},
        "b": {"type": "string", "contentEncoding": "base64"},
        "c": {"type": "array", "items": {"format": "file"}},
        "d": {"type": "string"},
    }
    method = {"inputs": {name: {"schema": schema} for name, schema in schemas.items()}}
    assert file_inputs(method) == {"a", "b", "c"}
    assert file_inputs({"inputs": {"a": {}, "b": None}}) == frozenset()


@pytest.mark.parametrize("value", [object(), float("nan"), {1: object()}])
def test_values_that_cannot_be_sent(value: Any) -> None:
    with pytest.raises(CCPError, match="cannot be sent"):
        drive(calls.execute(Session("http://x"), "m", {"a": value}, None, None))
