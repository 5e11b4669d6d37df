"""Uploads over HTTP: cut and gone on with, checked, bounded, and used as inputs of jobs."""

import base64
import http.client
import json
import os
import socket
from collections.abc import Iterator
from hashlib import sha1, sha256
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from openccp.testing.platform import RunningPlatform, User, bash_method

MIB = 1 << 20
PIECE = {"Content-Type": "application/offset+octet-stream"}
COUNTS = bash_method(
    "counts",
    "sha256sum </ccp_in/table | cut -c -64",
    inputs={"table": {"schema": {"type": "string", "format": "file"}}},
    outputs={"stdout": {"schema": {"type": "string"}}},
)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlatform]:
    """A platform with little room, on which nothing is kept for long."""
    settings = {
        "CCP__UPLOADS__BYTES": str(4 * MIB),
        "CCP__UPLOADS__ACCOUNT_BYTES": str(6 * MIB),
        "CCP__FETCH__BYTES": str(3 * MIB),
    }
    platform = RunningPlatform(tmp_path_factory.mktemp("small") / "data", environment=settings)
    platform.start()
    yield platform
    platform.stop()


@pytest.fixture
def owner(small: RunningPlatform) -> Iterator[User]:
    made = small.user("uploader")
    yield made
    made.close()


def begin(user: User, length: int, **headers: str) -> str:
    """The path of a new upload."""
    answer = user.http.post("/uploads", headers={"Upload-Length": str(length), **headers})
    assert answer.status_code == 201, answer.text
    return urlsplit(answer.headers["location"]).path


def add(user: User, path: str, offset: int, content: bytes, **headers: str) -> httpx2.Response:
    sent = {**PIECE, "Upload-Offset": str(offset), **headers}
    return user.http.patch(path, content=content, headers=sent)


def metadata(**told: str) -> dict[str, str]:
    pairs = (f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in told.items())
    return {"Upload-Metadata": ",".join(pairs)}


def digest(content: bytes, algorithm: str = "sha256") -> str:
    made = {"sha256": sha256, "sha1": sha1}[algorithm](content).digest()
    return f"{algorithm} {base64.b64encode(made).decode()}"


def cut(user: User, path: str, content: bytes, length: int) -> None:
    """Send `content` of a piece that is said to have `length` bytes, and break the connection."""
    where = urlsplit(user.url)
    with socket.create_connection((where.hostname, where.port), timeout=30) as line:
        head = (
            f"PATCH {path} HTTP/1.1\r\nHost: {where.netloc}\r\nUpload-Offset: 0\r\n"
            f"Authorization: Bearer {user.token}\r\nContent-Length: {length}\r\n"
            f"Content-Type: {PIECE['Content-Type']}\r\n\r\n"
        )
        line.sendall(head.encode() + content)


def offset_of(user: User, path: str) -> int:
    return int(user.http.head(path).headers["upload-offset"])


def test_cut_at_60_percent_it_goes_on_and_a_job_gets_what_was_sent(
    owner: User, small: RunningPlatform
) -> None:
    content = os.urandom(2 * MIB)
    whole = sha256(content).hexdigest()
    path = begin(owner, len(content), **metadata(filename="t.bin", sha256=whole))
    sent = len(content) * 6 // 10
    cut(owner, path, content[:sent], len(content))
    offset = offset_of(owner, path)
    while offset < sent - MIB:  # what was sent is on its way through the system
        offset = offset_of(owner, path)
    done = add(owner, path, offset, content[offset:])
    while done.status_code == 409:  # the rest of the first piece came meanwhile
        offset = int(done.headers["upload-offset"])
        done = add(owner, path, offset, content[offset:])
    assert done.status_code == 204, done.text
    assert "request failed" not in small.log(), "a cut is no defect"
    assert done.headers["repr-digest"] == f"sha-256=:{digest(content).split()[1]}:"
    about = owner.http.get(path).json()
    assert (about["sha256"], about["complete"], about["name"]) == (whole, True, "t.bin")
    assert owner.deploy(COUNTS).status_code == 201
    job = owner.run("counts", {"table": {"href": about["href"]}})
    assert owner.http.delete(path).status_code == 204, "the job has it for its own"
    assert owner.wait(job["jobID"])["status"] == "successful"
    assert owner.http.get(f"/jobs/{job['jobID']}/results/stdout").text.strip() == whole
    kept = owner.http.get(f"/executions/{job['jobID']}/metadata/request.json").json()
    assert kept["references"]["/inputs/table"]["sha256"] == whole


