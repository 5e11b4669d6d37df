import os
from pathlib import Path

import pytest
from tests.integration.files.conftest import Left

from openccp.core.ports import FileEntry, Limits, Manifest
from openccp.core.results import OutputTooLarge
from openccp.files.manifests import Committed, encode
from openccp.files.records import Records


def folder_of(root: Path, name: str, files: int) -> Path:
    entries = tuple(FileEntry(f"f{number}", 1, "", 0, "x/y") for number in range(files))
    folder = root / name
    folder.mkdir()
    (folder / "manifest.json").write_bytes(encode(Committed(Manifest(entries, (), (), {}))))
    return folder


def kept(records: Records, folder: Path) -> bool:
    """Whether a record is answered from memory: its file is taken away for the question."""
    manifest, away = folder / "manifest.json", folder / "away"
    manifest.rename(away)
    found = records.get(folder) is not None
    away.rename(manifest)
    return found


def test_the_oldest_give_way_to_the_newest(tmp_path: Path) -> None:
    records = Records(max_entries=10)
    a, b, c = (folder_of(tmp_path, name, 4) for name in "abc")
    for folder in (a, b, a, c):
        assert records.get(folder) is not None
    assert [kept(records, folder) for folder in (a, b, c)] == [True, False, True]


def test_the_newest_stays_whatever_its_size(tmp_path: Path) -> None:
    records = Records(max_entries=10)
    small, huge = folder_of(tmp_path, "small", 1), folder_of(tmp_path, "huge", 50)
    records.get(small)
    records.get(huge)
    assert [kept(records, folder) for folder in (small, huge)] == [False, True]
    records.get(small)
    assert [kept(records, folder) for folder in (small, huge)] == [True, False]


def test_what_is_not_committed_is_asked_for_again(tmp_path: Path) -> None:
    records = Records()
    assert records.get(tmp_path / "later") is None
    assert records.get(folder_of(tmp_path, "later", 1)) is not None


def test_forgetting(tmp_path: Path) -> None:
    records = Records()
    folder = folder_of(tmp_path, "a", 1)
    records.get(folder)
    for _ in range(2):
        records.forget(folder)
    assert not kept(records, folder)


def test_no_descriptor_stays_open(left: Left) -> None:
    deep = left.data / "a" / "b" / "c"
    deep.mkdir(parents=True)
    (deep / "link").symlink_to("/etc")
    for number in range(3):
        (deep / f"f{number}").write_bytes(b"x" * 10)
    before = os.listdir("/proc/self/fd")
    for job, limits in enumerate([Limits(), Limits(output_bytes=15), Limits(output_files=1)]):
        try:
            left.collect(limits, job=f"job{job}")
        except OutputTooLarge:
            continue
    left.data.rename(left.data.parent / "gone")
    with pytest.raises(FileNotFoundError):
        left.collect(job="job9")
    assert len(os.listdir("/proc/self/fd")) == len(before)
