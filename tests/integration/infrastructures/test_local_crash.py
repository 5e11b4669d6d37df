"""The platform is killed; its jobs go on and are found again."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from openccp.core.ports import State, Task
from openccp.infrastructures import attempts, launch, processes
from openccp.infrastructures.folders import StageFolder
from openccp.infrastructures.local import LocalInfrastructure
from openccp.infrastructures.removal import remove_tree
from openccp.infrastructures.runs import Run
from openccp.testing.infrastructure import eventually, log, make_task, run, until, up
from openccp.testing.ledger import leftovers

pytestmark = pytest.mark.sandbox
CLAIMS = Path("/dev/shm/openccp-users")

PLATFORM = """
import asyncio, sys
from pathlib import Path
from openccp.infrastructures.local import LocalInfrastructure
from openccp.testing.infrastructure import make_task

async def main():
    local = LocalInfrastructure(Path(sys.argv[1]), slots=1)
    await local.submit(make_task(sys.argv[3], job=sys.argv[2]))
    print("submitted", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""
TICKS = "for i in $(seq 1 40); do echo tick $i; sleep 0.02; done; echo whole >result; exit 7"


async def submit_and_be_killed(root: Path, task: Task) -> None:
    """Another process submits, and is killed once it says so."""
    platform = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PLATFORM, str(root), task.key.job, task.scripts.execute,
        stdout=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert platform.stdout is not None
    assert await platform.stdout.readline() == b"submitted\n"
    platform.send_signal(signal.SIGKILL)
    assert await platform.wait() == -signal.SIGKILL


async def test_the_same_process_goes_on(tmp_path: Path) -> None:
    one = make_task(TICKS)
    await submit_and_be_killed(tmp_path, one)
    local = LocalInfrastructure(tmp_path, slots=1)
    handle = await eventually(lambda: local.find(one.key))
    replica = StageFolder(local._machine.ground, one.key).replica(0)
    identity = processes.claimed(replica.pid)
    assert identity is not None
    assert processes.alive(identity)
    assert await local.submit(one) == handle
    seen = await until(local, one.key, handle)
    assert processes.claimed(replica.pid) == identity
    assert seen.failure is not None
    assert seen.failure.exit_code == 7
    lines = (await log(local, handle))["stdout.0"].decode().splitlines()
    assert lines == [f"tick {i}" for i in range(1, 41)]
    assert (local.workspace(handle).files / "result").read_text() == "whole\n"
    await local.reap(handle)
    await local.close()


async def test_an_end_that_nobody_saw_is_still_known(tmp_path: Path) -> None:
    one = make_task("exit 9")
    await submit_and_be_killed(tmp_path, one)
    local = LocalInfrastructure(tmp_path, slots=1)
    handle = await eventually(lambda: local.find(one.key))
    seen = await until(local, one.key, handle)
    assert seen.failure is not None
    assert seen.failure.exit_code == 9
    await local.close()


async def test_an_adopted_job_can_be_stopped(tmp_path: Path) -> None:
    one = make_task("trap '' TERM; while :; do sleep 1; done")
    await submit_and_be_killed(tmp_path, one)
    local = LocalInfrastructure(tmp_path, slots=1)
    handle = await eventually(lambda: local.find(one.key))
    await local.stop(handle, 0.2)
    seen = await until(local, one.key, handle, patience=10)
    assert seen.failure is not None
    await local.close()


async def test_closing_ends_nothing(tmp_path: Path) -> None:
    one = make_task("while [ ! -f go ]; do sleep 0.02; done")
    first = LocalInfrastructure(tmp_path, slots=1)
    handle = await first.submit(one)
    await first.close()
    second = LocalInfrastructure(tmp_path, slots=1)
    (second.workspace(handle).files / "go").touch()
    assert (await until(second, one.key, handle)).failure is None
    await second.close()


async def test_two_platforms_start_once(tmp_path: Path) -> None:
    one = make_task("echo start >>starts; sleep 0.1")
    platforms = [LocalInfrastructure(tmp_path, slots=1) for _ in range(3)]
    handles = await asyncio.gather(*(platform.submit(one) for platform in platforms))
    for platform, handle in zip(platforms, handles, strict=True):
        assert (await until(platform, one.key, handle)).failure is None
    assert (platforms[0].workspace(handles[0]).files / "starts").read_text() == "start\n"
    for platform in platforms:
        await platform.close()


class Killed(BaseException):
    """Stands for a kill at this line."""


@pytest.mark.parametrize("line", ["_user", "_build_attempt", "_build_stage", "_starts", "_start"])
@pytest.mark.parametrize("after", [False, True])
async def test_killed_while_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, after: bool
) -> None:
    owner: type = launch.Launcher if line.startswith("_start") else attempts.Attempts
    whole: Callable[..., object] = getattr(owner, line)

    def killed(*arguments: object) -> object:
        if after:
            made = whole(*arguments)
            if line == "_starts":
                list(made)  # type: ignore[call-overload]
        raise Killed

    one = make_task("echo start >>starts")
    first = LocalInfrastructure(tmp_path, slots=1)
    with monkeypatch.context() as patch:
        patch.setattr(owner, line, killed)
        launcher = await first._get_launcher()
        with pytest.raises(Killed):
            launcher.prepare(one)
    await first.close()
    second = LocalInfrastructure(tmp_path, slots=1)
    assert await second.find(one.key) is None
    observation, handle = await run(second, one)
    assert observation.failure is None
    assert (second.workspace(handle).files / "starts").read_text() == "start\n"
    await second.reap(handle)
    await second.close()


