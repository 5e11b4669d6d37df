import io
import os
import shutil
import subprocess
import time
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.integration.files.conftest import JOB, Left

from openccp.core.ports import FileEntry
from openccp.files.bundle import BLOCK, Bundle, Member

names = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\\"), min_size=1),
    unique=True,
    max_size=6,
)


def member(path: Path, name: str, content: bytes) -> Member:
    path.write_bytes(content)
    entry = FileEntry(name, len(content), str(hash(content)), zlib.crc32(content), "x/y")
    return Member(name, entry, lambda: path)


def bundle_of(folder: Path, contents: Sequence[tuple[str, bytes]]) -> Bundle:
    return Bundle(
        [member(folder / str(i), name, content) for i, (name, content) in enumerate(contents)]
    )


def whole(bundle: Bundle) -> bytes:
    return b"".join(bundle.stream())


class Ranged(io.RawIOBase):
    """An archive read through its ranges, as a client that resumes would."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._bundle.length)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        stop = self._bundle.length if size < 0 else min(self._at + size, self._bundle.length)
        content = b"".join(self._bundle.stream(self._at, stop))
        self._at += len(content)
        return content


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(names=names, content=st.binary(max_size=200), data=st.data())
def test_every_range_is_the_slice_of_a_valid_archive(
    tmp_path: Path, names: list[str], content: bytes, data: st.DataObject
) -> None:
    contents = [(name, content[: 37 * i]) for i, name in enumerate(names)]
    bundle = bundle_of(tmp_path, contents)
    archive = whole(bundle)
    assert len(archive) == bundle.length
    with zipfile.ZipFile(io.BytesIO(archive)) as read:
        assert read.testzip() is None
        assert [(i.filename, read.read(i)) for i in read.infolist()] == contents
    start = data.draw(st.integers(0, bundle.length))
    stop = data.draw(st.integers(start, bundle.length))
    assert b"".join(bundle.stream(start, stop)) == archive[start:stop]


def test_every_range_of_one_archive(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, [("a", b"12"), ("empty", b""), ("d/b", b"345")])
    archive = whole(bundle)
    for start in range(bundle.length + 1):
        for stop in range(start, bundle.length + 1, 7):
            assert b"".join(bundle.stream(start, stop)) == archive[start:stop]


def test_an_empty_archive_is_valid(tmp_path: Path) -> None:
    bundle = Bundle([])
    assert bundle.length == 22
    assert zipfile.ZipFile(io.BytesIO(whole(bundle))).namelist() == []


def test_the_dates_are_those_given_and_never_before_the_format_s_first(tmp_path: Path) -> None:
    for modified, shown in [
        (1_700_000_000.0, (2023, 11, 14, 22, 13, 20)),
        (0, (1980, 1, 1, 0, 0, 0)),
    ]:
        bundle = Bundle([member(tmp_path / "x", "x", b"1")], modified)
        info = zipfile.ZipFile(io.BytesIO(whole(bundle))).infolist()[0]
        assert info.date_time == shown
        assert info.external_attr >> 16 == 0o100644


def test_the_etag_follows_the_content(tmp_path: Path) -> None:
    one = bundle_of(tmp_path, [("a", b"1")])
    assert one.etag == bundle_of(tmp_path, [("a", b"1")]).etag
    others = [[("b", b"1")], [("a", b"2")], [("a", b"1"), ("c", b"")]]
    etags = {bundle_of(tmp_path, contents).etag for contents in others}
    assert len(etags | {one.etag}) == 4


@pytest.mark.skipif(shutil.which("unzip") is None, reason="needs unzip")
def test_unzip_reads_it_back(tmp_path: Path) -> None:
    contents = [("a.txt", b"hello"), ("d/é.bin", os.urandom(3 * BLOCK + 1)), ("empty", b"")]
    archive = tmp_path / "output.zip"
    archive.write_bytes(whole(bundle_of(tmp_path, contents)))
    out = tmp_path / "out"
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    subprocess.run(["unzip", "-q", archive, "-d", out], check=True, env=environment)
    assert [(out / name).read_bytes() for name, _ in contents] == [c for _, c in contents]


def test_beyond_four_gigabytes(tmp_path: Path) -> None:
    size = (4 << 30) + 10
    hole = tmp_path / "hole"
    hole.touch()
    os.truncate(hole, size)
    big = Member("big", FileEntry("big", size, "", 0, ""), lambda: hole)
    bundle = Bundle([big, member(tmp_path / "s", "small", b"after")])
    with zipfile.ZipFile(Ranged(bundle)) as archive:
        sizes = [info.file_size for info in archive.infolist()]
        assert sizes == [size, 5]
        assert archive.read("small") == b"after"
        with archive.open("big") as content:
            assert content.read(10) == b"\0" * 10


def test_a_hundred_thousand_members(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"1")
    entry = FileEntry("", 1, "", zlib.crc32(b"1"), "")
    started = time.perf_counter()
    bundle = Bundle([Member(f"f{number}", entry, lambda: path) for number in range(100_000)])
    tail = b"".join(bundle.stream(bundle.length - 10))
    assert time.perf_counter() - started < 10
    assert len(tail) == 10
    with zipfile.ZipFile(Ranged(bundle)) as archive:
        assert len(archive.infolist()) == 100_000
        assert archive.read("f99999") == b"1"


def test_a_stored_file_that_was_cut_breaks_the_stream(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, [("a", b"12345")])
    (tmp_path / "0").write_bytes(b"12")
    with pytest.raises(OSError, match="shorter"):
        whole(bundle)


def test_blocks_are_bounded(tmp_path: Path) -> None:
    contents = [(f"f{i}", b"x" * 100) for i in range(3000)] + [("big", b"y" * (3 * BLOCK))]
    sizes = [len(block) for block in bundle_of(tmp_path, contents).stream()]
    assert max(sizes) < 2 * BLOCK + 100
    assert len(sizes) < 10


def test_a_job_s_archive_has_ccp_s_contents(left: Left) -> None:
    (left.data / "d").mkdir()
    (left.data / "d" / "a.csv").write_bytes(b"x")
    (left.data / f"stdout.{JOB}.txt").write_bytes(b"the job's own")
    left.workspace.logs["stdout.1"] = left.workspace.logs["stdout"]  # type: ignore[index]
    left.collect()
    bundle = left.store.bundle(JOB, 1_700_000_000)
    with zipfile.ZipFile(io.BytesIO(whole(bundle))) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "d/a.csv": b"x",
            f"stdout.{JOB}.txt": b"the job's own",
            f"ccp-stdout.{JOB}.txt": b"hello\n",
            f"stdout.{JOB}.1.txt": b"hello\n",
            f"stderr.{JOB}.txt": b"",
        }


def test_names_in_an_archive_are_harmless(left: Left) -> None:
    for raw in [b"..\\up", b"a\nb", b"\xff", b"...", b"~"]:
        Path(os.fsdecode(os.fsencode(left.data) + b"/" + raw)).write_bytes(b"1")
    left.collect()
    with zipfile.ZipFile(io.BytesIO(whole(left.store.bundle(JOB, 0)))) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            assert "\\" not in name
            assert "\n" not in name
            assert not name.startswith("/")
            assert ".." not in name.split("/")
