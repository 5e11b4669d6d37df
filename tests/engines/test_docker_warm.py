"""Containers that wait for a job, on a real Docker daemon."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.engines import dying
from tests.engines.dying import STEPS, ready, task_of, warm

from openccp.core.ports import Limits, State
from openccp.infrastructures.docker.infrastructure import DockerInfrastructure
from openccp.infrastructures.folders import StageFolder, handle_of
from openccp.testing.infrastructure import (
    MIB,
    InfrastructureContract,
    eventually,
    log,
    make_task,
    output,
    run,
    until,
)

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]


def inspected(address: str, name: str) -> dict[str, Any]:
    words = ["docker", "-H", address, "inspect", name]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)[0]
    return found


def containers(address: str, infrastructure: DockerInfrastructure) -> list[str]:
    label = f"label={infrastructure._ground.label}"
    words = ["docker", "-H", address, "ps", "-a", "--format", "{{.Names}}", "--filter", label]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()


def folders(infrastructure: DockerInfrastructure) -> list[str]:
    """Of attempts, in memory and on disk."""
    ground = infrastructure._attempts.ground
    names = [*os.listdir(ground.state), *os.listdir(ground.disk)]
    return [name for name in names if name.startswith("ccp-")]


def crash(infrastructure: DockerInfrastructure) -> None:
    """What a kill leaves: nobody keeps what waits, and nothing is tidied up."""
    for one in infrastructure._warm._ready:
        os.close(one.kept)
    infrastructure._warm._ready.clear()


@pytest.fixture
async def infrastructure(
    tmp_path: Path, docker_address: str
) -> AsyncIterator[DockerInfrastructure]:
    docker = warm(tmp_path, docker_address)
    await ready(docker)
    yield docker
    for key in [*docker._running, *docker._ended]:
        await docker.reap(handle_of(key))
    await docker.close()
    assert containers(docker_address, docker) == []
    assert folders(docker) == []


class TestWarm(InfrastructureContract):
    @pytest.fixture
    async def infrastructure(
        self, tmp_path: Path, docker_address: str
    ) -> AsyncIterator[DockerInfrastructure]:
        docker = warm(tmp_path, docker_address)
        await ready(docker)
        yield docker
        for key in [*docker._running, *docker._ended]:
            await docker.reap(handle_of(key))
        await docker.close()
        assert containers(docker_address, docker) == []


async def test_a_container_is_used_once_and_made_anew(
    infrastructure: DockerInfrastructure,
) -> None:
    before = {one.name for one in infrastructure._warm._ready}
    task = make_task("echo hello; cat /ccp_in/inputs.json")
    observation, handle = await run(infrastructure, task)
    assert observation.failure is None
    used = infrastructure._named.keys() & before
    assert len(used) == 1
    assert (await log(infrastructure, handle))["stdout.0"] == b"hello\n{}"
    await ready(infrastructure)
    assert used.isdisjoint(one.name for one in infrastructure._warm._ready)
    await infrastructure.reap(handle)


async def test_it_is_as_hard_as_a_cold_one(
    infrastructure: DockerInfrastructure, tmp_path: Path, docker_address: str
) -> None:
    cold = warm(tmp_path / "cold", docker_address, 0)
    task = make_task("sleep 30", secrets={"token": "x"})
    shown = []
    for place in (infrastructure, cold):
        handle = await place.submit(task)
        started = place._running[task.key]
        assert bool(started.lent) == (place is infrastructure)
        found = inspected(docker_address, started.names()[0])
        host = found["HostConfig"]
        host["Binds"] = [bind.split(":", 1)[1] for bind in host["Binds"]]
        shown.append((host, found["Config"]["User"] == f"{started.plan.uid}:{started.plan.uid}"))
        await place.reap(handle)
    await cold.close()
    assert shown[0] == shown[1]
    assert shown[0][1]


async def test_other_limits_are_set(
    infrastructure: DockerInfrastructure, docker_address: str
) -> None:
    limits = Limits(wall_seconds=60, memory_bytes=256 * MIB, pids=40, cpus=0.5)
    task = make_task("sleep 30", limits=limits)
    handle = await infrastructure.submit(task)
    started = infrastructure._running[task.key]
    assert started.lent
    host = inspected(docker_address, started.lent)["HostConfig"]
    assert (host["PidsLimit"], host["CpuQuota"]) == (40, 50_000)
    await infrastructure.reap(handle)


@pytest.mark.parametrize(
    "more",
    [
        {"network": True},
        {"replicas": 2},
        {"limits": Limits(wall_seconds=60, memory_bytes=512 * MIB)},
        {"files": {"inputs.json": b"x" * 300_000}},
    ],
    ids=["network", "replicas", "memory", "large"],
)
async def test_what_does_not_suit_is_started_cold(
    infrastructure: DockerInfrastructure, more: dict[str, Any]
) -> None:
    task = make_task("sleep 30", **more)
    handle = await infrastructure.submit(task)
    assert not infrastructure._running[task.key].lent
    assert infrastructure._warm.count()["bash"] == 2
    await infrastructure.reap(handle)


async def test_one_that_died_waiting_is_made_anew(
    infrastructure: DockerInfrastructure, docker_address: str
) -> None:
    dead = infrastructure._warm._ready[0].name
    await infrastructure._daemon.remove(dead)

    async def replaced() -> bool:
        names = [one.name for one in infrastructure._warm._ready]
        return dead not in names and len(names) == 2

    await eventually(replaced)
    assert await output(infrastructure, make_task("echo hello")) == "hello\n"


async def test_what_a_killed_server_left_is_removed(tmp_path: Path, docker_address: str) -> None:
    """Also when the setting has changed meanwhile."""
    first = warm(tmp_path, docker_address)
    await ready(first)
    crash(first)
    assert len(containers(docker_address, first)) == 2
    second = warm(tmp_path, docker_address, 0)
    await second.check()

    async def gone() -> bool:
        return not containers(docker_address, second) and not folders(second)

    await eventually(gone)
    await second.close()
    await first.close()


async def test_what_is_kept_by_somebody_who_lives_stays(
    infrastructure: DockerInfrastructure, tmp_path: Path, docker_address: str
) -> None:
    names = {one.name for one in infrastructure._warm._ready}
    other = warm(tmp_path, docker_address, 1)
    await ready(other, 1)
    assert names < set(containers(docker_address, other))
    await other.close()
    assert set(containers(docker_address, infrastructure)) == names


@pytest.mark.parametrize("step", STEPS)
async def test_a_kill_at_every_step_starts_once(
    tmp_path: Path, docker_address: str, step: str
) -> None:
    """By SIGKILL, of a process of its own."""
    task = task_of(f"killed-{step}-{uuid.uuid4()}")
    words = [
        sys.executable,
        "-m",
        dying.__name__,
        str(tmp_path),
        docker_address,
        task.key.job,
        step,
    ]
    first = await asyncio.create_subprocess_exec(*words)
    assert await asyncio.wait_for(first.wait(), 60) == -signal.SIGKILL
    second = warm(tmp_path, docker_address)
    begun = step in ("begin", "rung")
    folder = StageFolder(second._attempts.ground, task.key)
    assert (await second.find(task.key) is not None) == begun
    await ready(second)
    handle = await second.submit(task)
    assert bool(second._running[task.key].lent) or not begun
    seen = await until(second, task.key, handle)
    assert seen.state is State.EXITED
    assert seen.failure is None, seen
    assert (Path(folder.data) / "starts").read_text() == "start\nend\n"
    await second.reap(handle)
    await second.close()
    assert containers(docker_address, second) == []
    assert folders(second) == []