def test_one_request_is_enough(owner: User) -> None:
    answer = owner.http.post("/uploads", content=b"a,b\n", headers={"Content-Type": "text/csv"})
    told = answer.json()
    assert (answer.status_code, told["complete"]) == (201, True)
    assert told["sha256"] == sha256(b"a,b\n").hexdigest()
    assert owner.http.get("/uploads").json()["uploads"][-1] == told
    assert "a,b" not in owner.http.get(urlsplit(told["href"]).path).text
    empty = owner.http.post("/uploads", headers={"Content-Length": "0"})
    assert empty.json()["complete"]


def test_it_is_its_owners_only(owner: User, small: RunningPlatform) -> None:
    path = begin(owner, 3)
    other = small.user("other-uploader")
    for answer in (other.http.head(path), add(other, path, 0, b"abc"), other.http.delete(path)):
        assert answer.status_code == 404
    assert add(owner, path, 0, b"abc").status_code == 204
    assert other.deploy(COUNTS | {"id": "theirs"}).status_code == 201
    for href in (path, f"{small.url}{path}"):
        body = {"inputs": {"table": {"href": href}}}
        refused = other.http.post("/processes/theirs/execution", json=body)
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["pointer"] == "/inputs/table"
    other.close()


def test_an_input_has_to_be_all_here_and_not_larger_than_is_taken(owner: User) -> None:
    assert owner.deploy(COUNTS | {"id": "waits"}).status_code == 201
    half, large = begin(owner, 3), begin(owner, 3 * MIB + 1)
    assert add(owner, half, 0, b"ab").status_code == 204
    assert add(owner, large, 0, bytes(3 * MIB + 1)).status_code == 204
    told = {}
    for path in (half, large, "/uploads/" + "0" * 32):
        body = {"inputs": {"table": {"href": path}}}
        answer = owner.http.post("/processes/waits/execution", json=body)
        assert answer.status_code == 400
        told[path] = answer.json()["errors"][0]["detail"]
    assert "only 2 of its 3 bytes" in told[half]
    assert "larger than" in told[large]


@pytest.mark.parametrize("algorithm", ["sha256", "sha1"])
def test_a_piece_that_is_not_what_it_says_is_taken_back(owner: User, algorithm: str) -> None:
    path = begin(owner, 6)
    assert add(owner, path, 0, b"abc").status_code == 204
    wrong = add(owner, path, 3, b"dex", **{"Upload-Checksum": digest(b"def", algorithm)})
    assert (wrong.status_code, wrong.reason_phrase is not None) == (460, True)
    assert wrong.json()["type"].endswith("checksum-mismatch")
    assert offset_of(owner, path) == 3
    right = add(owner, path, 3, b"def", **{"Upload-Checksum": digest(b"def", algorithm)})
    assert right.status_code == 204


def test_a_file_that_is_another_is_thrown_away(owner: User) -> None:
    path = begin(owner, 3, **metadata(sha256=sha256(b"abc").hexdigest()))
    assert add(owner, path, 0, b"abd").status_code == 460
    assert offset_of(owner, path) == 0
    assert add(owner, path, 0, b"abc").status_code == 204


def test_nobody_is_given_more_room_than_there_is(owner: User) -> None:
    limits = owner.http.get("/uploads").json()["limits"]
    assert (limits["largest"], limits["together"]) == (4 * MIB, 6 * MIB)
    options = owner.http.options("/uploads").headers
    assert options["tus-max-size"] == str(4 * MIB)
    assert "checksum" in options["tus-extension"]
    too_large = owner.http.post("/uploads", headers={"Upload-Length": str(4 * MIB + 1)})
    assert (too_large.status_code, too_large.json()["type"][-14:]) == (413, "body-too-large")
    first = begin(owner, 4 * MIB)
    full = owner.http.post("/uploads", headers={"Upload-Length": str(2 * MIB + 1)})
    assert (full.status_code, full.json()["type"][-14:]) == (413, "quota-exceeded")
    assert owner.http.delete(first).status_code == 204
    begin(owner, 2 * MIB + 1)


