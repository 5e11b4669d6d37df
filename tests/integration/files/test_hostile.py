import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.integration.files.conftest import JOB, Left

from openccp.core.ports import Limits
from openccp.core.results import OutputTooLarge
from openccp.files.names import unescape
from openccp.files.walk import MAX_DEPTH

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def test_links_are_named_and_never_followed(left: Left) -> None:
    for name, target in {
        "passwd": "/etc/passwd",
        "up": "../stdout",
        "dangling": "/nowhere",
        "loop": "loop",
        "etc": "/etc",
        "here": ".",
    }.items():
        (left.data / name).symlink_to(target)
    assert left.reasons() == dict.fromkeys(
        ["passwd", "up", "dangling", "loop", "etc", "here"], "a symbolic link"
    )
    assert left.collect().files == ()


def test_a_data_folder_that_is_a_link_is_refused(left: Left) -> None:
    left.data.rmdir()
    left.data.symlink_to("/etc")
    with pytest.raises(OSError, match="Not a directory"):
        left.collect()


@pytest.mark.timeout(20)
def test_pipes_and_sockets_do_not_hang(left: Left) -> None:
    os.mkfifo(left.data / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(left.data / "socket"))
        assert left.reasons() == {"pipe": "a named pipe", "socket": "a socket"}


@pytest.mark.timeout(20)
def test_a_log_that_is_a_pipe_or_a_link_is_skipped(left: Left) -> None:
    stdout, stderr = left.workspace.logs["stdout"], left.workspace.logs["stderr"]
    stdout.unlink()
    os.mkfifo(stdout)
    stderr.unlink()
    stderr.symlink_to("/etc/passwd")
    assert left.reasons() == {"logs/stdout": "a named pipe", "logs/stderr": "a symbolic link"}


@root_only
def test_devices_are_never_opened(left: Left) -> None:
    os.mknod(left.data / "zero", 0o666 | 0o020000, os.makedev(1, 5))
    os.mknod(left.data / "disk", 0o666 | 0o060000, os.makedev(7, 0))
    assert left.reasons() == {"zero": "a device", "disk": "a device"}


@root_only
def test_hard_links_only_to_what_is_the_job_s_own(left: Left) -> None:
    os.chown(left.data, 4242, 4242)
    own, foreign = left.data / "own", left.data.parent / "foreign"
    own.write_bytes(b"own")
    os.chown(own, 4242, 4242)
    os.link(own, left.data / "own-too")
    foreign.write_bytes(b"secret")
    os.link(foreign, left.data / "stolen")
    manifest = left.collect()
    assert [entry.path for entry in manifest.files] == ["own", "own-too"]
    assert left.reasons() == {"stolen": "a hard link to a file of another owner"}


@root_only
def test_the_job_s_own_rights_do_not_keep_its_files_back(left: Left) -> None:
    folder = left.data / "closed"
    folder.mkdir()
    (folder / "x").write_bytes(b"1")
    (folder / "x").chmod(0)
    folder.chmod(0)
    assert [entry.path for entry in left.collect().files] == ["closed/x"]


def test_a_sparse_terabyte_is_refused_by_its_apparent_size(left: Left) -> None:
    (left.data / "hole").touch()
    os.truncate(left.data / "hole", 1 << 40)
    started = time.perf_counter()
    with pytest.raises(OutputTooLarge, match="more than 2,147,483,648 bytes"):
        left.collect()
    assert time.perf_counter() - started < 2


def test_hostile_names_come_back(left: Left) -> None:
    names = [
        b"-rf",
        b"a\nb",
        b"\xff\xfe",
        "exe\u202ecod.txt".encode(),
        b"x" * 255,
        b"\xe9" * 255,
        b"Case",
        b"case",
        b"..\\..\\up",
        b"%2e%2e",
        b"...",
        b" ",
        b"$(touch pwned)",
        b"<script>alert(1)</script>".replace(b"/", b"|"),
        "é".encode(),
        "e\u0301".encode(),
    ]
    for name in names:
        Path(os.fsdecode(os.fsencode(left.data) + b"/" + name)).write_bytes(name)
    manifest = left.collect()
    assert not manifest.skipped
    for entry in manifest.files:
        raw = os.fsencode(unescape(entry.path))
        assert left.store.open_output(JOB, entry.path).read_bytes() == raw
    assert {os.fsencode(unescape(entry.path)) for entry in manifest.files} == set(names)
    assert left.store.manifest(JOB) == manifest


def test_depth_and_length_of_paths_are_bounded(left: Left) -> None:
    folder = os.open(left.data, os.O_RDONLY)
    for _ in range(200):
        os.mkdir("d", dir_fd=folder)
        deeper = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = deeper
    os.close(folder)
    long = left.data / "/".join(["n" * 250] * 5)
    long.mkdir(parents=True)
    reasons = left.reasons()
    assert reasons["/".join("d" * MAX_DEPTH)] == f"more than {MAX_DEPTH} folders deep"
    assert "its path is longer than 1024 bytes" in reasons.values()


SWAPPER = """
import os, sys
os.chdir(sys.argv[1])
print("ready", flush=True)
while True:
    for name in ("file", "folder"):
        os.rename(name, "held-" + name)
        os.rename("link-" + name, name)
        os.rename(name, "link-" + name)
        os.rename("held-" + name, name)
"""


def test_swapping_names_while_they_are_read_shows_no_foreign_byte(left: Left) -> None:
    outside = left.data.parent / "outside"
    outside.mkdir()
    (outside / "x").write_bytes(b"SECRET")
    (left.data / "file").write_bytes(b"mine")
    (left.data / "folder").mkdir()
    (left.data / "folder" / "x").write_bytes(b"mine")
    (left.data / "link-file").symlink_to(outside / "x")
    (left.data / "link-folder").symlink_to(outside)
    swapper = subprocess.Popen(
        [sys.executable, "-c", SWAPPER, str(left.data)], stdout=subprocess.PIPE
    )
    assert swapper.stdout is not None
    try:
        assert swapper.stdout.readline() == b"ready\n"
        skipped = 0
        for round_ in range(400):
            manifest = left.collect(job=f"job{round_}")
            skipped += len(manifest.skipped)
            for entry in manifest.files:
                assert left.store.open_output(f"job{round_}", entry.path).read_bytes() == b"mine"
    finally:
        swapper.kill()
        swapper.communicate()
    assert skipped


@pytest.mark.slow
def test_a_hundred_thousand_files_within_a_minute(left: Left) -> None:
    for number in range(100_000):
        if number % 1000 == 0:
            (left.data / f"d{number // 1000}").mkdir()
        (left.data / f"d{number // 1000}" / f"{number}.txt").write_bytes(b"%d" % number)
    started = time.perf_counter()
    manifest = left.collect(Limits(output_files=100_000))
    bundle = left.store.bundle(JOB, 0)
    assert sum(map(len, bundle.stream())) == bundle.length
    assert time.perf_counter() - started < 60
    assert len(manifest.files) == 100_000
