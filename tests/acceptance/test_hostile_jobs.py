"""Jobs that misbehave: contained, explained in words a scientist can use, and cleaned up."""

import hashlib
import os
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from openccp.testing.ledger import leftovers, processes_of_users
from openccp.testing.platform import RunningPlatform, User, bash_method

pytestmark = pytest.mark.sandbox

FIRST_UID = 90_000
SETTINGS = f"""
[local]
slots = 4
first_uid = {FIRST_UID}
[limits]
wall_seconds = 15
memory_bytes = {128 << 20}
pids = 48
output_bytes = {32 << 20}
output_files = 500
log_bytes = {4 << 20}
undeploy_seconds = 2
grace = 1
"""
PATIENCE = 1.0


@dataclass
class World:
    """A platform with tight limits, a user whose jobs misbehave, and one who only looks."""

    platform: RunningPlatform
    user: User
    waits: list[float] = field(default_factory=list)

    def run(self, method: dict[str, Any], **inputs: Any) -> dict[str, Any]:
        """Deploy and run to the end; the others are served meanwhile, and nothing is left."""
        assert self.user.deploy(method).status_code == 201
        self.waits.clear()
        ended = self.user.finish(method["id"], inputs)
        assert max(self.waits, default=0) < PATIENCE
        assert leftovers(ended["jobID"], self.platform.data) == []
        assert processes_of_users(FIRST_UID, FIRST_UID + 4096) == []
        return ended

    def watch(self, other: User, over: threading.Event) -> None:
        """Look at the list of jobs again and again, and note how long it takes."""
        while not over.wait(0.05):
            began = time.monotonic()
            assert other.http.get("/jobs").status_code == 200
            self.waits.append(time.monotonic() - began)

    def text(self, address: str) -> str:
        return self.user.http.get(address).text

    def log(self, job: dict[str, Any], stream: str = "stdout") -> str:
        return self.text(f"/jobs/{job['jobID']}/logs?stream={stream}")

    def record(self, job: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.user.http.get(f"/executions/{job['jobID']}").json()
        return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    data = tmp_path_factory.mktemp("hostile") / "data"
    data.mkdir()
    (data / "openccp.toml").write_text(SETTINGS)
    platform, over = RunningPlatform(data), threading.Event()
    try:
        platform.start()
        world, other = World(platform, platform.user("mallory")), platform.user("ada")
        watcher = threading.Thread(target=world.watch, args=(other, over))
        watcher.start()
        yield world
        over.set()
        watcher.join()
        assert "Traceback" not in platform.log()
        for user in (world.user, other):
            user.close()
    finally:
        over.set()
        platform.stop()


# --- how a job ends, and what its owner is told -------------------------------------------------


@dataclass(frozen=True)
class Case:
    execute: str
    reason: str
    words: str
    deploy: str = ""
    code: int | None = None
    blame: str = "method"


SLOW = {
    "no end", "many processes", "an endless error log", "many files, quickly", "a full /tmp",
    "deploy without its program", "an open quote", "a crash", "ended softly", "a mount",
}  # fmt: skip
FAILURES = {
    "a fork bomb": Case("f() { f | f; }; f", "pids", "more processes", blame="limit"),
    "many processes": Case(
        "for i in $(seq 300); do sleep 60 & done; wait", "pids", "more processes", blame="limit"
    ),
    "a memory hog": Case("a=x; while :; do a=$a$a$a; done", "memory", "memory", blame="limit"),
    "a full /tmp": Case("head -c 300M /dev/zero >/tmp/a", "disk", "more data", blame="limit"),
    "an endless log": Case("yes", "log", "log", blame="limit"),
    "an endless error log": Case("yes >&2", "log", "log", blame="limit"),
    "one long line": Case("head -c 200M /dev/zero | tr '\\0' x", "log", "log", blame="limit"),
    "a full disk": Case("head -c 200M /dev/zero >big; sleep 20", "disk", "data", blame="limit"),
    "a sparse terabyte": Case(
        "truncate -s 1T sparse", "disk|output", "more data|bytes", blame="limit"
    ),
    "many files": Case(
        "for i in $(seq 2000); do : >f$i; done; sleep 20", "files", "files", blame="limit"
    ),
    "many files, quickly": Case("touch f{1..2000}", "files|output", "files", blame="limit"),
    "no end": Case("trap '' TERM\nsleep 600 & wait\nsleep 600", "time", "15 s", blame="limit"),
    "exit in deploy": Case("echo never", "deploy-ended-early", "deploy script left", "exit 0"),
    "deploy fails": Case("echo never", "deploy-exit", "deploy script.*code 7", "(exit 7)", 7),
    "deploy without its program": Case(
        "true", "deploy-exit", "deploy script.*not found", "no-such-program", 127
    ),
    "deploy with a slip": Case("echo never", "deploy-", "deploy script", "if then fi ("),
    "a syntax error": Case("echo a\nif then fi (", "exit", "execute script"),
    "an open quote": Case("echo 'a", "exit", "execute script"),
    "exit code 1": Case("exit 1", "exit", "exit code 1$", code=1),
    "no such program": Case("no-such-program", "exit", "a program was not found", code=127),
    "not executable": Case(": >a; ./a", "exit", "could not be executed", code=126),
    "a crash": Case("bash -c 'kill -SEGV $$'", "signal", "SIGSEGV", code=139),
    "ended by itself": Case("kill -KILL $$", "signal|killed", "SIGKILL|ended"),
    "ended softly": Case("bash -c 'kill -TERM $$'", "signal", "SIGTERM", code=143),
    "root's files": Case("cat /etc/shadow", "exit", "execute script"),
    "a new device": Case("mknod null c 1 3", "exit", "execute script"),
    "a mount": Case("mount -t tmpfs none /mnt", "exit", "execute script"),
    "a user namespace": Case("unshare -U true", "exit", "execute script"),
    "the system": Case("echo x >/usr/bin/x", "exit", "execute script"),
}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow if n in SLOW else ()) for n in FAILURES]
)
def test_an_end_that_is_explained(world: World, name: str) -> None:
    case = FAILURES[name]
    method = "-".join(re.findall(r"\w+", name.lower()))
    ended = world.run(bash_method(method, case.execute, deploy=case.deploy))
    assert ended["status"] == "failed", ended
    told = ended["exception"]
    assert re.match(case.reason, told["reason"]), told
    assert re.search(case.words, told["detail"]), told
    assert (case.code is None) or told["exitCode"] == case.code
    assert told["blame"] == case.blame or "|" in case.reason, told
    assert ended["message"] == told["detail"]
    assert "never" not in world.log(ended)
    assert "root:" not in world.log(ended)