REFUSED: dict[str, tuple[dict[str, str], int]] = {
    "no length of a piece": ({"Upload-Offset": "x", **PIECE}, 400),
    "a negative offset": ({"Upload-Offset": "-1", **PIECE}, 400),
    "no offset": (PIECE, 400),
    "another offset": ({"Upload-Offset": "1", **PIECE}, 409),
    "another type": ({"Upload-Offset": "0", "Content-Type": "text/plain"}, 415),
    "another version": ({"Upload-Offset": "0", "Tus-Resumable": "0.2.2", **PIECE}, 412),
    "an unknown hash": ({"Upload-Offset": "0", "Upload-Checksum": "md5 AAAA", **PIECE}, 400),
    "no hash": ({"Upload-Offset": "0", "Upload-Checksum": "sha256 ***", **PIECE}, 400),
}


@pytest.mark.parametrize(("headers", "status"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_right_is_refused(owner: User, headers: dict[str, str], status: int) -> None:
    path = begin(owner, 3)
    assert owner.http.patch(path, content=b"abc", headers=headers).status_code == status
    assert offset_of(owner, path) == 0


def test_more_than_was_said_is_refused_and_changes_nothing(owner: User) -> None:
    path = begin(owner, 3)
    assert add(owner, path, 0, b"abcd").status_code == 413
    assert add(owner, path, 0, b"abc").status_code == 204
    assert add(owner, path, 3, b"d").status_code == 413
    told = {"Upload-Length": "1", **PIECE}
    assert owner.http.post("/uploads", content=b"ab", headers=told).status_code == 413


@pytest.mark.parametrize("length", ["", "-1", "1e3", "9" * 30, "0x10"])
def test_a_length_that_is_none(owner: User, length: str) -> None:
    assert owner.http.post("/uploads", headers={"Upload-Length": length}).status_code == 400


def test_of_two_who_send_the_same_one_goes_on(owner: User) -> None:
    content = os.urandom(3 * MIB)
    path = begin(owner, len(content))
    where = urlsplit(owner.url)
    lines = [http.client.HTTPConnection(where.netloc, timeout=30) for _ in range(2)]
    for line in lines:
        line.putrequest("PATCH", path)
        told = {"Upload-Offset": "0", "Authorization": f"Bearer {owner.token}", **PIECE}
        for name, value in (told | {"Content-Length": str(len(content))}).items():
            line.putheader(name, value)
        line.endheaders()
    for start in range(0, len(content), MIB):
        for line in lines:
            try:
                line.send(content[start : start + MIB])
            except (BrokenPipeError, ConnectionResetError):
                continue
    statuses = []
    for line in lines:
        try:
            statuses.append(line.getresponse().status)
        except ConnectionError:
            statuses.append(409)
        line.close()
    assert sorted(statuses) == [204, 409]
    assert owner.http.get(path).json()["sha256"] == sha256(content).hexdigest()


def test_after_a_kill_it_goes_on(tmp_path: Path) -> None:
    platform = RunningPlatform(tmp_path / "data")
    platform.start()
    user, content = platform.user("survivor"), os.urandom(3 * MIB)
    path = begin(user, len(content))
    cut(user, path, content[: 2 * MIB], len(content))
    while offset_of(user, path) < MIB:
        pass
    platform.kill()
    platform.start()
    offset = offset_of(user, path)
    assert MIB <= offset <= 2 * MIB
    assert add(user, path, offset, content[offset:]).status_code == 204
    assert user.http.get(path).json()["sha256"] == sha256(content).hexdigest()
    assert json.loads(user.http.get("/uploads").text)["uploads"][0]["complete"]
    user.close()
    platform.stop()
