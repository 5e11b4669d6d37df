"""Inputs by reference, on a real platform that may reach a real server of ours."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from openccp.testing.platform import RunningPlatform, User, bash_method, free_port

UNREACHABLE = "nothing could be fetched from this address"
MIB = 1 << 20
OUTSIDE = {
    "/words.txt": ("text/plain", b"one two\nthree\n"),
    "/table.csv": ("text/csv", b"a,b\n1,2\n"),
    "/page": ("text/html", b"<html>sign in</html>"),
    "/numbers.json": ("application/json", b"[3, 4]"),
    "/wrong.json": ("application/json", b'[3, "x"]'),
    "/area.json": ("application/json", b'{"bbox": [1, 2, 3, 4]}'),
    "/large": ("application/octet-stream", bytes(2 * MIB)),
    "/third": ("application/octet-stream", bytes(MIB // 2 + 1)),
}


class Outside(ThreadingHTTPServer):
    """Somebody's server; `asked` are the paths that were asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.hold = threading.Event()
        super().__init__(("127.0.0.1", 0), _Answers)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answers(BaseHTTPRequestHandler):
    server: Outside

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.path == "/inside":
            self._send(302, {"Location": "http://10.0.0.1/"}, b"")
        elif self.path == "/held":
            self.server.hold.wait(30)
            self._send(200, {"Content-Type": "text/plain"}, b"held")
        elif self.path.partition("?")[0] in OUTSIDE:
            kind, content = OUTSIDE[self.path.partition("?")[0]]
            self._send(200, {"Content-Type": kind}, content)
        else:
            self._send(404, {}, b"")

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    server = Outside()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def platform(
    outside: Outside, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningPlatform]:
    environment = {
        "CCP__FETCH__ALLOW_HOSTS": '["127.0.0.1"]',
        "CCP__FETCH__PORTS": json.dumps([80, 443, outside.server_port]),
        "CCP__FETCH__BYTES": str(MIB),
        "CCP__FETCH__SECONDS": "10",
    }
    running = RunningPlatform(tmp_path_factory.mktemp("references") / "data", environment)
    running.start()
    yield running
    running.stop()


INPUTS: dict[str, Any] = {
    "words": {"schema": {"type": "string"}},
    "file": {"minOccurs": 0, "schema": {"type": "string", "format": "file"}},
    "table": {"minOccurs": 0, "schema": {"type": "string", "contentMediaType": "text/csv"}},
    "numbers": {"minOccurs": 0, "schema": {"type": "array", "items": {"type": "integer"}}},
    "texts": {"minOccurs": 0, "maxOccurs": 9, "schema": {"type": "string"}},
    "key": {"minOccurs": 0, "schema": {"type": "string", "format": "secret"}},
}
SCRIPT = "cp /ccp_in/* .; rm -f script; cat words; cat /run/secrets/key 2>/dev/null | wc -c >key"


@pytest.fixture(scope="module")
def users(platform: RunningPlatform) -> Iterator[tuple[User, User]]:
    ann, bob = platform.user("ann"), platform.user("bob")
    outputs = {
        "stdout": {"schema": {"type": "string"}},
        "words": {"schema": {"type": "string", "contentMediaType": "text/plain"}},
    }
    for user in (ann, bob):
        made = bash_method(f"reads-{user is ann}".lower(), SCRIPT, inputs=INPUTS, outputs=outputs)
        assert user.deploy(made).status_code == 201
    yield ann, bob
    ann.close()
    bob.close()


@pytest.fixture
def ann(users: tuple[User, User]) -> User:
    return users[0]


@pytest.fixture
def bob(users: tuple[User, User]) -> User:
    return users[1]


def finish(user: User, process: str = "reads-true", **inputs: Any) -> str:
    ended = user.finish(process, inputs)
    assert ended["status"] == "successful", ended
    return str(ended["id"])


def left(user: User, job: str, name: str) -> bytes:
    return user.http.get(f"/executions/{job}/outputs/{name}").content


def refused(user: User, process: str = "reads-true", **inputs: Any) -> list[tuple[str, str]]:
    answer = user.http.post(f"/processes/{process}/execution", json={"inputs": inputs})
    assert answer.status_code == 400, answer.text
    return [(fault["pointer"], fault["detail"]) for fault in answer.json()["errors"]]


# --- what is fetched ----------------------------------------------------------------------------