def test_a_missing_output_is_named(world: World) -> None:
    outputs = {"table": {"schema": {"type": "string"}, "x-ccp-path": "out/*.csv"}}
    ended = world.run(bash_method("missing", "echo a >there.txt", outputs=outputs))
    told = ended["exception"]
    assert (ended["status"], told["reason"]) == ("failed", "missing-output")
    assert "'table'" in told["detail"]
    assert "there.txt" in told["detail"]


def test_the_replica_that_failed_is_named(world: World) -> None:
    replicas = {"ccpreplicas": {"title": "N", "schema": {"type": "integer", "default": 3}}}
    script = "if [ $CCP_REPLICA = 1 ]; then exit 3; fi; echo $ccptaskid"
    ended = world.run(bash_method("replicas", script, inputs=replicas))
    assert "replica 1" in ended["exception"]["detail"]
    assert ended["exception"]["exitCode"] == 3


UNDEPLOYS = {
    "hangs": ("trap '' TERM; sleep 600", "2 s"),
    "fails": ("exit 5", "code 5"),
    "has a slip": ("if then fi (", "undeploy script"),
    "floods": ("yes", "log"),
    "is killed": ("kill -KILL $$", "undeploy|ended"),
}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow if n != "hangs" else ()) for n in UNDEPLOYS]
)
def test_an_undeploy_never_changes_the_result(world: World, name: str) -> None:
    script, words = UNDEPLOYS[name]
    made = bash_method(f"undeploy-{name.replace(' ', '-')}", "echo kept >a.txt", undeploy=script)
    ended = world.run(made)
    assert ended["status"] == "successful"
    assert world.text(f"/executions/{ended['jobID']}/outputs/a.txt") == "kept\n"
    events = world.user.http.get(f"/executions/{ended['jobID']}/metadata/events.json").json()
    warnings = [event["detail"] for event in events if event["kind"] == "warning"]
    assert len(warnings) == 1
    assert re.search(words, warnings[0])


