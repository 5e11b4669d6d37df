"""What may go wrong on a Docker host, made to happen on a real daemon."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.engines.images import docker as command
from tests.engines.killable import killable_daemon

from openccp.core.job import Blame
from openccp.core.ports import CannotStart, Limits, Observation, State, Task
from openccp.core.problems import Unavailable
from openccp.infrastructures.docker import daemon
from openccp.infrastructures.docker.filter import process_behind
from openccp.infrastructures.docker.infrastructure import DockerInfrastructure
from openccp.infrastructures.folders import handle_of
from openccp.testing.infrastructure import MIB, eventually, make_task, run, until, up

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]
SMALL = Limits(wall_seconds=60, memory_bytes=64 * MIB, pids=32, log_bytes=100_000)


@dataclass
class Place:
    """An infrastructure and its daemon."""

    infrastructure: DockerInfrastructure
    address: str

    def docker(self, *words: str) -> str:
        return command(self.address, *words)

    def left(self) -> list[str]:
        """Containers, networks, volumes, folders."""
        names = self.docker("ps", "-a", "--format", "{{.Names}}").split()
        names += self.docker("network", "ls", "--format", "{{.Name}}").split()
        names += self.docker("volume", "ls", "-q").split()
        ground = self.infrastructure._attempts.ground
        for folder in (ground.state, ground.disk):
            names += [path.name for path in Path(folder).iterdir()]
        return [name for name in names if "ccp-" in name]

    async def ends(self, task: Task) -> Observation:
        """How it ended, everything of it freed."""
        observation, handle = await run(self.infrastructure, task)
        await self.infrastructure.reap(handle)
        return observation


def infrastructure_at(address: str, root: Path) -> DockerInfrastructure:
    return DockerInfrastructure(root, slots=4, address=address)


@pytest.fixture
async def place(tmp_path: Path, docker_address: str) -> AsyncIterator[Place]:
    infrastructure = infrastructure_at(docker_address, tmp_path)
    made = Place(infrastructure, docker_address)
    before = set(made.left())
    yield made
    await infrastructure.close()
    assert set(made.left()) <= before


@pytest.mark.parametrize("live", [True, False], ids=["live-restore", "no-live-restore"])
async def test_a_daemon_that_is_killed_and_comes_back(tmp_path: Path, live: bool) -> None:
    folder = tmp_path / "daemon"
    folder.mkdir()
    with killable_daemon(folder, live_restore=live) as host:
        docker = infrastructure_at(host.address, tmp_path / "data")
        task = make_task("echo up; sleep 6; echo end >end")
        handle = await up(docker, task)
        await asyncio.to_thread(host.kill)
        seen = (await docker.observe({task.key: handle}))[task.key]
        assert seen.state is State.RUNNING
        later = make_task("echo once >>starts")
        with pytest.raises(Unavailable):
            await docker.submit(later)
        assert not (await docker.check()).reachable
        await asyncio.to_thread(host.start)
        ended = await until(docker, task.key, handle)
        if live:
            assert ended.failure is None
            assert (docker.workspace(handle).files / "end").exists()
        else:
            assert ended.failure is not None
            assert ended.failure.blame is Blame.PLATFORM
            assert not (docker.workspace(handle).files / "end").exists()
        _, other = await run(docker, later)
        assert (docker.workspace(other).files / "starts").read_text() == "once\n"
        for one in (handle, other):
            await docker.reap(one)
        assert Place(docker, host.address).left() == []
        await docker.close()


async def test_a_daemon_that_stands_still(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was asked meanwhile it may do later: still there is one start."""
    docker, process = place.infrastructure, process_behind(place.address)
    await docker.close()
    monkeypatch.setattr(daemon, "ASK_SECONDS", 2.0)
    task, later = make_task("echo up; sleep 1; echo end >end"), make_task("echo once >>starts")
    handle = await up(docker, task)
    os.kill(process, signal.SIGSTOP)
    try:
        with pytest.raises(Unavailable):
            await docker.submit(later)
        assert (await docker.observe({task.key: handle}))[task.key].state is State.RUNNING
        assert not (await docker.check()).reachable
    finally:
        os.kill(process, signal.SIGCONT)
    assert (await until(docker, task.key, handle)).failure is None
    assert (docker.workspace(handle).files / "end").exists()
    _, other = await run(docker, later)
    assert (docker.workspace(other).files / "starts").read_text() == "once\n"
    for one in (handle, other):
        await docker.reap(one)