@pytest.mark.requirement("1/1.0/core/process-execute-inputs")
def test_every_kind_of_input_by_reference(ann: User, outside: Outside) -> None:
    job = finish(
        ann,
        words={"href": f"{outside.url}/words.txt", "type": "text/plain"},
        file={"href": f"{outside.url}/table.csv"},
        table={"href": f"{outside.url}/table.csv", "type": "text/csv", "rel": "data"},
        numbers={"href": f"{outside.url}/numbers.json"},
        texts=["a,b", {"href": f"{outside.url}/table.csv"}],
        key={"href": f"{outside.url}/words.txt"},
    )
    assert left(ann, job, "words") == b"one two\nthree\n"
    assert left(ann, job, "file") == left(ann, job, "table") == b"a,b\n1,2\n"
    assert json.loads(left(ann, job, "numbers")) == [3, 4]
    given = json.loads(left(ann, job, "inputs.json"))
    assert given["texts"] == ["a,b", "a,b\n1,2\n"]
    assert int(left(ann, job, "key")) == len(b"one two\nthree\n")


def test_one_address_is_fetched_once(ann: User, outside: Outside) -> None:
    outside.asked.clear()
    link = {"href": f"{outside.url}/words.txt"}
    finish(ann, words=link, texts=[link, link], file=link)
    assert outside.asked == ["/words.txt"]


def test_the_record_says_where_values_came_from(ann: User, outside: Outside) -> None:
    href = f"{outside.url}/words.txt?version=2"
    job = finish(
        ann,
        words={"href": f"{href}&access_token=canary-1234"},
        key={"href": f"{outside.url}/table.csv?canary-1234"},
    )
    request = ann.http.get(f"/executions/{job}/metadata/request.json").json()
    content = OUTSIDE["/words.txt"][1]
    assert request["references"] == {
        "/inputs/words": {
            "href": f"{href}&access_token=***",
            "sha256": hashlib.sha256(content).hexdigest(),
            "size": len(content),
            "media_type": "text/plain",
        }
    }
    archive = ann.http.get(f"/executions/{job}/outputs/output.zip").content
    assert b"canary-1234" not in archive + json.dumps(request).encode()


def test_a_retry_with_its_key_fetches_nothing(ann: User, outside: Outside) -> None:
    body = {"inputs": {"words": {"href": f"{outside.url}/words.txt?once"}}}
    outside.asked.clear()
    answers = [
        ann.http.post(
            "/processes/reads-true/execution", json=body, headers={"Idempotency-Key": "again"}
        )
        for _ in range(3)
    ]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert outside.asked == ["/words.txt?once"]


def test_the_description_says_so(ann: User) -> None:
    inputs = ann.http.get("/processes/reads-true").json()["inputs"]
    assert inputs["words"]["valuePassing"] == ["byValue", "byReference"]
    assert inputs["ccpimage"]["valuePassing"] == ["byValue"]


def test_others_are_answered_while_one_waits(ann: User, bob: User, outside: Outside) -> None:
    outside.hold.clear()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(finish, ann, words={"href": f"{outside.url}/held"})
        for _ in range(20):
            assert bob.http.get("/jobs").status_code == 200
        assert finish(bob, "reads-false", words="quick")
        assert not waiting.done()
        outside.hold.set()
        assert left(ann, waiting.result(), "words") == b"held"


# --- what is refused ----------------------------------------------------------------------------


def test_each_failing_reference_is_named(ann: User, outside: Outside) -> None:
    closed = free_port()
    assert refused(
        ann,
        words={"href": f"{outside.url}/nothing"},
        file={"href": f"{outside.url}/large"},
        table={"href": f"{outside.url}/page"},
        numbers={"href": f"{outside.url}/wrong.json"},
        texts=["a", {"href": f"http://127.0.0.1:{closed}/"}, {"href": f"{outside.url}/inside"}],
    ) == [
        ("/inputs/words", "it answered with the status 404"),
        ("/inputs/file", f"it is larger than the {MIB} bytes that are taken"),
        ("/inputs/table", "the address gives text/html, expected text/csv"),
        ("/inputs/texts/1", UNREACHABLE),
        ("/inputs/texts/2", UNREACHABLE),
    ]


@pytest.mark.requirement("1/1.0/core/process-execute-input-validation")
@pytest.mark.requirement("1/2.0/core/process-execute-input-validation")
def test_what_was_fetched_is_checked_like_what_was_sent(ann: User, outside: Outside) -> None:
    fetched = refused(ann, words="a", numbers={"href": f"{outside.url}/wrong.json"})
    sent = refused(ann, words="a", numbers=[3, "x"])
    assert fetched == sent == [("/inputs/numbers/1", "expected a whole number")]


def test_all_references_together_have_a_limit(ann: User, outside: Outside) -> None:
    two = [{"href": f"{outside.url}/third?{n}"} for n in range(2)]
    assert [pointer for pointer, _ in refused(ann, words="a", texts=two)] in (
        ["/inputs/texts/0"], ["/inputs/texts/1"],
    )  # fmt: skip


