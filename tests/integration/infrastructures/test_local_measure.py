import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from openccp.app.doctor.measure import measure
from openccp.core.job import TaskKey
from openccp.core.ports import Handle, Health, Observation, State, Task
from openccp.core.promises import PROMISES
from openccp.files.measurements import KeptMeasurements
from openccp.infrastructures import machine
from openccp.infrastructures.local import LocalInfrastructure
from openccp.infrastructures.sandbox import NoSandbox

pytestmark = pytest.mark.sandbox
SANDBOX = {
    "network", "read-only", "capabilities", "privileges", "user", "jobs", "processes", "platform",
}  # fmt: skip


class Boasting(LocalInfrastructure):
    """Promises everything, and has no sandbox."""

    async def check(self) -> Health:
        return replace(await super().check(), enforced=dict.fromkeys(PROMISES, "honestly"))


class Breaking(LocalInfrastructure):
    """One whose code is wrong."""

    async def submit(self, task: Task) -> Handle:
        raise KeyError("nothing of this")


class Silent(LocalInfrastructure):
    """Never says that a task has ended."""

    async def observe(self, handles: Mapping[TaskKey, Handle]) -> Mapping[TaskKey, Observation]:
        seen = await super().observe(handles)
        return {key: replace(one, state=State.RUNNING) for key, one in seen.items()}


@pytest.fixture
def no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object, **__: object) -> None:
        raise NoSandbox("no sandbox on this machine")

    monkeypatch.setattr(machine, "find_sandbox", none)


async def test_what_is_promised_holds(infrastructure: LocalInfrastructure, tmp_path: Path) -> None:
    begun = time.monotonic()
    measured = await measure(infrastructure, tmp_path, time.time)
    assert time.monotonic() - begun < 60
    assert [one.promise for one in measured.found] == list(PROMISES)
    assert measured.broken == ()
    promised = {one.promise for one in measured.found if one.how}
    assert {*SANDBOX, "memory", "pids", "time", "output", "files", "log", "secrets"} <= promised
    assert all(one.detail for one in measured.found)
    KeptMeasurements(tmp_path).keep("local", measured)
    assert KeptMeasurements(tmp_path).of("local") == measured
    assert KeptMeasurements(tmp_path).of("other") is None


async def test_without_a_sandbox_there_is_nothing_to_try(tmp_path: Path, no_sandbox: None) -> None:
    local = LocalInfrastructure(tmp_path, slots=1)
    (only,) = (await measure(local, tmp_path, time.time)).broken
    assert only.promise == "reachable"
    assert "no sandbox on this machine" in only.detail
    await local.close()


async def test_what_does_not_hold_is_found(tmp_path: Path, no_sandbox: None) -> None:
    local = Boasting(tmp_path / "place", slots=4, unsafe_no_sandbox=True)
    measured = await measure(local, tmp_path, time.time)
    await local.close()
    broken = {one.promise: one.detail for one in measured.broken}
    assert {"network", "read-only", "processes", "seccomp", "secrets"} <= broken.keys()
    assert broken["processes"] == "it saw another job's processes"
    assert not {"output", "files", "log", "time"} & broken.keys()


async def test_what_was_never_promised_is_not_broken(tmp_path: Path, no_sandbox: None) -> None:
    local = LocalInfrastructure(tmp_path / "place", slots=4, unsafe_no_sandbox=True)
    measured = await measure(local, tmp_path, time.time)
    await local.close()
    assert {one.promise for one in measured.broken} <= {"secrets"}
    assert {one.promise for one in measured.found if not one.holds} >= {"processes", "network"}


async def test_a_defect_of_an_infrastructure_is_a_finding(tmp_path: Path) -> None:
    broken = Breaking(tmp_path / "place", slots=4)
    measured = await measure(broken, tmp_path, time.time)
    await broken.close()
    assert all("KeyError: 'nothing of this'" in one.detail for one in measured.found)
    assert {"memory", "network", "secrets"} <= {one.promise for one in measured.broken}


async def test_it_ends_in_time_and_leaves_nothing(tmp_path: Path) -> None:
    silent = Silent(tmp_path / "place", slots=4)
    begun = time.monotonic()
    measured = await measure(silent, tmp_path, time.time, seconds=1)
    assert time.monotonic() - begun < 20
    assert all("within 1 s" in one.detail for one in measured.found)
    assert measured.broken
    assert measured.disproved == frozenset()
    assert silent._running == {}
    await silent.close()
