import hashlib
import os
import resource
import stat
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.integration.files.conftest import JOB, Left

from openccp.core.method import Output
from openccp.core.ports import FileStore, Limits, Workspace
from openccp.core.problems import NotFound
from openccp.core.results import OutputTooLarge
from openccp.files.store import FolderStore

if TYPE_CHECKING:
    _: type[FileStore] = FolderStore


def test_files_and_logs_are_kept_with_their_description(
    left: Left, stored: Callable[[str], bytes]
) -> None:
    (left.data / "d" / "e").mkdir(parents=True)
    (left.data / "d" / "e" / "a.csv").write_bytes(b"x,y\n")
    (left.data / "b").write_bytes(b"\0\1")
    manifest = left.collect()
    assert [(e.path, e.size, e.media_type) for e in manifest.files] == [
        ("b", 2, "application/octet-stream"),
        ("d/e/a.csv", 4, "text/csv"),
    ]
    entry = manifest.files[1]
    assert stored("d/e/a.csv") == b"x,y\n"
    assert entry.sha256 == hashlib.sha256(b"x,y\n").hexdigest()
    assert entry.crc32 == zlib.crc32(b"x,y\n")
    assert [(log.path, log.size) for log in manifest.logs] == [("stderr", 0), ("stdout", 6)]
    assert left.store.open_log(JOB, "stdout").read_bytes() == b"hello\n"
    assert left.store.manifest(JOB) == manifest
    assert not manifest.skipped


def test_the_manifest_on_disk_survives_a_new_store(left: Left, tmp_path: Path) -> None:
    (left.data / "a").write_bytes(b"1")
    manifest = left.collect()
    assert FolderStore(tmp_path / "records").manifest(JOB) == manifest


def test_declared_outputs_are_found_and_missing_ones_named(left: Left) -> None:
    left.outputs.update(
        count=Output("count", {"type": "integer"}),
        plot=Output("plot", {"contentMediaType": "image/png"}, path="plots/*.png"),
        stdout=Output("stdout", {}),
        output=Output("output", {}),
    )
    (left.data / "count").write_bytes(b"3")
    manifest = left.collect()
    assert manifest.outputs == {"count": ("count",), "stdout": ("stdout",)}
    assert manifest.missing == ("plot",)
    assert manifest.files[0].media_type == "application/json"


def test_collecting_again_gives_the_committed_manifest(left: Left) -> None:
    (left.data / "a").write_bytes(b"1")
    first = left.collect()
    (left.data / "a").write_bytes(b"22")
    (left.data / "b").write_bytes(b"3")
    assert left.collect() == first


def test_a_durable_store_keeps_the_same(left: Left, tmp_path: Path) -> None:
    for number in range(20):
        (left.data / f"f{number}").write_bytes(b"x")
    store = FolderStore(tmp_path / "durable")
    kept = store.collect(JOB, left.workspace, {}, Limits())
    assert kept == left.collect()
    assert store.open_output(JOB, "f19").read_bytes() == b"x"


def test_two_collectors_at_once_agree(left: Left, tmp_path: Path) -> None:
    for number in range(200):
        (left.data / f"f{number}").write_bytes(bytes([number]) * 100)
    start = threading.Barrier(4)

    def collect(_: int) -> object:
        start.wait()
        return FolderStore(tmp_path / "records").collect(JOB, left.workspace, {}, Limits())

    with ThreadPoolExecutor(4) as threads:
        manifests = list(threads.map(collect, range(4)))
    assert all(manifest == manifests[0] for manifest in manifests)
    assert left.store.open_output(JOB, "f7").read_bytes() == b"\7" * 100


def test_a_lost_workspace_is_an_error_and_commits_nothing(left: Left) -> None:
    left.data.rmdir()
    with pytest.raises(FileNotFoundError):
        left.collect()
    assert left.store.manifest(JOB) is None


def test_a_disk_that_takes_no_more_keeps_no_half_copy(left: Left, tmp_path: Path) -> None:
    (left.data / "a").write_bytes(b"1" * 1000)
    (left.data / "b").write_bytes(b"1" * 100_000)
    (left.data / "c").hardlink_to(left.data / "b")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            left.collect()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path for path in (tmp_path / "records").rglob("*") if path.is_file()] == []
    assert len(left.collect().files) == 3


def test_nothing_of_the_source_s_rights_is_kept(left: Left) -> None:
    source = left.data / "tool"
    source.write_bytes(b"#!")
    source.chmod(0o6777)
    (left.data / "open").mkdir(mode=0o777)
    (left.data / "open" / "x").write_bytes(b"")
    left.collect()
    kept = left.store.open_output(JOB, "tool")
    assert stat.S_IMODE(kept.stat().st_mode) & ~0o640 == 0
    assert kept.stat().st_uid == os.geteuid()
    assert kept.samefile(source) == left.workspace.sealed
    folder = left.store.open_output(JOB, "open/x").parent
    assert stat.S_IMODE(folder.stat().st_mode) & 0o027 == 0
    assert stat.S_IMODE(kept.parents[3].stat().st_mode) & 0o077 == 0


