from pathlib import Path

import pytest
from tests.integration.client.honest_server import World

from openccp.client import CCPError, Client, Job

CONTENT = bytes(range(256)) * 4000


@pytest.fixture
def job(ccp: Client) -> Job:
    return ccp.run("count-words")


def test_files_arrive_in_their_folders(job: Job, world: World, tmp_path: Path) -> None:
    names = ["a.txt", "deep/er/b c.bin", "ünï%20?#&.txt", "empty"]
    world.files = {name: name.encode() if name != "empty" else b"" for name in names}
    got = job.download(tmp_path / "out")
    assert sorted(str(path.relative_to(tmp_path / "out")) for path in got) == sorted(names)
    assert (tmp_path / "out" / "deep/er/b c.bin").read_text() == "deep/er/b c.bin"
    assert (tmp_path / "out" / "empty").read_bytes() == b""


def test_a_download_goes_on_where_it_broke(job: Job, world: World, tmp_path: Path) -> None:
    world.files = {"big.bin": CONTENT}
    world.cut_after = [100_000, 50_000, 0]
    (got,) = job.download(tmp_path)
    assert got.read_bytes() == CONTENT
    assert world.ranges == [None, "bytes=100000-", "bytes=150000-", "bytes=150000-"]
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["big.bin"]


def test_a_later_try_goes_on_too(job: Job, world: World, tmp_path: Path) -> None:
    world.files = {"big.bin": CONTENT}
    job.download(tmp_path)
    (tmp_path / "big.bin").unlink()
    part = _part_name(job, world, tmp_path)
    part.write_bytes(CONTENT[:1000])
    world.ranges.clear()
    job.download(tmp_path)
    assert world.ranges == ["bytes=1000-"]
    assert (tmp_path / "big.bin").read_bytes() == CONTENT


def test_a_damaged_beginning_is_noticed_and_dropped(job: Job, world: World, tmp_path: Path) -> None:
    world.files = {"big.bin": CONTENT}
    part = _part_name(job, world, tmp_path)
    part.write_bytes(b"wrong")
    with pytest.raises(CCPError, match="checksum"):
        job.download(tmp_path)
    assert not part.exists()
    (got,) = job.download(tmp_path)
    assert got.read_bytes() == CONTENT


def _part_name(job: Job, world: World, folder: Path) -> Path:
    from openccp.client.files import _part

    (file,) = job.files()
    return _part(job.id, file, folder / "big.bin")


@pytest.mark.parametrize(
    "name", ["../x", "/etc/x", "a/../../x", "a//b", "", ".", "..", "a/./b", "x\0y"]
)
def test_a_hostile_name_writes_nothing(job: Job, world: World, tmp_path: Path, name: str) -> None:
    world.listing = [{"path": "good", "size": 1}, {"path": name, "size": 1}]
    world.files = {"good": b"1"}
    folder = tmp_path / "inner" / "out"
    folder.mkdir(parents=True)
    with pytest.raises(CCPError, match="not safe"):
        job.download(folder)
    assert list((tmp_path / "inner").rglob("*")) == [folder]


def test_a_link_in_the_folder_leads_nowhere(job: Job, world: World, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "a").symlink_to(outside)
    world.files = {"a/x": b"1"}
    with pytest.raises(CCPError, match="leads out"):
        job.download(folder)
    assert list(outside.iterdir()) == []


def test_what_is_there_is_kept(job: Job, world: World, tmp_path: Path) -> None:
    world.files = {"x": b"new"}
    (tmp_path / "x").write_bytes(b"mine")
    with pytest.raises(CCPError, match="already there"):
        job.download(tmp_path)
    assert (tmp_path / "x").read_bytes() == b"mine"
    job.download(tmp_path, overwrite=True)
    assert (tmp_path / "x").read_bytes() == b"new"
    world.ranges.clear()
    job.download(tmp_path)
    assert world.ranges == []


@pytest.mark.parametrize("size", [2, 4])
def test_a_wrong_length_is_noticed(job: Job, world: World, tmp_path: Path, size: int) -> None:
    world.files = {"x": b"123"}
    world.listing = [{"path": "x", "size": size}]
    with pytest.raises(CCPError, match=r"longer|instead of"):
        job.download(tmp_path)
    assert not (tmp_path / "x").exists()


def test_only_some(job: Job, world: World, tmp_path: Path) -> None:
    world.files = {"x": b"1", "y": b"2"}
    assert [path.name for path in job.download(tmp_path, ["y"])] == ["y"]
    with pytest.raises(CCPError, match="no file z"):
        job.download(tmp_path, ["z"])
