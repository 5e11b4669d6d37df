import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = '''
"""Collect in a child that is killed at its n-th line, for every n until it gets through."""
import os
import shutil
import signal
import sys
from pathlib import Path

from openccp.core.ports import Limits, Workspace
from openccp.files.store import FolderStore

root = Path(sys.argv[1])
sealed = sys.argv[2] == "sealed"
workspace = Workspace(root / "data", {"stdout": root / "stdout"}, sealed=sealed)


def leave():
    """What a job leaves, each file under one name."""
    shutil.rmtree(root / "data", ignore_errors=True)
    (root / "data" / "d").mkdir(parents=True)
    for path, content in (("a", b""), ("b", b"x"), ("d/c", b"xx")):
        (root / "data" / path).write_bytes(content)
    (root / "stdout").unlink(missing_ok=True)
    (root / "stdout").write_bytes(b"hello")


def collect(folder):
    return FolderStore(folder, durable=False).collect("job", workspace, {}, Limits())


def die_at(line):
    seen = 0

    def trace(frame, event, argument):
        nonlocal seen
        if "openccp/files" not in frame.f_code.co_filename:
            return None
        seen += 1
        if seen == line:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)


def check(folder, whole):
    store = FolderStore(folder)
    for manifest in (store.manifest("job"), collect(folder)):
        assert manifest in (None, whole)
        for entry in manifest.files if manifest else ():
            assert store.open_output("job", entry.path).read_bytes() == b"x" * entry.size
    assert manifest == whole
    kept = {path.name for path in (folder / "ob" / "job").rglob("*") if path.is_file()}
    assert kept == {"manifest.json", "stdout", "a", "b", "c"}, kept


leave()
whole = collect(root / "whole")
line = 0
while True:
    line += 1
    folder = root / f"killed-{line}"
    leave()
    child = os.fork()
    if child == 0:
        die_at(line)
        collect(folder)
        sys.settrace(None)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    check(folder, whole)
    if status == 0:
        break
    assert os.WTERMSIG(status) == signal.SIGKILL, status
print(line)
'''


@pytest.mark.parametrize("way", ["copied", "sealed"])
def test_a_kill_at_any_line_leaves_no_manifest_or_a_whole_one(tmp_path: Path, way: str) -> None:
    driver = subprocess.run(
        [sys.executable, "-c", DRIVER, str(tmp_path), way],
        capture_output=True,
        text=True,
        check=False,
    )
    assert driver.returncode == 0, driver.stderr
    assert int(driver.stdout) > 180