# --- what a job leaves --------------------------------------------------------------------------


def test_what_outlives_the_script_is_ended(world: World) -> None:
    script = (
        "sleep 600 &\n(setsid sleep 600 >/dev/null 2>&1 &)\nnohup sleep 600 >/dev/null 2>&1 &\n"
        "(setsid bash -c 'trap \"\" TERM HUP; while :; do date +%N >>late.txt; done' &)\n"
        "while [ ! -s late.txt ]; do :; done; echo done"
    )
    ended = world.run(bash_method("children", script))
    assert ended["status"] == "successful"
    (late,) = world.record(ended)["files"]
    content = world.user.http.get(late["href"]).content
    assert hashlib.sha256(content).hexdigest() == late["sha256"]
    assert len(content) == late["size"]


ODD_FILES = r"""
ln -s /etc/passwd link; ln -s nowhere dangling; ln -s . loop; ln -s /ccp_in/inputs.json inside
mkfifo pipe; mknod device c 1 3 2>/dev/null; mkdir -p deep
(cd deep; for i in $(seq 100); do mkdir d; cd d; done; echo deep >bottom.txt)
echo kept >kept.txt; echo secret >closed; chmod 000 closed; chmod 4755 kept.txt
mkdir shut; echo x >shut/x; chmod 000 shut
"""


def test_links_pipes_and_devices_are_listed_and_not_followed(world: World) -> None:
    ended = world.run(bash_method("odd-files", ODD_FILES))
    record = world.record(ended)
    skipped = {entry["path"]: entry["reason"] for entry in record["skipped"]}
    for name in ("link", "dangling", "loop", "inside"):
        assert skipped[name] == "a symbolic link"
    assert skipped["pipe"] == "a named pipe"
    assert any("deep" in reason for reason in skipped.values()), skipped
    assert {file["path"] for file in record["files"]} >= {"kept.txt"}
    assert "device" not in {file["path"] for file in record["files"]}
    archive = world.user.http.get(f"/executions/{ended['jobID']}/outputs/output.zip").content
    assert b"root:x:0:0" not in archive


NAMES = [
    b"-rf", b" lead", b"trail ", b"a\nb", b"a\rb", b"a\tb", b'"quoted"', b"it's", b"a;b|c&d",
    b"$(id)", b"%2e%2e", b"..%2f..%2fx", b"...", b"CON", b"a\\b", b"..\\..\\x", b"<script>",
    b"a?b=c#d", b"*", b"\xff\xfe", b"\xc3\x28", "\u202egpj.exe".encode(), "日本".encode(),
    "e\u0301".encode(), b"n" * 255, b"Case", b"case", b"output.zip", b"stdout", b"\x1b[31mred",
    b"a\x7fb", "line\u2028end".encode(),
]  # fmt: skip


def test_hostile_names_come_back_byte_for_byte(world: World) -> None:
    quoted = "\n".join(
        "printf %s {0} >./{0}".format("$'" + "".join(f"\\x{byte:02x}" for byte in name) + "'")
        for name in NAMES
    )
    ended = world.run(bash_method("names", quoted))
    assert ended["status"] == "successful", ended
    files = world.record(ended)["files"]
    assert len({file["path"] for file in files}) == len(NAMES)
    found = set()
    for file in files:
        assert re.search(r"[\x00-\x1f\x7f\u202e\u2028]", file["path"]) is None
        answer = world.user.http.get(file["href"])
        assert "\n" not in answer.headers["content-disposition"]
        if file["path"] != "output.zip":
            found.add(answer.content)
    assert found == set(NAMES) - {b"output.zip"}


