import time
from pathlib import Path

import pytest

from openccp.infrastructures import machine
from openccp.infrastructures.local import LocalInfrastructure
from openccp.infrastructures.measure import measure
from openccp.infrastructures.sandbox import NoSandbox

pytestmark = pytest.mark.sandbox


async def test_every_limit_is_tried(infrastructure: LocalInfrastructure) -> None:
    begun = time.monotonic()
    found = {one.limit: one for one in await measure(infrastructure)}
    assert time.monotonic() - begun < 15
    held = ("sandbox", "memory", "pids", "output", "log", "user", "capabilities", "privileges")
    for name in (*held, "system", "network", "processes", "stop"):
        assert found[name].enforced, found[name]
    assert {"files", "cpus", "own addresses"} <= found.keys()
    assert all(one.how and one.detail for one in found.values())


async def test_without_a_sandbox_there_is_nothing_to_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object, **__: object) -> None:
        raise NoSandbox("no sandbox on this machine")

    monkeypatch.setattr(machine, "find_sandbox", none)
    local = LocalInfrastructure(tmp_path, slots=1)
    (only,) = await measure(local)
    assert not only.enforced
    assert "no sandbox on this machine" in only.detail
    await local.close()


async def test_what_does_not_hold_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object, **__: object) -> None:
        raise NoSandbox("no sandbox on this machine")

    monkeypatch.setattr(machine, "find_sandbox", none)
    local = LocalInfrastructure(tmp_path, slots=1, unsafe_no_sandbox=True)
    found = {one.limit: one for one in await measure(local)}
    assert not found["sandbox"].enforced
    assert not found["processes"].enforced
    await local.close()
