"""HTTP as its standards have it, over a real socket."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from openccp.testing.platform import RunningPlatform, User, bash_method
from openccp.web.operations import OPERATIONS

DOCUMENTS = ("/", "/conformance", "/api", "/processes", "/processes/hello-bash", "/jobs")
BROWSER = "text/html,*/*;q=0.8"


@pytest.fixture(scope="session")
def one(platform: RunningPlatform) -> Iterator[User]:
    user = platform.user("http-user")
    yield user
    user.close()


@pytest.fixture(scope="session")
def job(one: User) -> str:
    return str(one.finish("hello-bash")["jobID"])


def raw(user: User, path: str, method: str = "GET", **headers: str) -> httpx2.Response:
    """Without the headers that a client sends by itself."""
    plain = {"Accept-Encoding": "identity"} | {k.replace("_", "-"): v for k, v in headers.items()}
    return user.http.request(method, path, headers=plain)


@pytest.mark.requirement("1/1.0/core/http")
@pytest.mark.requirement("1/2.0/core/http")
def test_head_says_what_get_says(one: User, job: str) -> None:
    for path in (*DOCUMENTS, f"/jobs/{job}", f"/jobs/{job}/results/stdout", f"/jobs/{job}/logs"):
        for sent in ({}, {"Accept": BROWSER}, {"Accept_Encoding": "gzip"}):
            got, head = raw(one, path, **sent), raw(one, path, "HEAD", **sent)
            assert head.content == b""
            assert head.status_code == got.status_code == 200
            same = {k: v for k, v in got.headers.items() if k not in ("date",)}
            assert {k: v for k, v in head.headers.items() if k not in ("date",)} == same, path
            assert "content-length" in same


def test_options_names_what_there_is(one: User, job: str) -> None:
    for operation in OPERATIONS:
        path = operation.path.replace("{jobID}", job).replace("{processID}", "hello-bash")
        answer = one.http.options(path)
        assert answer.status_code == 204, path
        assert operation.method.upper() in answer.headers["allow"].split(", ")
        assert "OPTIONS" in answer.headers["allow"]
    assert one.http.options("/nowhere").status_code == 404


def test_what_an_address_does_not_know_is_405_with_what_it_does(one: User) -> None:
    answer = one.http.request("PURGE", "/jobs")
    assert answer.status_code == 405
    assert {"GET", "HEAD", "OPTIONS"} <= set(answer.headers["allow"].split(", "))


@pytest.mark.parametrize("path", DOCUMENTS)
def test_an_etag_spares_the_body(one: User, path: str) -> None:
    first = raw(one, path)
    tag = first.headers["etag"]
    again = raw(one, path, If_None_Match=f'"other", {tag}')
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == tag
    assert again.headers["cache-control"] == first.headers["cache-control"]
    assert again.headers["vary"] == first.headers["vary"]
    assert raw(one, path, If_None_Match='"other"').status_code == 200
    page = raw(one, path, Accept=BROWSER, If_None_Match=tag)
    assert (page.status_code, page.headers.get("etag")) == (200, None) or path == "/api"


def test_the_etag_of_a_job_changes_with_it(one: User) -> None:
    running = one.run("hello-bash")["jobID"]
    before = one.http.get(f"/jobs/{running}").headers["etag"]
    one.wait(running)
    after = one.http.get(f"/jobs/{running}", headers={"If-None-Match": before})
    assert after.status_code == 200
    assert after.headers["etag"] != before


def test_gzip_is_a_variant_with_an_etag_of_its_own(one: User) -> None:
    plain, path = raw(one, "/processes/hello-bash"), "/processes/hello-bash"
    packed = raw(one, path, Accept_Encoding="gzip;q=0.5, br")
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content) / 2
    assert packed.json() == plain.json()
    tag = packed.headers["etag"]
    assert tag != plain.headers["etag"]
    for encoding in ("gzip", "identity"):
        again = raw(one, path, Accept_Encoding=encoding, If_None_Match=tag)
        assert (again.status_code, again.headers["etag"]) == (304, tag)
    assert "Accept-Encoding" in plain.headers["vary"]
    for refusal in ("identity", "gzip;q=0", "br", "*;q=0, br", ""):
        assert "content-encoding" not in raw(one, path, Accept_Encoding=refusal).headers


def test_a_job_is_dismissed_by_the_etag_of_its_compressed_status(one: User, job: str) -> None:
    gone = one.finish("hello-bash")["jobID"]
    tag = raw(one, f"/jobs/{gone}", Accept_Encoding="gzip").headers["etag"]
    assert tag.endswith('-gzip"')
    assert raw(one, f"/jobs/{gone}", "DELETE", If_Match='"other-gzip"').status_code == 412
    assert raw(one, f"/jobs/{gone}", "DELETE", If_Match=tag).status_code == 200


def test_what_is_secret_partial_or_streamed_is_not_compressed(one: User) -> None:
    made = bash_method("long-text", "seq 1 5000")
    assert one.deploy(made).status_code == 201
    job = one.finish("long-text")["jobID"]
    path = f"/jobs/{job}/logs"
    whole = raw(one, path, Accept_Encoding="gzip")
    assert "content-encoding" not in whole.headers
    part = raw(one, path, Accept_Encoding="gzip", Range="bytes=0-4999")
    assert (part.status_code, len(part.content)) == (206, 5000)
    assert "content-encoding" not in part.headers
    events = raw(one, f"/jobs/{job}/events", Accept_Encoding="gzip")
    assert "content-encoding" not in events.headers
    for secret in ("/sign-in?secret=" + "x" * 2000,):
        answer = raw(one, secret, Accept_Encoding="gzip")
        assert answer.headers["cache-control"] == "no-store"
        assert "content-encoding" not in answer.headers


def test_the_style_sheet_is_kept_for_ever(one: User) -> None:
    page = raw(one, "/", Accept=BROWSER).text
    address = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    sheet = raw(one, address, Accept_Encoding="gzip")
    assert sheet.headers["content-type"] == "text/css; charset=utf-8"
    assert sheet.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "Cookie" not in sheet.headers["vary"]
    assert sheet.text.startswith(":root")
    assert raw(one, address, If_None_Match=sheet.headers["etag"]).status_code == 304
    assert raw(one, "/assets/0000000000000000/style.css").status_code == 404


def test_answers_are_for_one_caller(one: User, platform: RunningPlatform) -> None:
    for path in (*DOCUMENTS, "/nowhere"):
        for accept in ("application/json", BROWSER):
            answer = raw(one, path, Accept=accept)
            assert answer.headers["cache-control"] == "private, no-cache"
            assert {"Accept", "Authorization", "Cookie"} <= set(
                answer.headers["vary"].replace(",", "").split()
            )
            assert answer.headers["x-content-type-options"] == "nosniff"


# --- other origins ------------------------------------------------------------------------------

PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}


def test_any_page_with_a_token_reads_answers_but_never_by_cookie(one: User, job: str) -> None:
    for path in ("/", "/jobs", f"/jobs/{job}", "/nowhere", f"/jobs/{job}/results/stdout"):
        answer = raw(one, path, Origin="https://elsewhere.example")
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
        exposed = answer.headers["access-control-expose-headers"]
        assert {"Location", "Link", "ETag", "Preference-Applied"} <= set(exposed.split(", "))
        assert "access-control-allow-origin" not in raw(one, path, Origin="null").headers
        assert "access-control-allow-origin" not in raw(one, path).headers


def test_a_preflight_needs_no_token_and_is_told_all(platform: RunningPlatform) -> None:
    address = f"{platform.url}/processes/hello-bash/execution"
    sent = {"Origin": "https://elsewhere.example", **PREFLIGHT}
    answer = httpx2.options(address, headers=sent, trust_env=False)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "POST" in answer.headers["access-control-allow-methods"]
    taken = answer.headers["access-control-allow-headers"].lower()
    assert {"authorization", "content-type", "prefer"} <= set(taken.split(", "))
    refused = httpx2.options(address, headers={**sent, "Origin": "null"}, trust_env=False)
    assert refused.status_code == 204
    assert not [name for name in refused.headers if name.startswith("access-control")]


@contextmanager
def running(folder: Path, **server: str) -> Iterator[RunningPlatform]:
    settings = {f"CCP__SERVER__{name.upper()}": value for name, value in server.items()}
    platform = RunningPlatform(folder / "data", environment=settings)
    platform.start()
    try:
        yield platform
    finally:
        platform.stop()


def test_limits_and_origins_of_the_operator(tmp_path: Path) -> None:
    only = "https://portal.example"
    with running(tmp_path, origins=f'["{only}"]', requests_per_second="0.02") as platform:
        user = platform.user("maria")
        for origin, answered in ((only, only), ("https://elsewhere.example", None), ("null", None)):
            answer = raw(user, "/", Origin=origin)
            assert answer.headers.get("access-control-allow-origin") == answered
            before = user.http.options("/jobs", headers={"Origin": origin, **PREFLIGHT})
            assert before.headers.get("access-control-allow-origin") == answered
        statuses = [raw(user, "/jobs").status_code for _ in range(7)]
        assert statuses == [200] * 6 + [429]
        refused = raw(user, "/jobs")
        assert 0 < int(refused.headers["retry-after"]) <= 50
        assert refused.json()["type"] == "urn:openccp:problem:too-many-requests"
        made_up = {"Cookie": "ccp-session=made-up"}  # counts by address, as maria's three above
        strangers = [
            httpx2.get(platform.url, headers=headers, trust_env=False).status_code
            for headers in ({}, made_up, {}, made_up, {})
        ]
        assert strangers == [200] * 3 + [429] * 2
        page = httpx2.get(platform.url, headers={"Accept": BROWSER}, trust_env=False)
        assert page.status_code == 429
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        user.close()


def test_a_stop_ends_open_streams_at_once_and_quietly(tmp_path: Path) -> None:
    with running(tmp_path) as platform:
        user = platform.user("maria")
        assert user.deploy(bash_method("sleeps", "echo up; sleep 600")).status_code == 201
        job = user.run("sleeps")["jobID"]
        user.until(job, "executing")
        received: list[str] = []
        waiting = threading.Barrier(3)

        def follow(path: str, **headers: str) -> None:
            with user.http.stream("GET", path, headers=headers, timeout=60) as events:
                lines = events.iter_lines()
                next(lines)
                waiting.wait(30)
                received.extend(lines)

        followers = [
            threading.Thread(target=follow, args=(f"/jobs/{job}/events",)),
            threading.Thread(
                target=follow, args=(f"/jobs/{job}/logs",), kwargs={"Accept": "text/event-stream"}
            ),
        ]
        for follower in followers:
            follower.start()
        waiting.wait(30)
        began = time.monotonic()
        platform.stop()
        took = time.monotonic() - began
        for follower in followers:
            follower.join(10)
        assert took < 3
        assert "Traceback" not in platform.log()
        assert "Error" not in platform.log()
        platform.start()
        user.http.delete(f"/jobs/{job}")
        user.wait(job)
        user.close()


def test_a_host_that_is_none(platform: RunningPlatform) -> None:
    for host in ('x"><script>', "a b", "a/b", "user@host", "[::1", "x:y"):
        line = http.client.HTTPConnection("127.0.0.1", platform.port, timeout=30)
        line.putrequest("GET", "/", skip_host=True)
        line.putheader("Host", host)
        line.endheaders()
        answer = line.getresponse()
        body = answer.read()
        line.close()
        assert answer.status == 400, host
        assert b"<script" not in body
