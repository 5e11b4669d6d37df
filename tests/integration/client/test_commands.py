import base64
import json
import signal
from pathlib import Path

import pytest
from tests.integration.client.command import Terminal, call, start
from tests.integration.client.honest_server import TOKEN, World


@pytest.fixture
def signed_in(url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("CCP_URL", url)
    monkeypatch.setenv("CCP_TOKEN", TOKEN)
    return url


pytestmark = pytest.mark.usefixtures("signed_in")


def test_methods_are_listed_and_searched() -> None:
    listed = call("methods")
    assert listed.code == 0
    assert listed.out.splitlines() == [
        "METHOD       VERSION  TITLE",
        "count-words  1.0.0    Count words",
        "echo         1        Echo",
    ]
    assert [m["id"] for m in call("methods", "-q", "WORDS count", "--json").json()] == [
        "count-words"
    ]
    assert call("methods", "-q", "nothing").out == "No methods.\n"


def test_a_method_is_described() -> None:
    shown = call("describe", "count-words")
    assert "doc    file     (required)  Document" in shown.out
    assert call("describe", "count-words", "--json").json()["id"] == "count-words"


def test_inputs_become_what_the_method_wants(world: World, tmp_path: Path) -> None:
    file = tmp_path / "x.bin"
    file.write_bytes(b"\xff\x00")
    rest = tmp_path / "inputs.json"
    rest.write_text('{"extra": [1, 2], "mode": "overridden"}')
    done = call(
        *("run", "count-words", "-i", f"doc=@{file}", "-i", "mode=-", "-i", "times=3"),
        *("-i", "tags=a", "-i", "tags=@@b", "--input-json", str(rest), "--note", "a note"),
        typed="words",
    )
    assert (done.code, done.out) == (0, "job-1\n")
    assert world.executions[0]["inputs"] == {
        "doc": base64.b64encode(b"\xff\x00").decode(),
        "mode": "words",
        "times": 3,
        "tags": ["a", "@b"],
        "extra": [1, 2],
        "ccpnote": "a note",
    }


@pytest.mark.parametrize(("status", "code"), [("successful", 0), ("failed", 1), ("dismissed", 5)])
def test_a_watched_run_in_a_pipe(world: World, tmp_path: Path, status: str, code: int) -> None:
    world.ends_as = status
    world.log = [("stdout", "hel"), ("stderr", "warning\n"), ("stdout", "lo\nlast")]
    world.files = {"out.csv": b"a,b\n"}
    done = call("run", "count-words", "--watch", "--out", str(tmp_path / "r"))
    assert done.code == code
    assert done.out.startswith("hello\nlast\n")
    assert "warning\n" in done.err
    assert f"Job job-1: {status}" in done.err
    assert "\x1b" not in done.out + done.err
    assert (tmp_path / "r" / "out.csv").exists() == (status != "dismissed")
    assert ("exit code 3" in done.err) == (status == "failed")


def test_json_is_one_document_and_nothing_else(world: World, tmp_path: Path) -> None:
    world.log = [("stdout", "hello\n")]
    world.files = {"out.csv": b"a,b\n"}
    done = call("run", "count-words", "--watch", "--out", str(tmp_path), "--json")
    document = done.json()
    assert document["status"] == "successful"
    assert document["files"] == [str(tmp_path / "out.csv")]
    assert "hello\n" in done.err
    assert call("jobs", "--json").json()[0]["jobID"] == "job-1"
    assert call("logs", "job-1", "--json").json()[0]["text"] == "hello\n"
    assert call("cancel", "job-1", "--json").json()["status"] == "successful"


def test_jobs_logs_and_cancel(world: World) -> None:
    job = world.add_job("running")
    world.log = [("stdout", "hello\n"), ("stderr", "oops\n")]
    assert "job-1  count-words  running" in call("jobs", "--status", "running").out
    assert call("jobs", "--status", "failed").out == "No jobs.\n"
    shown = call("logs", job)
    assert (shown.code, shown.out, shown.err) == (0, "hello\n", "oops\n")
    assert call("cancel", job).err == "Job job-1: dismissed\n"
    assert call("logs", job, "-f").code == 5


def test_results(world: World, tmp_path: Path) -> None:
    job = world.add_job("successful")
    picture = {"value": base64.b64encode(b"\x89PNG").decode(), "encoding": "base64"}
    many = {"many": ["a", 1], "some": {"value": {"a": True}}}
    world.results = {"count": 42, "text": "a\nb\n", "picture": picture, **many}
    shown = call("results", job)
    plain = "count: 42\ntext: \n    a\n    b\npicture: (4 bytes)\n"
    assert shown.out.startswith(plain)
    assert shown.out[len(plain) :] == 'many: \n  - a\n  - 1\nsome: {"a": true}\n'
    assert call("results", job, "--json").json() == world.results
    assert call("results", job, "count").out == "42"
    world.files = {"a/b.txt": b"x"}
    assert call("results", job, "--out", str(tmp_path)).out == f"{tmp_path / 'a/b.txt'}\n"
    assert call("results", job, "-o", str(tmp_path), "--json").json() == {
        "files": [str(tmp_path / "a/b.txt")]
    }


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("describe", "nothing"), 2, "no process"),
        (("logs", "nothing"), 2, "no job"),
        (("run", "count-words", "-i", "doc"), 2, "KEY=VALUE"),
        (("run", "count-words", "-i", "doc=@/not/there"), 2, "cannot read /not/there"),
        (("run", "count-words", "-i", "doc=-", "-i", "mode=-"), 2, "Only one"),
        (("run", "count-words", "--input-json", "/not/there"), 2, "Cannot read"),
        (("login", "--password-stdin"), 2, "--user"),
        (("methods", "--url", "nonsense"), 2, "not an address"),
    ],
)
def test_usage_errors(arguments: tuple[str, ...], code: int, words: str) -> None:
    done = call(*arguments)
    assert (done.code, done.out) == (code, "")
    assert words in done.err


