import subprocess
import sys
from pathlib import Path

DRIVER = '''
"""Collect in a child that is killed at its n-th line, for every n until it gets through."""
import os
import signal
import sys
from pathlib import Path

from openccp.core.ports import Limits, Workspace
from openccp.files.store import FolderStore

root = Path(sys.argv[1])
workspace = Workspace(root / "data", {"stdout": root / "stdout"})


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


whole = collect(root / "whole")
line = 0
while True:
    line += 1
    folder = root / f"killed-{line}"
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


def test_a_kill_at_any_line_leaves_no_manifest_or_a_whole_one(tmp_path: Path) -> None:
    (tmp_path / "data" / "d").mkdir(parents=True)
    for size, name in enumerate(["a", "b", "d/c"]):
        (tmp_path / "data" / name).write_bytes(b"x" * size)
    (tmp_path / "stdout").write_bytes(b"hello")
    driver = subprocess.run(
        [sys.executable, "-c", DRIVER, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert driver.returncode == 0, driver.stderr
    assert int(driver.stdout) > 200
