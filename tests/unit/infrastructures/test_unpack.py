"""Tars that somebody made to break out."""

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openccp.core.ports import Limits
from openccp.files.walk import Walk
from openccp.infrastructures.docker.unpack import first_file, room, unpack
from openccp.infrastructures.watch import Breach

LIMITS = Limits(output_bytes=1000, output_files=20)
Entry = tuple[str, Any, str]


def tar_of(*entries: Entry) -> bytes:
    """Of (name, type or content, link)."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, what, link in entries:
            one = tarfile.TarInfo(name)
            one.linkname, one.mode = link, 0o7777
            if isinstance(what, bytes) and what not in tarfile.SUPPORTED_TYPES:
                one.size = len(what)
                tar.addfile(one, io.BytesIO(what))
            else:
                one.type = what
                tar.addfile(one)
    return made.getvalue()


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    def unpacked(*entries: Entry) -> Path:
        tar, folder = tmp_path / "one.tar", tmp_path / "inside/folder"
        folder.parent.mkdir()
        tar.write_bytes(tar_of(("data", tarfile.DIRTYPE, ""), *entries))
        unpack(tar, str(folder), LIMITS)
        return folder

    return unpacked


def everything(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


@pytest.mark.parametrize(
    "name",
    [
        "../out", "data/../../out", "/out", "data/a/../../../out", "..", "data/..", "data//out",
        "data/./out", "./data/out", "/data/out", "data/" + "d/" * 300 + "out",
    ],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_left_away(
    put: Callable[..., Path], tmp_path: Path, name: str
) -> None:
    folder = put((name, b"evil", ""))
    assert everything(tmp_path) == {"one.tar", "inside", "inside/folder"}
    assert list(folder.iterdir()) == []


def test_nothing_goes_through_a_link(put: Callable[..., Path], tmp_path: Path) -> None:
    """Whether it comes before or after, names a folder, or is put in the place of one."""
    folder = put(
        ("data/up", tarfile.SYMTYPE, "../.."),
        ("data/up/out", b"evil", ""),
        ("data/etc", tarfile.SYMTYPE, "/etc"),
        ("data/etc/passwd", b"evil", ""),
        ("data/real", tarfile.DIRTYPE, ""),
        ("data/real", tarfile.SYMTYPE, "/etc"),
        ("data/real/kept", b"kept", ""),
        ("data/file", b"mine", ""),
        ("data/file", b"other", ""),
    )
    assert (folder / "real/kept").read_bytes() == b"kept"
    assert (folder / "file").read_bytes() == b"mine"
    assert not (folder / "real").is_symlink()
    assert {os.readlink(folder / name) for name in ("up", "etc")} == {"a-link-that-is-not-followed"}
    assert everything(tmp_path) == {
        "one.tar", "inside", "inside/folder",
        *(f"inside/folder/{name}" for name in ("up", "etc", "real", "real/kept", "file")),
    }  # fmt: skip


def test_a_second_name_is_for_what_is_there(put: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    folder = put(
        ("data/one", b"one", ""),
        ("data/two", tarfile.LNKTYPE, "data/one"),
        ("data/out", tarfile.LNKTYPE, "../../secret"),
        ("data/absolute", tarfile.LNKTYPE, str(tmp_path / "secret")),
        ("data/climbs", tarfile.LNKTYPE, "data/../../../secret"),
        ("data/nowhere", tarfile.LNKTYPE, "data/none"),
    )
    assert everything(folder) == {"one", "two", "nowhere"}
    assert (folder / "two").read_bytes() == b"one"
    assert (folder / "nowhere").is_symlink(), "so that it is reported"


def test_what_is_deeper_than_a_path_can_be_is_reported(put: Callable[..., Path]) -> None:
    """By a folder on the way; a second name of it by itself."""
    parts = ["d" * 250] * 17
    folders = [f"data/{'/'.join(parts[:count])}" for count in range(1, 18)]
    deep = f"{folders[-1]}/file"
    folder = put(
        *((name, tarfile.DIRTYPE, "") for name in folders),
        (deep, b"deep", ""),
        ("data/second", tarfile.LNKTYPE, deep),
        ("data/kept", b"kept", ""),
    )
    walk = Walk(folder, LIMITS.output_files)
    assert [file.path for file in walk] == ["kept"]
    assert [(len(one.path) > 1024, one.path[:6]) for one in walk.skipped] == [
        (True, "dddddd"), (False, "second"),
    ]  # fmt: skip


def test_devices_and_pipes_are_left_away_and_modes_are_ours(put: Callable[..., Path]) -> None:
    folder = put(
        ("data/device", tarfile.CHRTYPE, ""),
        ("data/disk", tarfile.BLKTYPE, ""),
        ("data/pipe", tarfile.FIFOTYPE, ""),
        ("data/program", b"#!", ""),
    )
    assert everything(folder) == {"program"}
    assert (folder / "program").stat().st_mode & 0o7777 == 0o600


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([("data/big", b"x" * 1001, "")], "disk"),
        ([(f"data/{n}", b"x" * 300, "") for n in range(4)], "disk"),
        ([(f"data/{n}", b"", "") for n in range(21)], "files"),
        ([(f"data/{n}", tarfile.SYMTYPE, "x") for n in range(21)], "files"),
    ],
)
def test_too_much_is_said(put: Callable[..., Path], entries: list[Entry], reason: str) -> None:
    with pytest.raises(Breach) as caught:
        put(*entries)
    assert caught.value.reason == reason


def test_the_start_of_a_file_is_read_from_a_tar_that_is_cut() -> None:
    whole = tar_of(("log", b"x" * 5000, ""))
    assert first_file(whole, 6000) == b"x" * 5000
    assert first_file(whole, 10) == b"x" * 10
    assert first_file(whole[:1000], 6000) == b"x" * 488
    for strange in (
        b"",
        b"nonsense" * 100,
        tar_of(("log", tarfile.SYMTYPE, "/etc/passwd")),
        tar_of(("log", tarfile.DIRTYPE, "")),
    ):
        assert first_file(strange, 100) == b""


def test_what_is_just_enough_has_room() -> None:
    entries = [(f"data/{'n' * 90}{n}", b"x" * 50, "") for n in range(20)]
    assert len(tar_of(("data", tarfile.DIRTYPE, ""), *entries)) <= room(LIMITS)