async def test_a_container_removed_by_hand_is_lost(place: Place) -> None:
    task = make_task("echo up; sleep 60")
    handle = await up(place.infrastructure, task)
    place.docker("rm", "-f", f"{task.key.name}-0")
    seen = await until(
        place.infrastructure, task.key, handle, lambda o: o.state is not State.RUNNING
    )
    assert seen.failure is not None
    assert seen.failure.blame is Blame.PLATFORM
    await place.infrastructure.reap(handle)


async def test_a_strangers_container_keeps_its_name(place: Place) -> None:
    task = make_task("echo no")
    name = f"{task.key.name}-0"
    place.docker("run", "-d", "--name", name, "bash", "sleep", "60")
    with pytest.raises(CannotStart, match="somebody else"):
        await place.infrastructure.submit(task)
    handle = await place.infrastructure.find(task.key)
    assert handle is not None
    await place.infrastructure.reap(handle)
    assert name in place.docker("ps", "--format", "{{.Names}}").split()
    place.docker("rm", "-f", name)


async def test_an_image_that_nobody_has(place: Place) -> None:
    task = make_task("echo no", image="localhost:1/nobody/has:it")
    seen = await place.ends(task)
    assert seen.failure is not None
    assert "localhost:1/nobody/has:it" in seen.failure.detail


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("x=$(head -c 200000000 /dev/zero | tr '\\0' a); echo ${#x}", "memory"),
        ("f() { f | f & }; f; sleep 20", "pids"),
        ("while :; do echo yes; done", "log"),
    ],
    ids=["memory", "fork bomb", "endless log"],
)
async def test_a_limit_is_told(place: Place, script: str, reason: str) -> None:
    seen = await place.ends(make_task(script, limits=SMALL))
    assert seen.failure is not None
    assert (seen.failure.blame, seen.failure.reason) == (Blame.LIMIT, reason), seen


async def test_term_ignored_becomes_a_kill(place: Place) -> None:
    task = make_task("trap '' TERM; setsid sleep 99 & echo up; while :; do sleep 1; done")
    handle = await up(place.infrastructure, task)
    await place.infrastructure.stop(handle, 0.5)
    await until(place.infrastructure, task.key, handle, patience=10)
    await place.infrastructure.reap(handle)


async def test_a_job_made_and_not_started_ends_when_stopped(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between making and starting, then dismissed."""
    task = make_task("echo never >never")

    async def die(*_: object) -> None:
        raise Unavailable

    with monkeypatch.context() as patch:
        patch.setattr(place.infrastructure._daemon, "start", die)
        with pytest.raises(Unavailable):
            await place.infrastructure.submit(task)
    handle = await place.infrastructure.find(task.key)
    assert handle == handle_of(task.key)
    await place.infrastructure.stop(handle, 1)
    await until(place.infrastructure, task.key, handle)
    assert list(place.infrastructure.workspace(handle).files.iterdir()) == []
    await place.infrastructure.reap(handle)


async def test_a_start_that_was_cut_before_anything_was_made_leaves_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = make_task("echo never")

    async def die(*_: object) -> None:
        raise CannotStart("no")

    monkeypatch.setattr(place.infrastructure._daemon, "create", die)
    with pytest.raises(CannotStart):
        await place.infrastructure.submit(task)
    handle = await place.infrastructure.find(task.key)
    assert handle is not None

    async def lost() -> bool:
        seen = await place.infrastructure.observe({task.key: handle})
        return seen[task.key].state is State.LOST

    await eventually(lost)
    await place.infrastructure.reap(handle)
