"""What a job left on a node comes to the collector as if it had been left beside it."""

import io
import os
import shutil
import socket
import tarfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from openccp.core.job import Stage, TaskKey
from openccp.core.ports import Limits
from openccp.core.problems import BodyTooLarge, MalformedBody
from openccp.core.results import OutputTooLarge
from openccp.files.walk import MAX_DEPTH, MAX_PATH, Walk
from openccp.infrastructures import watch
from openccp.infrastructures.attempts import Attempts
from openccp.infrastructures.folders import Ground, Plan, StageFolder
from openccp.infrastructures.swarm import left
from openccp.infrastructures.swarm.arriving import Unpacking
from openccp.infrastructures.swarm.carrier import Carrier
from openccp.infrastructures.swarm.carrying import SPOILED, STAGED, Carrying
from openccp.infrastructures.swarm.tasks import SwarmStage
from openccp.infrastructures.users import Users

MIB = 1 << 20
LIMITS = Limits(output_bytes=MIB, output_files=80)
HALVES = ("data/f", "home.0/f")
KEY = TaskKey("job", 1, Stage.RUN)


@pytest.fixture
def stage(tmp_path: Path) -> SwarmStage:
    """One whose folders are on the platform."""
    ground = Ground(str(tmp_path / "state"), str(tmp_path / "disk"))
    folder, plan = StageFolder(ground, KEY), Plan(os.geteuid(), 1, LIMITS)
    os.makedirs(folder.path)
    os.makedirs(folder.replica(0).home)
    os.mkdir(folder.data)
    return SwarmStage(folder=folder, plan=plan, end=lambda _: None)


@pytest.fixture
def carrying(tmp_path: Path, stage: SwarmStage) -> Carrying:
    state = Path(stage.folder.ground.state)
    attempts = Attempts(stage.folder.ground, Users(state, (1, 2), own=1), {}, False)
    return Carrying(attempts, lambda key: stage if key == KEY else None, _ignore, _ignore)


def _ignore(*_: object) -> None:
    return


@pytest.fixture
def carrier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Carrier:
    """One that stands on a node, beside an attempt."""
    monkeypatch.setenv("CCP_PLACE", "here")
    monkeypatch.setenv("CCP_NODE", "node1")
    made = Carrier("http://platform", "swarm", "ccp-job-1", "token")
    made.here = str(tmp_path / "node")
    for folder in ("data", "home.0"):
        os.makedirs(f"{made.here}/{folder}")
    for stream in ("stdout", "stderr"):
        Path(f"{made.here}/run.0.{stream}").write_text(stream)
    limits = {"output_bytes": LIMITS.output_bytes, "output_files": LIMITS.output_files}
    made.plans["run"] = {"replicas": 1, "log_bytes": 1000, **limits}
    return made


def packed(carrier: Carrier) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w|") as leaving:
        carrier.pack(leaving, "run", carrier.plans["run"])
    return made.getvalue()


def unpack(stage: SwarmStage, tar: bytes, tmp_path: Path) -> None:
    (tmp_path / "one.tar").write_bytes(tar)
    Unpacking(stage.folder, stage.plan).unpack(str(tmp_path / "one.tar"))


def collected(folder: str) -> tuple[dict[str, bytes], set[tuple[str, str]]]:
    """What the collector takes of a folder, and what it says that it left out."""
    walk = Walk(folder, LIMITS.output_files)
    files = {file.path: os.pread(file.fd, MIB, 0) for file in walk}
    return files, {(one.path, one.reason) for one in walk.skipped}


def down(top: int, names: list[str]) -> None:
    """Folders within folders, deeper than a path can say."""
    for name in names:
        os.mkdir(name, dir_fd=top)
        below = os.open(name, left.FOLDER, dir_fd=top)
        os.close(top)
        top = below
    os.close(os.open("last", os.O_CREAT | os.O_WRONLY, dir_fd=top))
    os.close(top)


def links_pipes_and_sockets(data: Path) -> None:
    (data / "kept").write_bytes(b"kept")
    (data / "empty").mkdir()
    (data / "link").symlink_to("/etc/passwd")
    (data / "folder").symlink_to("/etc")
    os.mkfifo(data / "pipe")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(data / "socket"))


