"""The verbs of the API as steps: what each sends, and what it makes of the answer."""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from openccp.client import values
from openccp.client.body import Body
from openccp.client.errors import CCPError, JobDismissed, JobFailed, Refused
from openccp.client.packages import Package
from openccp.client.session import LONG_PATIENCE, LONGEST_PAUSE, Session, retry_after
from openccp.client.steps import Pause, Reply, Request, Steps

Document = dict[str, Any]
JSON_HEADERS = {"Accept": "application/json"}
MOVED_ON = 412
RESULTS_PROFILE = "https://www.opengis.net/def/profile/OGC/0/ogc-results"
FINAL = frozenset({"successful", "failed", "dismissed"})
PAGE = 100
TAIL_LINES, TAIL_BYTES = 10, 8192


def methods(session: Session) -> Steps[list[Document]]:
    """Every method one may run."""
    found = yield from _pages(session, "/processes", "processes", {}, None)
    return found


def jobs(session: Session, wanted: Mapping[str, str], limit: int | None) -> Steps[list[Document]]:
    """Own jobs, newest first."""
    found = yield from _pages(session, "/jobs", "jobs", wanted, limit)
    return found


def job_filter(
    status: str | Sequence[str],
    method: str | Sequence[str] | None,
    since: str | datetime | None,
    until: str | datetime | None,
    search: str | None,
) -> dict[str, str]:
    """The query of a job list that is asked for so."""
    times = (_moment(since), _moment(until))
    wanted = {
        "status": _list(status),
        "processID": _list(method or ()),
        "datetime": "/".join(time or ".." for time in times) if any(times) else "",
        "q": search or "",
    }
    return {name: value for name, value in wanted.items() if value}


def _list(words: str | Sequence[str]) -> str:
    return words if isinstance(words, str) else ",".join(words)


def _moment(time: str | datetime | None) -> str | None:
    """RFC 3339; a time without a zone is one of this machine."""
    return time.astimezone().isoformat() if isinstance(time, datetime) else time


def _pages(
    session: Session, path: str, member: str, query: Mapping[str, str], limit: int | None
) -> Steps[list[Document]]:
    found: list[Document] = []
    page = {**query, "limit": str(min(limit or PAGE, PAGE))}
    while True:
        document = yield from _get(session, path, page)
        items = document.get(member)
        found += values.pick(items if isinstance(items, list) else ())
        following = _next_query(document)
        if not following or following == page or (limit and len(found) >= limit):
            return found[:limit]
        page = following


def _next_query(document: Document) -> dict[str, str]:
    """The query of the `next` link. Its host is not trusted with our token, so not used."""
    links = document.get("links")
    for link in values.pick(links if isinstance(links, list) else ()):
        if link.get("rel") == "next":
            return dict(parse_qsl(urlsplit(str(link.get("href", ""))).query))
    return {}


def describe(session: Session, method: str) -> Steps[Document]:
    """One method with its inputs and outputs."""
    document = yield from _get(session, f"/processes/{quote(method, safe='')}")
    return document


def deploy(
    session: Session, package: Package, replace: bool, query: Mapping[str, str]
) -> Steps[Document]:
    """Publish a method, or a new revision of it; its summary, with `warnings` if any."""
    place = f"/processes/{quote(package.known_id, safe='')}" if replace else "/processes"
    headers = {**JSON_HEADERS, "Content-Type": package.media_type}
    if replace:
        headers["Prefer"] = "return=representation"
    reply = yield from session.call(
        Request("PUT" if replace else "POST", place, query, headers, package.content)
    )
    return _document(reply)


def deploy_query(public: bool, workflow: str | None) -> dict[str, str]:
    """What is said of a package beside it."""
    return {
        **({"visibility": "public"} if public else {}),
        **({"w": workflow} if workflow is not None else {}),
    }


def undeploy(session: Session, method: str) -> Steps[None]:
    """Remove a method; the records of its jobs stay."""
    yield from session.call(Request("DELETE", f"/processes/{quote(method, safe='')}"))


def webhook_secret(session: Session, new: bool) -> Steps[Document]:
    """What callbacks are signed with; `new` makes another one."""
    method = "POST" if new else "GET"
    reply = yield from session.call(
        Request(method, "/account/webhook-secret", headers=JSON_HEADERS)
    )
    return _document(reply)


def all_inputs(
    inputs: Mapping[str, Any] | None, more: Mapping[str, Any], note: str | None
) -> Document:
    """The inputs however they were given; a note travels as CCP's reserved input."""
    noted = {} if note is None else {"ccpnote": note}
    return {**(inputs or {}), **more, **noted}


def execute(
    session: Session,
    method: str,
    inputs: Mapping[str, Any],
    outputs: Sequence[str] | Mapping[str, Any] | None,
    key: str | None,
    infrastructure: str | None = None,
) -> Steps[Document]:
    """Start a job; the same key never starts a second one."""
    inputs = yield from _with_named_files(session, method, inputs)
    asked: Document = {"inputs": {name: values.encode(value) for name, value in inputs.items()}}
    if outputs is not None:
        asked["outputs"] = _outputs(outputs)
    if infrastructure is not None:
        asked["infrastructure"] = infrastructure
    asked["response"] = "document"
    reply = yield from session.call(
        Request(
            "POST",
            f"/processes/{quote(method, safe='')}/execution",
            headers={
                **JSON_HEADERS,
                "Content-Type": "application/json",
                "Prefer": "respond-async",
                "Idempotency-Key": key or uuid.uuid4().hex,
            },
            content=_json(asked),
        )
    )
    return _started(reply)


