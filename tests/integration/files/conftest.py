from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from openccp.core.method import Output
from openccp.core.ports import Limits, Manifest, Workspace
from openccp.files.store import FolderStore

JOB = "0190c2f4job"


@dataclass(frozen=True, slots=True)
class Left:
    """What a job left, and a store to collect it into."""

    store: FolderStore
    data: Path
    workspace: Workspace
    outputs: dict[str, Output] = field(default_factory=dict)

    def collect(self, limits: Limits | None = None, job: str = JOB) -> Manifest:
        return self.store.collect(job, self.workspace, self.outputs, limits or Limits())

    def reasons(self, limits: Limits | None = None) -> Mapping[str, str]:
        return {skip.path: skip.reason for skip in self.collect(limits).skipped}


@pytest.fixture(params=[False, True], ids=["copied", "sealed"])
def left(tmp_path: Path, request: pytest.FixtureRequest) -> Left:
    data = tmp_path / "ccp_data"
    data.mkdir()
    logs = {}
    for name, content in (("stdout", b"hello\n"), ("stderr", b"")):
        logs[name] = tmp_path / name
        logs[name].write_bytes(content)
    store = FolderStore(tmp_path / "records", durable=False)
    return Left(store, data, Workspace(data, logs, sealed=request.param))


@pytest.fixture
def stored(left: Left) -> Callable[[str], bytes]:
    return lambda path: left.store.open_output(JOB, path).read_bytes()
