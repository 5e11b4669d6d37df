"""Requests that nobody should send: each gets a clear refusal, and nothing of the inside."""

import contextlib
import http.client
import json
import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import pytest

from openccp.testing.platform import RunningPlatform, User, bash_method
from openccp.web.app import ROUTES
from openccp.web.assets import assets

INSIDE = re.compile(
    r"Traceback|File \"|/root/|/tmp/|/var/|/dev/shm|site-packages|\.py\b"
    r"|openccp\.\w+\.|sqlalchemy|sqlite3?\b|starlette|uvicorn|pydantic|jsonschema",
    re.IGNORECASE,
)
MIB = 1 << 20


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


def send(
    address: str,
    path: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | Iterator[bytes] | None = None,
) -> Answer:
    """One request with its path exactly as given: no client tidies it up."""
    where = urlsplit(address)
    line = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
    chunked = body is not None and not isinstance(body, bytes)
    try:
        line.putrequest(method, path, skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            line.putheader(name, value)
        if isinstance(body, bytes):
            line.putheader("Content-Length", str(len(body)))
        elif chunked:
            line.putheader("Transfer-Encoding", "chunked")
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # refused early
            line.endheaders(body, encode_chunked=chunked)
        got = line.getresponse()
        return Answer(got.status, {k.lower(): v for k, v in got.getheaders()}, got.read())
    finally:
        line.close()


def refused(answer: Answer, *statuses: int) -> dict[str, object]:
    """A clear refusal as a problem document that tells nothing of the inside."""
    assert 400 <= answer.status < 500, answer
    assert answer.status in (statuses or (answer.status,)), answer
    assert answer.headers["content-type"] == "application/problem+json", answer
    problem: dict[str, object] = json.loads(answer.body)
    assert problem["status"] == answer.status
    assert len(answer.body) < 16_384
    for name in ("type", "title", "detail"):
        assert problem[name], problem
    said = json.dumps({k: v for k, v in problem.items() if k != "instance"})
    assert not INSIDE.search(said), problem
    return problem


@dataclass(frozen=True)
class Caller:
    """One account, and a job of it that has ended."""

    url: str
    token: str
    job: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def get(self, path: str, **headers: str) -> Answer:
        return send(self.url, path, headers=self.headers | headers)

    def send(self, path: str, method: str, body: bytes | Iterator[bytes], **headers: str) -> Answer:
        sent = {"Content-Type": "application/json", **self.headers, **headers}
        return send(self.url, path, method=method, headers=sent, body=body)

    def execute(self, body: bytes | Iterator[bytes], **headers: str) -> Answer:
        return self.send("/processes/hello-bash/execution", "POST", body, **headers)


@pytest.fixture(scope="session")
def one(platform: RunningPlatform) -> Iterator[Caller]:
    yield from account(platform, "hostile")


@pytest.fixture(scope="session")
def stranger(platform: RunningPlatform) -> Iterator[Caller]:
    yield from account(platform, "stranger")


def account(platform: RunningPlatform, name: str) -> Iterator[Caller]:
    user = platform.user(name)
    made = bash_method(f"of-{name}", "echo words\necho kept >a.txt")
    assert user.deploy(made).status_code == 201
    ended = user.finish(f"of-{name}")
    assert ended["status"] == "successful"
    yield Caller(platform.url, user.token, str(ended["jobID"]))
    user.close()


# --- who may: every route, by name --------------------------------------------------------------

OPEN, SIGNED_IN, OWN, FORM = "open", "signed in", "own", "its own page only"
GUEST = "whoever has a link to the job"
ADMIN = "administrators only"
CARRIER = "the task that carries an attempt's files"
ACCESS = {
    ("GET", "/"): OPEN,
    ("GET", "/conformance"): OPEN,
    ("GET", "/api"): OPEN,
    ("GET", "/health"): OPEN,
    ("GET", "/jwks"): OPEN,
    ("GET", "/.well-known/openid-configuration"): OPEN,
    ("GET", "/.well-known/uma2-configuration"): OPEN,
    ("GET", "/.well-known/oauth-authorization-server"): OPEN,
    ("GET", "/sign-in"): OPEN,
    ("GET", "/assets/{digest}/{asset}"): OPEN,
    ("GET", "/embed/ccp-elements.js"): OPEN,
    ("POST", "/token"): FORM,
    ("POST", "/auth/realms/{realm}/protocol/openid-connect/token"): FORM,
    ("POST", "/device_authorization"): FORM,
    ("GET", "/device"): OPEN,
    ("POST", "/device"): FORM,
    ("POST", "/sign-in"): FORM,
    ("POST", "/sign-out"): FORM,
    ("POST", "/language/{language}"): FORM,
    ("GET", "/processes"): SIGNED_IN,
    ("POST", "/processes"): SIGNED_IN,
    ("GET", "/editor"): SIGNED_IN,
    ("POST", "/editor"): SIGNED_IN,
    ("GET", "/jobs"): SIGNED_IN,
    ("POST", "/jobs"): SIGNED_IN,
    ("GET", "/executions"): SIGNED_IN,
    ("GET", "/deliveries"): SIGNED_IN,
    ("GET", "/account/webhook-secret"): SIGNED_IN,
    ("POST", "/account/webhook-secret"): SIGNED_IN,
    ("GET", "/infrastructures"): SIGNED_IN,
    ("GET", "/operator"): ADMIN,
    ("POST", "/operator/deliveries/{delivery_id}/retry"): ADMIN,
    ("GET", "/uploads"): SIGNED_IN,
    ("POST", "/uploads"): SIGNED_IN,
    ("GET", "/infrastructures/{infrastructure_id}"): SIGNED_IN,
    ("POST", "/carriers/{infrastructure_id}/{attempt}"): CARRIER,
    ("GET", "/carriers/{infrastructure_id}/{attempt}/{stage}"): CARRIER,
    ("PUT", "/carriers/{infrastructure_id}/{attempt}/{stage}"): CARRIER,
    ("GET", "/processes/{process_id}"): OWN,
    ("PUT", "/processes/{process_id}"): OWN,
    ("DELETE", "/processes/{process_id}"): OWN,
    ("GET", "/processes/{process_id}/package"): OWN,
    ("GET", "/processes/{process_id}/versions"): OWN,
    ("GET", "/processes/{process_id}/versions/changes"): OWN,
    ("GET", "/processes/{process_id}/code"): OWN,
    ("POST", "/processes/{process_id}/code"): OWN,
    ("POST", "/processes/{process_id}/execution"): OWN,
    ("GET", "/processes/{process_id}/execution"): OWN,
    ("GET", "/processes/{process_id}/form"): OWN,
    ("POST", "/processes/{process_id}/form"): OWN,
    ("GET", "/processes/{process_id}/editor"): OWN,
    ("POST", "/processes/{process_id}/editor"): OWN,
    ("GET", "/jobs/{job_id}"): OWN,
    ("PATCH", "/jobs/{job_id}"): OWN,
    ("DELETE", "/jobs/{job_id}"): OWN,
    ("POST", "/jobs/{job_id}/results"): OWN,
    ("POST", "/bulk/jobs"): SIGNED_IN,
    ("GET", "/jobs/{job_id}/labels"): OWN,
    ("PUT", "/jobs/{job_id}/labels"): OWN,
    ("POST", "/jobs/{job_id}/labels"): OWN,
    ("GET", "/jobs/{job_id}/report"): OWN,
    ("GET", "/jobs/{job_id}/compare"): OWN,
    ("POST", "/jobs/{job_id}/again"): OWN,
    ("GET", "/jobs/{job_id}/shares"): OWN,
    ("POST", "/jobs/{job_id}/shares"): OWN,
    ("DELETE", "/jobs/{job_id}/shares/{share_id}"): OWN,
    ("POST", "/jobs/{job_id}/shares/{share_id}"): OWN,
    ("GET", "/shared/{share}"): GUEST,
    ("GET", "/shared/{share}/jobs/{job_id}/results"): GUEST,
    ("GET", "/shared/{share}/jobs/{job_id}/results/{output_id}"): GUEST,
    ("GET", "/shared/{share}/jobs/{job_id}/results/{output_id}/{index}"): GUEST,
    ("GET", "/shared/{share}/jobs/{job_id}/logs"): GUEST,
    ("GET", "/shared/{share}/executions/{job_id}/outputs/output.zip"): GUEST,
    ("GET", "/shared/{share}/executions/{job_id}/outputs/{path:path}"): GUEST,
    ("GET", "/shared/{share}/executions/{job_id}/previews/{path:path}"): GUEST,
    ("GET", "/shared/{share}/executions/{job_id}/logs/{name}"): GUEST,
    ("GET", "/jobs/{job_id}/definition"): OWN,
    ("GET", "/jobs/{job_id}/inputs"): OWN,
    ("GET", "/jobs/{job_id}/code"): OWN,
    ("GET", "/jobs/{job_id}/prov"): OWN,
    ("GET", "/jobs/{job_id}/results"): OWN,
    ("GET", "/jobs/{job_id}/results/{output_id}"): OWN,
    ("GET", "/jobs/{job_id}/results/{output_id}/{index}"): OWN,
    ("GET", "/jobs/{job_id}/logs"): OWN,
    ("GET", "/jobs/{job_id}/events"): OWN,
    ("GET", "/deliveries/{delivery_id}"): OWN,
    ("POST", "/deliveries/{delivery_id}/retry"): OWN,
    ("GET", "/uploads/{upload_id}"): OWN,
    ("PATCH", "/uploads/{upload_id}"): OWN,
    ("DELETE", "/uploads/{upload_id}"): OWN,
    ("GET", "/executions/{job_id}"): OWN,
    ("DELETE", "/executions/{job_id}"): OWN,
    ("GET", "/executions/{job_id}/outputs/output.zip"): OWN,
    ("GET", "/executions/{job_id}/outputs/{path:path}"): OWN,
    ("GET", "/executions/{job_id}/previews/{path:path}"): OWN,
    ("GET", "/executions/{job_id}/logs/{name}"): OWN,
    ("GET", "/executions/{job_id}/metadata/{name}"): OWN,
    ("GET", "/executions/{job_id}/metadata/provo.xml"): OWN,
}
NAMES = {
    "realm": "default", "language": "it",
    "infrastructure_id": "local", "output_id": "output", "index": "0",
    "path:path": "a.txt", "delivery_id": "msg_0", "name": "stdout",
    "digest": assets()["style.css"].digest, "asset": "style.css",
    "attempt": "ccp-x-1", "upload_id": "0" * 32, "stage": "run",
    "share": "ccpl_x", "share_id": "0",
}  # fmt: skip
OTHERWISE = {
    "/processes/{process_id}/execution": 201,
    "/jobs/{job_id}/results/{output_id}/{index}": 400,
    "/uploads/{upload_id}": 404,  # so is this
    "/deliveries/{delivery_id}": 404,  # whose they are is tested where there are some
}


def rows(*kinds: str) -> list[object]:
    return [
        pytest.param(method, path, id=f"{method} {path}")
        for (method, path), kind in ACCESS.items()
        if kind in kinds
    ]


def filled(path: str, job: str, process: str) -> str:
    names = {**NAMES, "job_id": job, "process_id": process}
    if "/metadata/" in path:
        names["name"] = "request.json"
    return re.sub(r"{([^}]+)}", lambda hit: names[hit[1]], path)


def test_every_route_says_who_may() -> None:
    there = {(m, route.path) for route in ROUTES for m in (route.methods or set()) - {"HEAD"}}
    assert there == set(ACCESS)


@pytest.mark.parametrize(("method", "path"), rows(SIGNED_IN, OWN, ADMIN))
def test_nobody_gets_in_without_a_token(
    platform: RunningPlatform, one: Caller, method: str, path: str
) -> None:
    address = filled(path, one.job, "of-hostile")
    body = None if method in ("GET", "DELETE") else b"not json"
    for sent in ({}, {"Authorization": "Bearer ccp_wrong"}, {"Authorization": "Basic Og=="}):
        answer = send(platform.url, address, method=method, headers=sent, body=body)
        refused(answer, 401)
        assert "www-authenticate" in answer.headers
    if method == "GET":
        assert send(platform.url, address, method="HEAD").status == 401


@pytest.mark.parametrize(("method", "path"), rows(OPEN))
def test_what_is_open_is_open(platform: RunningPlatform, method: str, path: str) -> None:
    assert send(platform.url, filled(path, "", ""), method=method).status == 200


@pytest.mark.parametrize(("method", "path"), rows(FORM))
def test_forms_do_nothing_for_strangers(platform: RunningPlatform, method: str, path: str) -> None:
    address = filled(path, "", "")
    answer = send(
        platform.url, address, method=method, body=b"", headers={"Origin": "http://evil.example"}
    )
    assert 400 <= answer.status < 500
    assert "set-cookie" not in answer.headers
    assert not INSIDE.search(answer.body.decode())


@pytest.mark.parametrize(("method", "path"), rows(ADMIN))
def test_only_administrators_operate(one: Caller, method: str, path: str) -> None:
    refused(send(one.url, filled(path, "", ""), method=method, headers=one.headers), 403)


@pytest.mark.parametrize(("method", "path"), rows(CARRIER))
def test_nobody_carries_for_others(
    platform: RunningPlatform, one: Caller, method: str, path: str
) -> None:
    address = filled(path, one.job, "of-hostile")
    body = None if method == "GET" else b"{}"
    for sent in ({}, one.headers, {"Authorization": f"Bearer {'x' * 43}"}):
        refused(send(platform.url, address, method=method, headers=sent, body=body), 404)


@pytest.mark.parametrize(("method", "path"), rows(GUEST))
def test_nobody_is_a_guest_without_a_link(one: Caller, method: str, path: str) -> None:
    for share in ("ccpl_x", "x" * 5_000, "ccpl_" + "A" * 43 + "00000000", one.token):
        address = filled(path, one.job, "of-hostile").replace("ccpl_x", share)
        for sent in ({}, one.headers):
            refused(send(one.url, address, method=method, headers=sent), 404, 400, 431)


@pytest.mark.parametrize(("method", "path"), rows(OWN))
def test_only_the_owner_finds_it(one: Caller, stranger: Caller, method: str, path: str) -> None:
    address = filled(path, one.job, "of-hostile")
    document = json.dumps(bash_method("of-hostile", "true")).encode()
    body = document if method == "PUT" else b"{}"
    problem = refused(stranger.send(address, method, body), 404)
    assert problem["type"] != "about:blank"
    if method == "GET":
        owned = one.get(address).status
        assert owned == OTHERWISE.get(path, 200) or "/results/" in path


# --- bodies -------------------------------------------------------------------------------------

BODIES: dict[str, tuple[bytes, int]] = {
    "no JSON": (b"hello", 400),
    "half": (b'{"inputs": {', 400),
    "list": (b"[1]", 400),
    "number": (b"1", 400),
    "null": (b"null", 400),
    "text": (b'"{}"', 400),
    "100,000 lists": (b"[" * 100_000, 400),
    "100,000 lists, closed": (b"[" * 100_000 + b"]" * 100_000, 400),
    "100,000 lists inside": (b'{"inputs":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400),
    "100,000 objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400),
    "NaN": (b'{"inputs": {"ccpreplicas": NaN}}', 400),
    "Infinity": (b'{"inputs": {"ccpreplicas": -Infinity}}', 400),
    "large number": (b'{"inputs": {"ccpreplicas": 1e999}}', 400),
    "many digits": (b'{"inputs": {"ccpreplicas": ' + b"9" * 5000 + b"}}", 400),
    "twice": (b'{"inputs": {}, "inputs": {}}', 400),
    "twice inside": (b'{"inputs": {"ccpnote": "a", "ccpnote": "b"}}', 400),
    "not UTF-8": (b'{"inputs": {"ccpnote": "\xff\xfe"}}', 400),
    "UTF-16": ('{"inputs": {}}'.encode("utf-16"), 400),
    "NUL": (b'{"inputs": {"ccpnote": "\\u0000"}}', 400),
    "lone surrogate": (b'{"inputs": {"ccpnote": "\\ud800"}}', 400),
    "unknown member": (b'{"inputs": {}, "shell": "sh"}', 400),
    "unknown input": (b'{"inputs": {"../../etc/passwd": "x"}}', 400),
    "inputs a list": (b'{"inputs": []}', 400),
    "outputs a text": (b'{"inputs": {}, "outputs": "all"}', 400),
    "response unknown": (b'{"inputs": {}, "response": "all"}', 400),
    "subscriber a number": (b'{"inputs": {}, "subscriber": 1}', 400),
}


@pytest.mark.parametrize(("body", "status"), BODIES.values(), ids=BODIES)
def test_a_body_that_is_no_request(one: Caller, body: bytes, status: int) -> None:
    refused(one.execute(body), status)


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("body", [b for b, _ in BODIES.values()], ids=BODIES)
def test_a_body_that_is_no_method(one: Caller, method: str, body: bytes) -> None:
    refused(one.send("/processes" + "/of-hostile" * (method == "PUT"), method, body), 400, 422)


@pytest.mark.parametrize(
    "kind",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/xml", "application/jsonx",
     "multipart/form-data; boundary=x", "application/json\t;;;x" * 200 + "!"],
)  # fmt: skip
def test_another_media_type(one: Caller, kind: str) -> None:
    answer = one.execute(b"{}", **{"Content-Type": kind})
    if answer.status != 201:
        refused(answer, 415)


def test_a_body_without_a_type(one: Caller) -> None:
    answer = send(
        one.url, "/processes/echo/execution", method="POST", headers=one.headers, body=b"{}"
    )
    refused(answer, 415)


CANARY = b"canary-of-the-body"


def large(size: int) -> Iterator[bytes]:
    yield b'{"inputs": {"ccpnote": "' + CANARY
    for _ in range(size // MIB):
        yield b"x" * MIB


@pytest.mark.parametrize("address", ["/processes", "/processes/hello-bash/execution"])
def test_50_mib_are_refused_and_not_repeated(one: Caller, address: str) -> None:
    for body in (b"".join(large(50 * MIB)), large(50 * MIB)):
        answer = one.send(address, "POST", body)
        refused(answer, 413)
        assert b"canary" not in answer.body
        assert len(answer.body) < 1024


def test_nothing_that_was_sent_comes_back(one: Caller) -> None:
    for body in (CANARY, b'{"inputs": {"ccpreplicas": "' + CANARY * 1000 + b'"}}'):
        assert len(one.execute(body).body) < 2048


# --- addresses ----------------------------------------------------------------------------------

TRICKS = [
    "%2e%2e", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..%2f..%2fetc%2fpasswd", "..%5c..%5cetc", "%2f",
    "%252e%252e%252f", "%00", "a%00.txt", "%0d%0aX-Evil:1", "%ff%fe", "%c0%ae%c0%ae%2f", "%",
    "%zz", "..;", "a" * 5000, "%F0%9F%A7%AA" * 500, quote("\u202egpj"), "'%20OR%201=1--",
    "%3Cscript%3E", "-rf", "~root", "CON", "a:b", "*", "{job_id}", "%7B%7B7*7%7D%7D", "..",
]  # fmt: skip
PLACES = sorted({path for _, path in ACCESS if "{" in path and "realms" not in path})


@pytest.mark.parametrize("place", PLACES)
def test_tricks_at_every_place_of_an_address(one: Caller, place: str) -> None:
    slots = re.findall(r"{([^}]+)}", place)
    for slot in slots:
        for trick in TRICKS:
            path = filled(place.replace(f"{{{slot}}}", "\0"), one.job, "of-hostile")
            address = path.replace("\0", trick)
            answer = one.get(address)
            if answer.status == 200:
                assert "/{job_id}/" not in place or slot != "job_id", address
                assert "/../" in address or address.endswith("/.."), (address, answer.body[:99])
            elif answer.status != 204:
                refused(answer, 400, 404, 405, 414)


def test_methods_that_nobody_serves(one: Caller) -> None:
    served = {(method, filled(path, one.job, "of-hostile")) for method, path in ACCESS}
    for path in sorted({path for _, path in served}):
        for method in ("PATCH", "TRACE", "PROPFIND", "PURGE"):
            if (method, path) in served:
                continue
            answer = send(one.url, path, method=method, headers=one.headers)
            refused(answer, 400, 405)
            assert answer.status == 400 or "allow" in answer.headers


# --- headers and parameters ---------------------------------------------------------------------

RANGES = [
    "bytes=-0", "bytes=9-1", "bytes=a-b", "bytes=", "bytes", "lines=0-1", "bytes=0-0,2-2",
    "bytes=99999999999999999999999999-", "bytes=0-99999999999999999999999999", "bytes=--1",
    "bytes=-" + "9" * 4000,
    ",".join(f"bytes={n}-{n}" for n in range(300)), "bytes=0-\u00b2",
]  # fmt: skip


@pytest.mark.parametrize("range_", RANGES)
def test_ranges(one: Caller, range_: str) -> None:
    for path in ("outputs/a.txt", "outputs/output.zip", "logs/stdout"):
        whole = one.get(f"/executions/{one.job}/{path}").body
        answer = one.get(f"/executions/{one.job}/{path}", Range=range_)
        if answer.status == 416:
            refused(answer, 416)
            assert answer.headers["content-range"] == f"bytes */{len(whole)}"
        else:
            assert answer.status in (200, 206)
            assert answer.body in whole


PARAMETERS = [
    "/jobs?limit=-1", "/jobs?limit=0", "/jobs?limit=abc", "/jobs?limit=1e3", "/jobs?limit=",
    "/jobs?limit=" + "9" * 5000, "/jobs?limit=%D9%A1", "/jobs?after=x", "/jobs?after=%00",
    "/jobs?after=W10", "/jobs?after=bnVsbA", "/jobs?after=WzEsMl0", "/jobs?after=" + "A" * 9000,
    "/jobs?after=WyJhIiwiYiJd", "/jobs?after=WzFlOTk5LCJhIl0", "/jobs?after=%F0%9F%A7%AA",
    "/jobs?status=dead", "/jobs?status=%00", "/jobs?nothing=1", "/jobs?before=x",
    "/jobs?datetime=yesterday", "/jobs?datetime=2026-01-01", "/jobs?datetime=%00",
    "/jobs?datetime=2026-02-30T00:00:00Z", "/jobs?datetime=0000-01-01T00:00:00Z",
    "/jobs?datetime=2026-01-01T00:00:00", "/jobs?datetime=2026-01-01T00:00:00+01:00",
    "/jobs?datetime=../..", "/jobs?datetime=/", "/jobs?datetime=" + "9" * 9000,
    "/jobs?datetime=2026-01-02T00:00:00Z/2026-01-01T00:00:00Z", "/jobs?minDuration=-1",
    "/jobs?minDuration=nan", "/jobs?maxDuration=1e9", "/jobs?maxDuration=%D9%A1",
    "/jobs?minDuration=2&maxDuration=1", "/jobs?minDuration=1&minDuration=1",
    "/jobs?q=" + "a" * 201, "/jobs?q=a+b+c+d+e+f+g+h+i+j+k", "/jobs?q=a&q=b",
    "/jobs?processID=" + ",".join(map(str, range(51))),
    "/jobs?%ff=1", "/processes?limit=-5", "/processes?limit=x", "/processes?nothing=1",
    "/executions?limit=-5", "/executions?after=1", "/executions?status=dead",
    "/processes?after=x", "/processes?before=W10",
]  # fmt: skip


@pytest.mark.parametrize("address", PARAMETERS, ids=range(len(PARAMETERS)))
def test_parameters_without_meaning(one: Caller, address: str) -> None:
    refused(one.get(address), 400)


@pytest.mark.parametrize("last", ["x", "-1", "9" * 400, "stdout.0:-1", "stdout.0:" + "9" * 30, "²"])
def test_a_last_event_that_never_was(one: Caller, last: str) -> None:
    name = last.encode().decode("latin-1")
    sent = {"Last-Event-ID": name, "Accept": "text/event-stream"}
    for path in ("events", "logs"):
        answer = one.get(f"/jobs/{one.job}/{path}", **sent)
        assert answer.status == 200
        assert b"event: end" in answer.body


@pytest.mark.parametrize(
    "wait", ["wait=-1", "wait=x", "wait=" + "9" * 400, "wait=²", ";;;,,,=", "="]
)
def test_preferences_without_meaning(one: Caller, wait: str) -> None:
    answer = one.execute(b"{}", Prefer=wait.encode().decode("latin-1"))
    assert answer.status in (200, 201), answer


@pytest.mark.parametrize("key", ["", "k" * 256, "k" * 60_000])
def test_keys_that_are_too_long(one: Caller, key: str) -> None:
    refused(one.execute(b"{}", **{"Idempotency-Key": key}), 400, 431)


@pytest.mark.parametrize("name", ["X-Large", "Authorization", "Cookie", "Accept", "If-None-Match"])
def test_a_huge_header(one: Caller, name: str) -> None:
    value = "Bearer " + "x" * (2 * MIB)
    refused(send(one.url, "/jobs", headers={name: value}), 431)


HOSTS = ["evil.example", "a b", "x" * 5000, "[::1", "a/../b", "a@b", "a\tb"]


@pytest.mark.parametrize("kind", ["application/json", "text/html"])
@pytest.mark.parametrize("host", HOSTS)
def test_a_host_is_not_believed_blindly(one: Caller, host: str, kind: str) -> None:
    head = f"GET /jobs HTTP/1.1\r\nHost: {host}\r\nAccept: {kind}\r\n"
    raw = f"{head}Connection: close\r\n\r\n".encode()
    assert 400 <= status_of(exchange(one.url, raw)) < 500


def exchange(address: str, request: bytes) -> bytes:
    where = urlsplit(address)
    with socket.create_connection((where.hostname, where.port), timeout=10) as line:
        line.sendall(request)
        parts = []
        while part := line.recv(65_536):
            parts.append(part)
        return b"".join(parts)


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


BROKEN = {
    "no method": b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a tunnel": b"CONNECT evil.example:80 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "no HTTP": b"hello\r\n\r\n",
    "another version": b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    "no host, absolute": b"GET http://evil.example/jobs HTTP/1.1\r\nConnection: close\r\n\r\n",
    "NUL in a header": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
    "two lengths": b"POST /jobs HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
    b"Content-Length: 2\r\n\r\nab",
    "length and chunks": b"POST /jobs HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
    b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
    "negative length": b"POST /jobs HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "bad chunk": b"POST /processes HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "NUL in the path": b"GET /jobs/\0 HTTP/1.1\r\nHost: a\r\n\r\n",
    "bytes in the path": b"GET /jobs/\xff\xfe HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
}


@pytest.mark.parametrize("request_", BROKEN.values(), ids=BROKEN)
def test_what_is_no_http(one: Caller, request_: bytes) -> None:
    answer = exchange(one.url, request_)
    assert 400 <= status_of(answer) < 500 or b"401" in answer
    assert not INSIDE.search(answer.decode("latin-1"))


def test_the_server_lives_and_nothing_broke_inside(platform: RunningPlatform, user: User) -> None:
    """Last: what the tests before this one sent has made no error in the server's own log."""
    assert user.finish("hello-bash")["status"] == "successful"
    assert "request failed" not in platform.log()
    assert "Traceback" not in platform.log()
