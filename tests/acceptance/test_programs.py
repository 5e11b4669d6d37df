"""Programs that the platform writes, executed against it: every language that is offered."""

import base64
import hashlib
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.acceptance import programs
from tests.acceptance.cutting import CuttingProxy, cutting_proxy
from tests.acceptance.programs import Ended, Program, author, end_of, runnable, signs_in_as, written

from openccp.testing.platform import RunningPlatform, User

FAST = ("python", "bash", "r")
NAME = "programmer"


@pytest.fixture(scope="session")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlatform]:
    """A platform whose access tokens live for ten seconds."""
    lifetimes = {"CCP__TOKENS__ACCESS_SECONDS": "10"}
    running = RunningPlatform(tmp_path_factory.mktemp("hasty") / "data", lifetimes)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def user(hasty: RunningPlatform) -> Iterator[User]:
    made = author(hasty, NAME)
    yield made
    made.close()


def start(
    user: User, language: str, process: str, folder: Path, **environment: str
) -> tuple[Program, "subprocess.Popen[str]"]:
    inputs: dict[str, object] = {}
    if process == "code-echo":
        folder.mkdir(parents=True)
        (folder / "it's $(a) file.bin").write_bytes(programs.FILE)
        path = "file:it's $(a) file.bin"
        inputs = {**programs.VALUES, "doc": {"href": path}}
    program = Program(
        language, folder, written(user, process, language, inputs), environment, process
    )
    return program, program.start()


def is_all_there(ended: Ended, program: Program) -> None:
    assert ended.code == 0, ended.errors + ended.output
    outputs = ended.results / "outputs"
    assert (outputs / "a text.txt").read_text() == programs.HOSTILE
    assert (outputs / "number").read_text() == json.dumps(programs.NUMBER)
    assert (outputs / "large").read_text() == str(programs.LARGE)
    assert (outputs / "deep/file.bin").read_bytes() == programs.FILE
    assert (outputs / "empty").read_bytes() == b""
    key = hashlib.sha256(programs.RECORDED.encode()).hexdigest()
    assert (outputs / "key").read_text().split()[0] == key
    assert any("said" in log.read_text() for log in ended.logs)
    assert "deep/file.bin" in ended.output
    assert not (ended.folder / "pwned").exists()
    assert not list(ended.folder.rglob("*.part"))
    assert programs.RECORDED not in program.text
    assert "not to be seen" not in program.text


@pytest.fixture
def cutting(hasty: RunningPlatform) -> Iterator[CuttingProxy]:
    with cutting_proxy(hasty.port, "/outputs/numbers.txt", "/outputs/output.zip") as proxy:
        yield proxy


def is_brought_in_pieces(ended: Ended, proxy: CuttingProxy) -> None:
    assert ended.code == 0, ended.errors + ended.output
    assert (ended.results / "outputs/numbers.txt").read_text() == programs.COUNTED
    assert proxy.starts == sorted(proxy.starts)
    assert proxy.starts[0] == 0 < len(programs.COUNTED) // 3 < proxy.starts[-1]


@pytest.mark.parametrize("language", FAST)
def test_a_program_sends_everything_as_it_is_and_brings_all(
    user: User, language: str, cutting: CuttingProxy, tmp_path: Path
) -> None:
    runnable(language)
    known = signs_in_as(NAME, CCP_SECRET_KEY=programs.RECORDED)
    through = {"CCP_TOKEN": user.token, "CCP_URL": cutting.url}
    echo = start(user, language, "code-echo", tmp_path / "it", **known)
    cut = start(user, language, "code-numbers", tmp_path / "cut", **through)
    is_all_there(end_of(*echo), echo[0])
    is_brought_in_pieces(end_of(*cut), cutting)


def test_a_job_gives_the_program_that_does_the_same_again(user: User, tmp_path: Path) -> None:
    doc = base64.b64encode(programs.FILE).decode()
    job = user.run("code-echo", {**programs.VALUES, "doc": doc})["jobID"]
    answer = user.http.get(f"/jobs/{job}/code?language=python")
    assert answer.headers["content-disposition"] == 'attachment; filename="code-echo.py"'
    assert answer.headers["content-type"].startswith("text/x-python")
    known = signs_in_as(NAME, CCP_SECRET_KEY=programs.RECORDED)
    program = Program("python", tmp_path / "again", answer.text, known)
    is_all_there(end_of(program, program.start()), program)


def test_a_language_that_is_not_there_and_an_input_that_is_not_there(user: User) -> None:
    assert user.http.get("/processes/code-echo/code?language=cobol").status_code == 400
    assert user.http.get("/processes/code-echo/code?language=go&nothing=1").status_code == 400
    wrong = {"inputs": {"nothing": 1}}
    answer = user.http.post("/processes/code-echo/code?language=go", json=wrong)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/inputs/nothing")


@pytest.mark.slow
@pytest.mark.parametrize("language", list(programs.RUN))
def test_a_program_stops_at_every_end(
    user: User, language: str, cutting: CuttingProxy, tmp_path: Path
) -> None:
    """All at once: successes, a failure, a dismissal, and a job that outlasts its token."""
    runnable(language)
    known, token = signs_in_as(NAME), {"CCP_TOKEN": user.token}
    short = {**known, "CCP_CONTEXT": ""}
    secret = {"CCP_SECRET_KEY": programs.RECORDED}
    begun = {
        "endless": start(user, language, "code-endless", tmp_path / "endless", **token),
        "long": start(user, language, "code-long", tmp_path / "long", **short),
        "echo": start(user, language, "code-echo", tmp_path / "echo", **known, **secret),
        "cut": start(
            user, language, "code-numbers", tmp_path / "cut", **token, CCP_URL=cutting.url
        ),
        "failing": start(user, language, "code-failing", tmp_path / "failing", **token),
        "stranger": start(user, language, "code-failing", tmp_path / "no", CCP_TOKEN="ccp_wrong"),
        "nobody": start(user, language, "code-failing", tmp_path / "nobody"),
    }
    dismiss_it(user, "code-endless")
    ended = {name: end_of(*one) for name, one in begun.items()}
    is_all_there(ended["echo"], begun["echo"][0])
    is_brought_in_pieces(ended["cut"], cutting)
    assert ended["failing"].code == 1, ended["failing"]
    assert "exit" in ended["failing"].errors.lower() or "7" in ended["failing"].errors
    assert ended["endless"].code == 5, ended["endless"]
    assert "dismissed" in ended["endless"].errors
    assert ended["long"].code == 0, ended["long"]
    assert (ended["long"].results / "outputs/late.txt").read_text() == "late\n"
    for name in ("stranger", "nobody"):
        assert ended[name].code == 2, ended[name]
        assert "CCP_TOKEN" in ended[name].errors or "missing" in ended[name].errors


def dismiss_it(user: User, process: str, seconds: float = 60) -> None:
    """Dismiss the one live job of a process, as soon as there is one."""
    deadline = time.monotonic() + seconds
    wanted = {"processID": process, "status": "accepted,running"}
    while time.monotonic() < deadline:
        found = user.http.get("/jobs", params=wanted).json()["jobs"]
        if found:
            user.until(found[0]["jobID"], "executing")
            assert user.http.delete(f"/jobs/{found[0]['jobID']}").status_code == 200
            return
        time.sleep(0.1)
    raise AssertionError(f"no job of {process} came")
