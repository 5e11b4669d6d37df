"""What wraps a program for a workflow system, run by that system against a real platform."""

import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.acceptance import programs
from tests.acceptance.programs import author, written

from openccp.testing.platform import RunningPlatform, User

pytestmark = pytest.mark.slow
CWLTOOL = "cwltool==3.3.20260925135507"
KEPT = ("CCP_TOKEN", "CCP_SECRET_KEY")


@pytest.fixture(scope="session")
def cwltool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """cwltool in an environment of its own: what it needs is not what the platform needs."""
    folder = tmp_path_factory.mktemp("cwltool")
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin/python"), "-m", "pip", "install", "-q", CWLTOOL]
    subprocess.run(pip, check=True, timeout=300)
    return folder / "bin/cwltool"


@pytest.fixture(scope="session")
def user(platform: RunningPlatform) -> Iterator[User]:
    made = author(platform, "wrapper")
    yield made
    made.close()


def run(
    cwltool: Path, user: User, folder: Path, document: str, order: Mapping[str, object]
) -> "subprocess.CompletedProcess[str]":
    (folder / "tool.cwl.json").write_text(document)
    (folder / "order.json").write_text(json.dumps(dict(order)))
    words = [word for name in KEPT for word in ("--preserve-environment", name)]
    known = {"CCP_TOKEN": user.token, "CCP_SECRET_KEY": programs.RECORDED}
    paths = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    return subprocess.run(
        [str(cwltool), *words, "tool.cwl.json", "order.json"],
        cwd=folder, capture_output=True, text=True, timeout=200, check=False,
        env={**os.environ, "PATH": paths, **known},
    )  # fmt: skip


def test_a_cwl_tool_runs_with_its_own_values_and_with_a_workflows(
    cwltool: Path, user: User, tmp_path: Path
) -> None:
    (tmp_path / "it.bin").write_bytes(b"not this")
    (tmp_path / "other.bin").write_bytes(programs.FILE)
    values = {**programs.VALUES, "doc": {"href": "file:it.bin"}}
    document = written(user, "code-echo", "cwl", values)
    assert "not to be seen" not in document
    assert json.loads(document)["inputs"]["text"]["default"] == programs.HOSTILE
    order = {"number": 0.5, "doc": {"class": "File", "path": "other.bin"}}
    done = run(cwltool, user, tmp_path, document, order)
    assert done.returncode == 0, done.stderr
    outputs = Path(json.loads(done.stdout)["record"]["path"]) / "outputs"
    assert (outputs / "a text.txt").read_text() == programs.HOSTILE
    assert (outputs / "number").read_text() == "0.5"
    assert (outputs / "large").read_text() == str(programs.LARGE)
    assert (outputs / "deep/file.bin").read_bytes() == programs.FILE
    assert not list(tmp_path.rglob("pwned"))


def test_a_job_that_fails_fails_the_cwl_tool(cwltool: Path, user: User, tmp_path: Path) -> None:
    done = run(cwltool, user, tmp_path, written(user, "code-failing", "cwl", {}), {})
    assert done.returncode != 0
    assert "The job failed" in done.stderr