async def test_processes_ended_by_hand_are_not_the_methods_fault(
    infrastructure: LocalInfrastructure,
) -> None:
    one = make_task("sleep 60")
    handle = await infrastructure.submit(one)
    running: Run = infrastructure._running[one.key]

    async def inits() -> list[int]:
        return running.inits()

    await eventually(inits)
    for identity in running.launchers():
        os.kill(identity.pid, signal.SIGKILL)
    seen = await until(infrastructure, one.key, handle)
    assert seen.failure is not None
    assert seen.failure.reason == "killed"
    assert running.members() == []


async def test_after_a_restart_of_the_machine_a_task_is_lost(
    infrastructure: LocalInfrastructure, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = make_task("sleep 60")
    handle = await infrastructure.submit(one)
    running = infrastructure._running.pop(one.key)
    monkeypatch.setattr(processes, "boot_id", lambda: "another boot")
    seen = await until(infrastructure, one.key, handle, lambda o: o.state is not State.PENDING)
    monkeypatch.undo()
    assert seen.state is State.LOST
    infrastructure._ended.clear()
    infrastructure._running[one.key] = running
    await infrastructure.reap(handle)


async def test_the_starting_process_may_die(infrastructure: LocalInfrastructure) -> None:
    await run(infrastructure, make_task())
    starter = infrastructure._spawner._pid
    assert starter is not None
    os.kill(starter, signal.SIGKILL)

    async def starts() -> bool:
        with contextlib.suppress(Exception):
            observation, _ = await run(infrastructure, make_task())
            return observation.failure is None
        return False

    assert await eventually(starts)
    assert infrastructure._spawner._pid != starter


class Cut(Exception):
    """Where the platform was killed."""


@pytest.mark.parametrize("removals", range(6))
async def test_a_removal_that_was_cut_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, removals: int
) -> None:
    left = iter(range(removals))

    def remove(path: str) -> None:
        if next(left, None) is None:
            raise Cut
        remove_tree(path)

    first = LocalInfrastructure(tmp_path / "local", slots=1)
    one = make_task(files={"inputs.json": b" " * (1 << 20)})
    _, handle = await run(first, one)
    monkeypatch.setattr(attempts, "remove_tree", remove)
    with contextlib.suppress(Cut):
        await first.reap(handle)
    await first.close()
    monkeypatch.setattr(attempts, "remove_tree", remove_tree)
    second = LocalInfrastructure(tmp_path / "local", slots=1)
    await second.reap(handle)
    await second.close()
    assert leftovers(one.key.job, tmp_path) == []
    assert [link for link in CLAIMS.iterdir() if one.key.job in str(link.readlink())] == []


async def test_two_platforms_never_share_a_user(tmp_path: Path) -> None:
    platforms = [LocalInfrastructure(tmp_path / name, slots=1) for name in "ab"]
    handles = [await up(platform, make_task("echo up; sleep 60")) for platform in platforms]
    pairs = list(zip(platforms, handles, strict=True))
    users = {platform.workspace(handle).files.stat().st_uid for platform, handle in pairs}
    assert len(users) == len(platforms)
    for platform, handle in pairs:
        await platform.reap(handle)
        await platform.close()