def test_faults_of_inputs_are_usage_errors(world: World) -> None:
    world.refuse = [{"pointer": "/inputs/mode", "detail": "one of words, lines"}]
    done = call("run", "count-words", "-i", "mode=x")
    assert done.code == 2
    assert done.err == "The inputs do not fit\n  /inputs/mode: one of words, lines\n"


def test_a_wrong_token_and_an_absent_server(url: str) -> None:
    assert call("methods", CCP_TOKEN="wrong").code == 3
    assert "ccp login" in call("methods", CCP_TOKEN="wrong").err
    with start("methods", "--url", "http://127.0.0.1:1") as absent:
        _, err = absent.communicate(timeout=20)
    assert absent.returncode == 4
    assert "Cannot reach" in err


def test_login(url: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CCP_TOKEN")
    assert call("methods").code == 3
    wrong = call("login", "--user", "ada", "--password-stdin", typed="wrong\n")
    assert (wrong.code, wrong.out) == (3, "")
    assert call("login", "--user", "ada", "--password-stdin", typed="right\n").code == 0
    assert call("methods", CCP_URL="").code == 0
    assert call("login", "--token-stdin", "--json", typed=f"{TOKEN}\n").json() == {"url": url}
    kept = json.loads((home / "openccp/credentials.json").read_text())
    assert kept[url] == {"token": TOKEN}
    assert "right" not in (home / "openccp/credentials.json").read_text()[20:].replace(TOKEN, "")


def test_interrupted_in_a_pipe_it_detaches(world: World) -> None:
    world.hold.clear()
    world.log = [("stdout", "working\n")]
    running = start("run", "count-words", "--watch")
    assert running.stdout is not None
    assert running.stdout.readline() == "working\n"
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=20)
    assert running.returncode == 130
    assert "ccp logs -f job-1" in err
    assert world.jobs["job-1"]["status"] == "accepted"


@pytest.mark.parametrize(
    ("key", "code", "status"),
    [("d\n", 0, "accepted"), ("c\n", 5, "dismissed"), ("\x03", 0, "accepted")],
)
def test_interrupted_on_a_terminal_it_asks(world: World, key: str, code: int, status: str) -> None:
    world.hold.clear()
    world.log = [("stdout", "working \x1b]0;evil\x07\x9b2J\n")]
    terminal = Terminal("run", "count-words", "--watch")
    terminal.until("working")
    terminal.type("\x03")
    terminal.until("[d]etach")
    assert terminal.end(pressing=key) == code
    assert world.jobs["job-1"]["status"] == status
    assert "\\x1b]0;evil\\x07\\x9b2J" in terminal.seen
    assert "\x1b]0" not in terminal.seen


def test_watching_on_after_an_interrupt(world: World) -> None:
    world.hold.clear()
    world.log = [("stdout", "working\n")]
    terminal = Terminal("run", "count-words", "--watch")
    terminal.until("working")
    terminal.type("\x03")
    terminal.until("[d]etach")
    terminal.type("w\n")
    world.hold.set()
    assert terminal.end() == 0
    assert "Job job-1: successful" in terminal.seen


def test_the_bar_moves_on_a_terminal(world: World) -> None:
    world.hold.clear()
    world.log = [("stdout", "working\n")]
    terminal = Terminal("run", "count-words", "--watch")
    terminal.until("working")
    world.jobs["job-1"].update(status="running", progress=40, message="half \x1b[2J way")
    terminal.until("[########............] running 40%: half \\x1b[2J way")
    world.hold.set()
    assert terminal.end() == 0


def test_completion_offers_methods_inputs_and_jobs(world: World) -> None:
    world.add_job("running")
    offered = [
        (("run", "cou"), "count-words"),
        (("run", "count-words", "-i", "d"), "doc="),
        (("logs", "jo"), "job-1"),
    ]
    for words, wanted in offered:
        line = " ".join(["ccp", *words])
        done = call(_CCP_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=str(len(words)))
        assert done.out.split("\n")[0] == f"plain,{wanted}"


def test_completion_is_silent_without_a_server() -> None:
    done = call(
        _CCP_COMPLETE="bash_complete",
        COMP_WORDS="ccp run x",
        COMP_CWORD="2",
        CCP_URL="http://127.0.0.1:1",
    )
    assert done.out.strip() == done.err.strip() == ""
    for shell in ("bash", "zsh", "fish"):
        assert "_CCP_COMPLETE" in call("completion", shell).out