def test_one_address_for_many_values_counts_as_many(ann: User, outside: Outside) -> None:
    outside.asked.clear()
    two = [{"href": f"{outside.url}/third"}] * 2
    pointers = [pointer for pointer, _ in refused(ann, words="a", texts=two)]
    assert pointers == ["/inputs/texts/0", "/inputs/texts/1"]
    assert outside.asked == ["/third"]


def test_nothing_is_fetched_for_a_request_that_is_wrong(ann: User, outside: Outside) -> None:
    outside.asked.clear()
    link = {"href": f"{outside.url}/words.txt"}
    assert refused(ann, words=link, nix=1)[0][0] == "/inputs/nix"
    assert refused(ann, words=link, numbers=["x"])[0][0] == "/inputs/numbers/0"
    assert refused(ann, file=link)[0][0] == "/inputs/words"
    assert outside.asked == []


@pytest.mark.parametrize(
    "href",
    ["http://10.0.0.1/", "http://169.254.169.254/latest/meta-data", "http://localhost/",
     "http://2130706433/", "http://[::1]/", "http://a@127.0.0.1/", "http://unknown.invalid/",
     "https://127.0.0.1:9/", "/etc/passwd"],
)  # fmt: skip
def test_forbidden_addresses_sound_alike(ann: User, href: str) -> None:
    assert refused(ann, words={"href": href}) in (
        [("/inputs/words", UNREACHABLE)],
        [("/inputs/words", "There is nothing at this address that can be an input.")],
    )


# --- what this platform holds itself ------------------------------------------------------------


def test_a_result_of_an_own_job_is_an_input(ann: User, outside: Outside) -> None:
    first = finish(ann, words="from the first")
    outside.asked.clear()
    for href in (
        f"{ann.url}/jobs/{first}/results/words",
        f"{ann.url.replace('127.0.0.1', 'LOCALHOST')}/jobs/{first}/results/words",
        f"/jobs/{first}/results/words",
        f"{ann.url}/executions/{first}/outputs/words",
        f"/executions/{first}/outputs/words",
        f"{ann.url}/jobs/{first}/results/stdout",
    ):
        body = {"inputs": {"words": {"href": href}}}
        headers = {"Host": ann.url.replace("127.0.0.1", "localhost").removeprefix("http://")}
        sent = headers if "LOCALHOST" in href else {}
        answer = ann.http.post("/processes/reads-true/execution", json=body, headers=sent)
        assert answer.status_code == 201, (href, answer.text)
        ended = ann.wait(answer.json()["id"])
        assert left(ann, ended["id"], "words") == b"from the first", href
    assert outside.asked == []


def test_all_files_of_an_own_job_are_an_input(ann: User) -> None:
    first = finish(ann, words="x")
    job = finish(ann, words="x", file={"href": f"{ann.url}/executions/{first}/outputs/output.zip"})
    assert left(ann, job, "file") == left(ann, first, "output.zip")


def test_somebody_elses_result_is_as_if_it_were_not_there(ann: User, bob: User) -> None:
    theirs = finish(bob, "reads-false", words="secret")
    never = "00000000-0000-4000-8000-000000000000"
    for path in ("/jobs/{}/results/words", "/executions/{}/outputs/words", "/jobs/{}/results/nix"):
        found = [
            refused(ann, words={"href": ann.url + path.format(job)}) for job in (theirs, never)
        ]
        assert found[0] == found[1]
        assert "secret" not in str(found)


def test_what_cannot_be_an_input_here(ann: User) -> None:
    first = finish(ann, words="x")
    for path in ("/jobs", f"/jobs/{first}", f"/jobs/{first}/results", "/token", "/health",
                 f"/jobs/{first}/results/words?f=html", f"/jobs/{first}/results/nix",
                 f"/executions/{first}/outputs/../../words", f"/executions/{first}/outputs/nix",
                 f"/jobs/../executions/{first}/outputs/words",
                 f"/jobs/{first}/results/words/7",
                 f"/executions/{first}/outputs/%2e%2e%2fx"):  # fmt: skip
        [(pointer, words)] = refused(ann, words={"href": ann.url + path})
        assert pointer == "/inputs/words", path
        assert UNREACHABLE not in words


def test_a_large_own_file_is_refused_before_it_is_read(ann: User) -> None:
    big = base64.b64encode(bytes(MIB + 1)).decode()
    first = finish(ann, words="x", file=big)
    assert refused(ann, words={"href": f"/executions/{first}/outputs/file"}) == [
        ("/inputs/words", f"it is larger than the {MIB} bytes that are taken")
    ]


def test_the_platform_made_no_error(platform: RunningPlatform, ann: User) -> None:
    assert "request failed" not in platform.log()
    assert "Traceback" not in platform.log()