def _outputs(outputs: Sequence[str] | Mapping[str, Any]) -> Document:
    return dict(outputs) if isinstance(outputs, Mapping) else {name: {} for name in outputs}


def _json(document: Document) -> bytes:
    try:
        return json.dumps(document, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise CCPError(f"An input's value cannot be sent: {error}") from None


def _with_named_files(
    session: Session, method: str, inputs: Mapping[str, Any]
) -> Steps[Mapping[str, Any]]:
    if not any(values.name_a_file(value) for value in inputs.values()):
        return inputs
    files = values.file_inputs((yield from describe(session, method)))
    return {
        name: values.open_named_files(value) if name in files else value
        for name, value in inputs.items()
    }


def _started(reply: Reply) -> Document:
    document = reply.json()
    if reply.status != 201 or not isinstance(document, dict):
        raise CCPError("The server did not start a job: it runs this method only synchronously.")
    job_id(document)
    return document


def job_id(document: Mapping[str, Any]) -> str:
    """The id in a status document (1.0 says `jobID`, 2.0 says `id`)."""
    found = document.get("jobID") or document.get("id")
    if not isinstance(found, str):
        raise CCPError("The server's answer names no job.")
    return found


def status(session: Session, job: str) -> Steps[Document]:
    """The status document of a job."""
    document = yield from _get(session, _job(job))
    return document


def wait(session: Session, job: str, timeout: float | None) -> Steps[Document]:
    """The final status document; asks ever less often. TimeoutError after `timeout` seconds.

    JobFailed or JobDismissed is for the caller to raise (see `must_be_successful`).
    """
    waited, pause = 0.0, 0.1
    while True:
        reply = yield from session.call(
            Request("GET", _job(job), headers=JSON_HEADERS), patience=LONG_PATIENCE
        )
        document = _document(reply)
        if document.get("status") in FINAL:
            return document
        if timeout is not None and waited >= timeout:
            raise TimeoutError(f"Job {job} is still {document.get('status')}.")
        seconds = max(pause, retry_after(reply) or 0)
        seconds = seconds if timeout is None else min(seconds, max(timeout - waited, 0.01))
        yield Pause(seconds)
        waited, pause = waited + seconds, min(pause * 1.5, LONGEST_PAUSE)


def must_be_successful(session: Session, document: Document) -> Steps[None]:
    """Raise what a final status other than successful means."""
    job = job_id(document)
    if document.get("status") == "dismissed":
        raise JobDismissed(job)
    if document.get("status") == "failed":
        tail = yield from _tail(session, job)
        raise JobFailed(job, _reason(document), tail)


def _reason(document: Document) -> str:
    exception = document.get("exception")
    if isinstance(exception, dict) and exception.get("detail"):
        return str(exception["detail"])
    return str(document.get("message") or "no reason given")


def _tail(session: Session, job: str) -> Steps[list[str]]:
    for stream in ("stderr", "stdout"):
        text = yield from _end_of(session, job, stream)
        lines = [line for line in text.splitlines() if line.strip()]
        if lines:
            return lines[-TAIL_LINES:]
    return []


def _end_of(session: Session, job: str, stream: str) -> Steps[str]:
    headers = {"Accept": "text/plain", "Range": f"bytes=-{TAIL_BYTES}"}
    request = Request("GET", f"{_job(job)}/logs", {"stream": stream}, headers)
    try:
        reply = yield from session.call(request)
    except CCPError:
        return ""
    return reply.content.decode("utf-8", "replace")


def results(session: Session, job: str) -> Steps[Document]:
    """The results document of a successful job; JobFailed or JobDismissed of another."""
    request = Request("GET", f"{_job(job)}/results", {"profile": RESULTS_PROFILE}, JSON_HEADERS)
    body = Body(session, request)
    try:
        reply = yield from body.head()
    except CCPError:
        document = yield from status(session, job)
        yield from must_be_successful(session, document)
        raise
    if "json" not in reply.headers.get("content-type", ""):
        raise CCPError(f"Job {job} was started for raw results, not a document: get its files.")
    pieces = []
    while (piece := (yield from body.read())) is not None:
        pieces.append(piece)
    return _document(Reply(reply.status, reply.headers, b"".join(pieces)))


def output(session: Session, job: str, name: str) -> Steps[Any]:
    """One output: JSON as values, text as str, the rest as bytes."""
    request = Request("GET", f"{_job(job)}/results/{quote(name, safe='')}")
    reply = yield from session.call(request)
    return values.body_value(reply)


def cancel(session: Session, job: str) -> Steps[Document]:
    """Stop a job. One that has finished is left alone: a DELETE would remove its record.

    The DELETE names the state that was seen; if the job has moved on, it is looked at again.
    """
    while True:
        seen = yield from session.call(Request("GET", _job(job), headers=JSON_HEADERS))
        document = _document(seen)
        if document.get("status") in FINAL:
            return document
        as_seen = {"If-Match": seen.headers["etag"]} if "etag" in seen.headers else {}
        request = Request("DELETE", _job(job), headers={**JSON_HEADERS, **as_seen})
        try:
            reply = yield from session.call(request, repeatable=False)
        except Refused as refused:
            if refused.status != MOVED_ON:
                raise
        else:
            return _document(reply)


def _job(job: str) -> str:
    return f"/jobs/{quote(job, safe='')}"


def _get(session: Session, path: str, query: Mapping[str, str] | None = None) -> Steps[Document]:
    reply = yield from session.call(Request("GET", path, query or {}, JSON_HEADERS))
    return _document(reply)


def _document(reply: Reply) -> Document:
    document = reply.json()
    if not isinstance(document, dict):
        raise CCPError("The answer is not what an OpenCCP gives: is this the right address?")
    return document