def test_logs_are_cut_at_their_limit_and_say_so(left: Left) -> None:
    assert left.reasons(Limits(log_bytes=2)) == {"logs/stdout": "cut after 2 of 6 bytes"}
    assert left.store.open_log(JOB, "stdout").read_bytes() == b"he"


@pytest.mark.parametrize(
    "limits", [Limits(output_bytes=5), Limits(output_files=2)], ids=["bytes", "files"]
)
def test_too_much_keeps_the_logs_and_always_says_so(left: Left, limits: Limits) -> None:
    for number in range(3):
        (left.data / f"f{number}").write_bytes(b"ab")
    for _ in range(2):
        with pytest.raises(OutputTooLarge, match="more than"):
            left.collect(limits)
    manifest = left.store.manifest(JOB)
    assert manifest is not None
    assert manifest.files == ()
    assert [skip.path for skip in manifest.skipped] == ["."]
    assert left.store.open_log(JOB, "stdout").read_bytes() == b"hello\n"
    assert not (left.store.open_log(JOB, "stdout").parents[1] / "outputs").exists()


def test_exactly_the_limit_is_fine(left: Left) -> None:
    for number in range(3):
        (left.data / f"f{number}").write_bytes(b"ab")
    assert len(left.collect(Limits(output_bytes=6, output_files=3)).files) == 3


def test_too_many_folders_is_too_much(left: Left) -> None:
    for number in range(4):
        (left.data / f"d{number}").mkdir()
    with pytest.raises(OutputTooLarge, match="folders"):
        left.collect(Limits(output_files=3))


# --- names from outside ---


@pytest.mark.parametrize(
    "path", ["", ".", "..", "../manifest.json", "/etc/passwd", "a/../a", "./a", "a\0", "d", "A"]
)
def test_only_a_name_of_the_manifest_opens(left: Left, path: str) -> None:
    (left.data / "a").write_bytes(b"1")
    (left.data / "d").mkdir()
    left.collect()
    with pytest.raises(NotFound):
        left.store.open_output(JOB, path)
    with pytest.raises(NotFound):
        left.store.open_log(JOB, path)


@pytest.mark.parametrize("job", ["", "..", "a/b", "../../etc", "a\0b", ".hidden", "x" * 300, "é9"])
def test_only_an_id_names_a_record(left: Left, job: str) -> None:
    assert left.store.manifest(job) is None
    with pytest.raises(NotFound):
        left.store.open_output(job, "a")
    with pytest.raises(NotFound):
        left.collect(job=job)


def test_removing_is_complete_and_idempotent(left: Left, tmp_path: Path) -> None:
    (left.data / "a").write_bytes(b"1")
    left.collect()
    for _ in range(2):
        left.store.remove(JOB)
    assert left.store.manifest(JOB) is None
    assert [path for path in (tmp_path / "records").rglob("*") if path.is_file()] == []


def test_the_logs_of_replicas_come_in_their_order(left: Left) -> None:
    stdout = left.workspace.logs["stdout"]
    logs = {f"stdout.{replica}": stdout for replica in range(1, 12)} | {"stdout": stdout}
    left.outputs["stdout"] = Output("stdout", {})
    workspace = Workspace(left.data, logs)
    manifest = left.store.collect(JOB, workspace, left.outputs, Limits())
    names = ("stdout", *(f"stdout.{replica}" for replica in range(1, 12)))
    assert manifest.outputs == {"stdout": names}


def test_a_workspace_without_logs_is_fine(left: Left) -> None:
    workspace = Workspace(left.data, {"stdout": left.data.parent / "never-written"})
    manifest = left.store.collect(JOB, workspace, {}, Limits())
    assert manifest.logs == ()
    assert manifest.skipped[0].path == "logs/stdout"


def test_what_nobody_can_write_any_more_is_kept_without_a_copy(left: Left) -> None:
    if not left.workspace.sealed:
        pytest.skip("copied")
    (left.data / "big").write_bytes(b"x" * 100_000)
    (left.data / "pair").write_bytes(b"y")
    (left.data / "twin").hardlink_to(left.data / "pair")
    manifest = left.collect()
    stored = left.store.open_output(JOB, "big")
    assert stored.samefile(left.data / "big")
    assert stored.stat().st_mode & 0o7777 == 0o640
    assert not left.store.open_output(JOB, "pair").samefile(left.data / "pair")
    assert [entry.path for entry in manifest.files] == ["big", "pair", "twin"]


def test_what_somebody_still_has_open_for_writing_is_copied(left: Left) -> None:
    (left.data / "open").write_bytes(b"before")
    with (left.data / "open").open("r+b") as stranger:
        left.collect()
        stranger.write(b"AFTER!")
    assert left.store.open_output(JOB, "open").read_bytes() == b"before"
