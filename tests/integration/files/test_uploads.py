"""Uploads on disk: whatever is cut, sent twice or killed, the bytes are right or not there."""

import os
import signal
import sys
from collections.abc import Callable
from hashlib import file_digest, sha256
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openccp.core.problems import BodyTooLarge
from openccp.core.uploads import (
    Asked,
    ChecksumMismatch,
    NoSuchUpload,
    QuotaExceeded,
    Room,
    UploadMoved,
)
from openccp.files import uploads
from openccp.files.uploads import FolderUploads

ROOM = Room(largest=1000, together=2000, seconds=60)
ADA, BOB = "ada", "bob"


@pytest.fixture
def store(tmp_path: Path) -> FolderUploads:
    return FolderUploads(tmp_path / "uploads")


@given(content=st.binary(max_size=200), cuts=st.lists(st.integers(0, 200), max_size=8))
def test_whatever_is_cut_and_sent_again_the_content_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, cuts: list[int]
) -> None:
    store = FolderUploads(tmp_path_factory.mktemp("cut"))
    one = store.create(ADA, Asked(len(content), sha256=sha256(content).hexdigest()), ROOM)
    for stop in [*cuts, len(content)]:
        start = store.get(ADA, one.id).offset
        with pytest.raises(UploadMoved):
            store.append(ADA, one.id, start + 1, b"x")
        if content[start:stop]:
            store.append(ADA, one.id, start, content[start:stop])
    done = store.get(ADA, one.id)
    assert done.complete
    assert store.content(ADA, one.id).read_bytes() == content
    assert done.sha256 == sha256(content).hexdigest()


def test_only_its_owner_finds_it(store: FolderUploads) -> None:
    one = store.create(ADA, Asked(3), ROOM)
    store.append(ADA, one.id, 0, b"abc")
    looks: list[Callable[[], object]] = [
        lambda: store.get(BOB, one.id),
        lambda: store.content(BOB, one.id),
        lambda: store.append(BOB, one.id, 3, b"d"),
        lambda: store.take_back(BOB, one.id, 0, 3),
        lambda: store.remove(BOB, one.id),
        lambda: store.get(ADA, "../" + one.id),
    ]
    for look in looks:
        with pytest.raises(NoSuchUpload):
            look()
    assert store.of(BOB) == []
    assert [upload.id for upload in store.of(ADA)] == [one.id]


def test_a_complete_one_never_changes(store: FolderUploads) -> None:
    one = store.create(ADA, Asked(3), ROOM)
    store.append(ADA, one.id, 0, b"abc")
    assert store.get(ADA, one.id).complete
    store.take_back(ADA, one.id, 0, 3)
    with pytest.raises(BodyTooLarge):
        store.append(ADA, one.id, 3, b"d")
    assert store.content(ADA, one.id).read_bytes() == b"abc"


def test_the_wrong_file_is_thrown_away_and_may_come_again(store: FolderUploads) -> None:
    one = store.create(ADA, Asked(3, sha256=sha256(b"abc").hexdigest()), ROOM)
    store.append(ADA, one.id, 0, b"abd")
    with pytest.raises(ChecksumMismatch):
        store.get(ADA, one.id)
    assert store.get(ADA, one.id).offset == 0
    store.append(ADA, one.id, 0, b"abc")
    assert store.get(ADA, one.id).complete


def test_room_is_taken_before_the_first_byte(store: FolderUploads) -> None:
    first = store.create(ADA, Asked(1500), ROOM)
    with pytest.raises(QuotaExceeded, match="1500 bytes in 1"):
        store.create(ADA, Asked(501), ROOM)
    store.create(BOB, Asked(2000), ROOM)
    store.remove(ADA, first.id)
    store.create(ADA, Asked(2000), ROOM)


def test_removed_while_it_is_digested_it_is_gone(
    store: FolderUploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = store.create(ADA, Asked(3), ROOM)
    store.append(ADA, one.id, 0, b"abc")

    def slowly(*asked: Any) -> Any:
        store.remove(ADA, one.id)
        return file_digest(*asked)

    monkeypatch.setattr(uploads, "file_digest", slowly)
    with pytest.raises(NoSuchUpload):
        store.get(ADA, one.id)
    assert store.of(ADA) == []


def test_what_is_old_is_forgotten_and_so_is_what_was_left_half_made(tmp_path: Path) -> None:
    store = FolderUploads(tmp_path)
    old = store.create(ADA, Asked(1), ROOM)
    (half,) = [tmp_path / account / ".new-x" for account in os.listdir(tmp_path)]
    half.mkdir()
    store.forget(old.changed)
    assert half.exists()
    assert store.of(ADA) == [old]
    os.utime(half, (0, 0))
    store.forget(old.changed + 1)
    assert store.of(ADA) == []
    assert list(half.parent.iterdir()) == []


# --- kill -9 ----------------------------------------------------------------------------------


def killed_after(lines: int, work: Callable[[], None]) -> bool:
    """Do it in a child that dies before the nth line of the module; whether it came to the end."""
    child = os.fork()
    if child == 0:
        left = lines

        def trace(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal left
            if frame.f_code.co_filename != uploads.__file__:
                return None
            if event == "line":
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_killed_at_any_line_it_can_be_gone_on_with_or_is_not_there(tmp_path: Path) -> None:
    content, line, ended = b"abcdefgh", 0, False
    while not ended:
        line += 1
        store = FolderUploads(tmp_path / str(line))

        def bring(store: FolderUploads = store) -> None:
            one = store.create(ADA, Asked(8, sha256=sha256(content).hexdigest()), ROOM)
            store.append(ADA, one.id, 0, content[:5])
            store.append(ADA, one.id, 5, content[5:])
            store.get(ADA, one.id)

        ended = killed_after(line, bring)
        for left in store.of(ADA) or [store.create(ADA, Asked(8), ROOM)]:
            offset = store.get(ADA, left.id).offset
            if content[offset:]:
                store.append(ADA, left.id, offset, content[offset:])
            assert store.get(ADA, left.id).complete
            assert store.content(ADA, left.id).read_bytes() == content
    assert line > 50


def test_killed_while_it_is_removed_it_is_there_whole_or_gone(tmp_path: Path) -> None:
    line, ended = 0, False
    while not ended:
        line += 1
        store = FolderUploads(tmp_path / str(line))
        one = store.create(ADA, Asked(1), ROOM)
        ended = killed_after(line, lambda s=store, i=one.id: s.remove(ADA, i))  # type: ignore[misc]
        assert store.of(ADA) in ([], [one])
    assert store.of(ADA) == []