def deep(data: Path) -> None:
    (data / "kept").write_bytes(b"kept")
    down(os.open(data, left.FOLDER), ["d"] * (MAX_DEPTH + 5))


def long(data: Path) -> None:
    (data / "kept").write_bytes(b"kept")
    down(os.open(data, left.FOLDER), ["n" * 255] * 20)


def names(data: Path) -> None:
    for name in (b"it's", b"new\nline", b"\xff\xfe", "ü".encode(), b"n" * 255, b"-rf"):
        (data / os.fsdecode(name)).write_bytes(name)


@pytest.mark.parametrize("made", [links_pipes_and_sockets, deep, long, names])
def test_the_collector_finds_the_same(
    carrier: Carrier, stage: SwarmStage, tmp_path: Path, made: Callable[[Path], None]
) -> None:
    made(Path(carrier.here, "data"))
    unpack(stage, packed(carrier), tmp_path)
    files, skipped = collected(stage.folder.data)
    assert files
    assert (files, skipped) == collected(f"{carrier.here}/data")


def test_a_link_that_arrives_leads_nowhere(
    carrier: Carrier, stage: SwarmStage, tmp_path: Path
) -> None:
    links_pipes_and_sockets(Path(carrier.here, "data"))
    unpack(stage, packed(carrier), tmp_path)
    assert not Path(stage.folder.data, "link").exists()
    assert not Path(stage.folder.data, "folder").exists()