def test_binary_output_comes_back_byte_for_byte(world: World) -> None:
    script = "head -c 1000000 /dev/urandom | tee copy.bin; printf '\\0\\33[2J\\r\\377' >&2"
    ended = world.run(bash_method("binary", script))
    assert ended["status"] == "successful"
    job = ended["jobID"]
    log = world.user.http.get(f"/jobs/{job}/logs").content
    assert log == world.user.http.get(f"/executions/{job}/outputs/copy.bin").content
    assert world.user.http.get(f"/jobs/{job}/logs?stream=stderr").content == b"\0\33[2J\r\377"
    events = world.user.http.get(f"/jobs/{job}/logs", headers={"Accept": "text/event-stream"})
    assert events.text.rstrip().splitlines()[-2] == "event: end"


@pytest.mark.slow
def test_the_progress_file_is_not_trusted(world: World) -> None:
    script = (
        "for say in '999999999999999999999 x' '-5' 'NaN' $'\\xff\\xfe' '50\n60' \"$(head -c 60000 "
        '/dev/zero | tr \'\\0\' x)"; do printf %s "$say" >$CCP_PROGRESS; sleep 0.3; done\n'
        "rm $CCP_PROGRESS; ln -s /etc/passwd $CCP_PROGRESS; sleep 1.2\n"
        "rm $CCP_PROGRESS; mkfifo $CCP_PROGRESS; sleep 1.2\n"
        "rm $CCP_PROGRESS; mkdir $CCP_PROGRESS; sleep 1.2"
    )
    ended = world.run(bash_method("progress", script))
    assert (ended["status"], ended["progress"]) == ("successful", 100)
    events = world.text(f"/executions/{ended['jobID']}/metadata/events.json")
    assert "root:" not in events
    assert len(events) < 50_000


def test_a_job_sees_no_other(world: World) -> None:
    script = (
        "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'\n"
        "ls /dev/shm /tmp /var/tmp /root /home /work /ccp_data/.. 2>&1; id; cat; df 2>&1\n"
        f"cat {world.platform.data}/keys/* 2>&1; kill -9 -1; true"
    )
    made = bash_method("another", "sleep 3; echo mine-alone")
    assert world.user.deploy(made).status_code == 201
    neighbour = world.user.run("another")["jobID"]
    world.user.until(neighbour, "executing")
    assert world.user.deploy(bash_method("look-around", script)).status_code == 201
    ended = world.user.finish("look-around")
    seen = world.log(ended)
    assert "uid=1000" in seen
    for word in ("ccp up", "sleep\n3", "CCP_FAILPOINT", "secrets.key:", "PRIVATE KEY", neighbour):
        assert word not in seen
    assert world.user.wait(neighbour)["status"] == "successful"
    assert world.text(f"/jobs/{neighbour}/logs") == "mine-alone\n"


@pytest.mark.slow
def test_a_hundred_thousand_files(platform: RunningPlatform, user: User) -> None:
    script = "for i in $(seq 1000); do mkdir d$i; touch d$i/{1..99}; done"
    made = bash_method(f"crowd-{os.getpid()}", script)
    assert user.deploy(made).status_code == 201
    began = time.monotonic()
    ended = user.finish(made["id"])
    assert ended["status"] == "successful", ended
    assert time.monotonic() - began < 60
    record = user.http.get(f"/executions/{ended['jobID']}").json()
    assert len(record["files"]) == 99_000
    archive = user.http.get(f"/executions/{ended['jobID']}/outputs/output.zip")
    assert int(archive.headers["content-length"]) == len(archive.content)
    assert leftovers(ended["jobID"], platform.data) == []
