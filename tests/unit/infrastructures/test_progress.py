import os
from pathlib import Path

import pytest

from openccp.infrastructures.folders import Replica
from openccp.infrastructures.progress import marks_of, plain, progress_of


@pytest.fixture
def replica(tmp_path: Path) -> Replica:
    made = Replica(0, "run", str(tmp_path / "state"), str(tmp_path / "disk"))
    os.mkdir(made.home)
    return made


@pytest.mark.parametrize(
    ("written", "progress", "message"),
    [
        (b"", None, None),
        (b"40 half way\n", 40, "half way"),
        (b"1 a\n2 b", 2, "b"),
        (b"99.5% nearly", 99, "nearly"),
        (b"100", 100, None),
        (b"999 over", 100, "over"),
        (b"-5 below", None, "-5 below"),
        (b"no number", None, "no number"),
        (b"\xff\xfe\x00", None, "\ufffd\ufffd"),
        (b"10 \x1b]0;title\x07red\xe2\x80\xae", 10, "]0;titlered"),
        (b"12345678901234567890 x", None, "12345678901234567890 x"),
    ],
)
def test_progress(
    replica: Replica, written: bytes, progress: int | None, message: str | None
) -> None:
    Path(replica.progress).write_bytes(written)
    assert progress_of(replica) == (progress, message)


def test_a_long_history_and_a_long_line_are_bounded(replica: Replica) -> None:
    Path(replica.progress).write_bytes(b"1 old\n" * 1_000_000 + b"50 " + b"x" * 3000)
    progress, message = progress_of(replica)
    assert progress == 50
    assert message == "x" * 200


def test_links_pipes_and_folders_say_nothing(replica: Replica) -> None:
    os.symlink("/etc/hostname", replica.progress)
    os.mkfifo(replica.marks)
    assert progress_of(replica) == (None, None)
    assert marks_of(replica) == frozenset({""})
    os.unlink(replica.progress)
    os.mkdir(replica.progress)
    assert progress_of(replica) == (None, None)


def test_plain_keeps_letters_of_any_script() -> None:
    assert plain("Größe 大小\tok") == "Größe 大小ok"