@pytest.mark.parametrize(
    "made",
    [
        lambda data: os.truncate(_touched(data / "sparse"), 1 << 40),
        lambda data: [(data / str(n)).write_bytes(bytes(MIB // 3)) for n in range(4)],
        lambda data: [(data / str(n)).touch() for n in range(LIMITS.output_files + 10)],
        lambda data: [(data / str(n)).mkdir() for n in range(LIMITS.output_files + 10)],
    ],
    ids=["one that is too large", "together too large", "files", "folders"],
)
def test_too_much_is_refused_and_not_cut(
    carrier: Carrier, stage: SwarmStage, tmp_path: Path, made: Callable[[Path], object]
) -> None:
    made(Path(carrier.here, "data"))
    tar = packed(carrier)
    assert len(tar) < 2 * MIB
    unpack(stage, tar, tmp_path)
    with pytest.raises(OutputTooLarge):
        _sized(stage.folder.data)


def _touched(path: Path) -> Path:
    path.touch()
    return path


def _sized(folder: str) -> None:
    """As the collector adds up."""
    room = LIMITS.output_bytes
    for file in Walk(folder, LIMITS.output_files):
        room -= file.size
        if room < 0:
            raise OutputTooLarge("too large")


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        ([("data/a", tarfile.REGTYPE), ("data/a/b", tarfile.REGTYPE)], MalformedBody),
        ([("data/a", tarfile.REGTYPE), ("data/a", tarfile.REGTYPE)], MalformedBody),
        ([("data/a", tarfile.SYMTYPE), ("data/a/b", tarfile.REGTYPE)], MalformedBody),
        ([("data/" + "n" * 300, tarfile.REGTYPE)], MalformedBody),
        ([("data/a", tarfile.CHRTYPE)], MalformedBody),
        ([("data/a", tarfile.LNKTYPE)], MalformedBody),
        ([("data/../../a", tarfile.REGTYPE)], MalformedBody),
        ([("data/" + "d/" * 70 + "a", tarfile.REGTYPE)], MalformedBody),
        ([(f"data/{n}", tarfile.DIRTYPE) for n in range(200)], BodyTooLarge),
        ([("elsewhere", tarfile.REGTYPE)], MalformedBody),
        ([("home.0/.ccp-ended-run", tarfile.SYMTYPE)], MalformedBody),
    ],
)
async def test_what_no_job_left_is_lost_and_not_asked_for_again(
    carrying: Carrying,
    stage: SwarmStage,
    entries: list[tuple[str, bytes]],
    problem: type[Exception],
) -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, kind in entries:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "data/x"
            tar.addfile(entry)

    async def content() -> AsyncIterator[bytes]:
        yield made.getvalue()

    token = carrying.new_token(KEY)
    stage.note(STAGED)
    with pytest.raises(problem):
        await carrying.results("ccp-job-1", "run", token, content())
    assert stage.happened(SPOILED)
    assert os.listdir(stage.folder.ground.disk) == ["ccp-job-1", "ccp-job-1.home.0"]
    assert os.listdir(stage.folder.data) == []


# --- how much there is ----------------------------------------------------------------------------


async def judged(carrier: Carrier, carrying: Carrying, stage: SwarmStage) -> str | None:
    """What the platform ends it for, once it was told what is there."""
    stage.note(STAGED)
    token = carrying.new_token(KEY)
    await carrying.told("ccp-job-1", token, {"node": "node1", "used": carrier.used()})
    verdict = stage.verdict()
    return verdict and verdict[0]


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (lambda here: (here / "home.0/f").write_bytes(bytes(2 * MIB)), "disk"),
        (lambda here: (here / "data/f").write_bytes(bytes(2 * MIB)), "disk"),
        (
            lambda here: [(here / where).write_bytes(bytes(MIB * 2 // 3)) for where in HALVES],
            "disk",
        ),
        (lambda here: [(here / f"data/{n}").touch() for n in range(90)], "files"),
        (lambda here: [(here / f"home.0/{n}").touch() for n in range(90)], None),
        (lambda here: [(here / f"home.0/{n}").touch() for n in range(900)], "files"),
        (lambda here: down(os.open(here / "data", left.FOLDER), ["n" * 250] * 20), "files"),
        (lambda here: os.truncate(_touched(here / "data/sparse"), 1 << 40), None),
    ],
    ids=["home", "data", "both", "files", "some in home", "many in home", "deep", "sparse"],
)
async def test_all_that_a_job_may_fill_is_measured(
    carrier: Carrier,
    carrying: Carrying,
    stage: SwarmStage,
    made: Callable[[Path], object],
    reason: str | None,
) -> None:
    made(Path(carrier.here))
    assert await judged(carrier, carrying, stage) == reason


def test_what_vanishes_hides_nothing(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data = Path(carrier.here, "data")
    for number in range(10):
        (data / f"{number}").mkdir()
        (data / f"{number}/kept").write_bytes(bytes(4096))
    listed, seen = os.scandir, []

    def while_folders_go(path: str) -> object:
        seen.append(path)
        if len(seen) == 2:
            shutil.rmtree(path)
        return listed(path)

    monkeypatch.setattr(os, "scandir", while_folders_go)
    size, count = left.measured([str(data)], MIB, 100)
    monkeypatch.undo()
    assert count == 19
    assert size >= 9 * 4096


def test_a_new_look_is_taken_before_results_are_brought(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[list[int]] = []

    def tell() -> None:
        told.append(carrier.used())

    monkeypatch.setattr(carrier, "tell", tell)
    assert carrier.used()[:2] == [0, 0]
    Path(carrier.here, "data/f").write_bytes(bytes(8192))
    assert carrier.used()[:2] == [0, 0]
    carrier.address = "http://127.0.0.1:1"
    with pytest.raises(ConnectionRefusedError):
        carrier.bring("run")
    assert told == [[8192, 1, *carrier.used()[2:]]]


def test_bounds_are_those_of_who_comes_after() -> None:
    assert (left.DEEPEST, left.LONGEST) == (MAX_DEPTH, MAX_PATH)
    assert left.HOME_FILES == watch.HOME_FILES


async def test_a_carrier_is_heard_before_it_has_cleaned_its_node(carrying: Carrying) -> None:
    token, leaving = carrying.new_token(KEY), carrying.send_away(KEY)
    assert not leaving.heard.is_set()
    for left_all in (False, True):
        news = {"node": "node1", "left": left_all}
        assert await carrying.told("ccp-job-1", token, news) == {"leave": True}
        assert (leaving.heard.is_set(), leaving.gone.is_set()) == (True, left_all)
