"""What goes wrong on a swarm: each is told truly, and nothing of it is left."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.engines.carrying import carried
from tests.engines.swarm import Node, Swarm
from tests.engines.swarmed import Swarmed, left_on, runs_well, starts

from openccp.core.job import Blame, TaskKey
from openccp.core.method import Scripts
from openccp.core.ports import Handle, Limits, Observation, State, Task
from openccp.infrastructures.docker.container import name_of
from openccp.infrastructures.swarm.infrastructure import SwarmInfrastructure
from openccp.infrastructures.swarm.service import carrier_name
from openccp.testing.infrastructure import MIB, log, make_task, until, up

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]
PATIENCE = 90
ENDLESS = "echo up; while :; do sleep 0.1; done"


@pytest.fixture
async def infrastructure(tmp_path: Path, swarm: Swarm) -> AsyncIterator[SwarmInfrastructure]:
    async with carried(tmp_path, swarm) as made:
        yield made


def limited(script: str, **limits: int) -> Task:
    return make_task(script, limits=replace(Limits(60, 128 * MIB, pids=64), **limits))


async def failed(infrastructure: SwarmInfrastructure, task: Task) -> tuple[Blame, str]:
    """Why it failed, after it left nothing behind."""
    handle = await infrastructure.submit(task)
    seen = await until(infrastructure, task.key, handle, patience=PATIENCE)
    await infrastructure.reap(handle)
    assert seen.failure is not None, seen
    return seen.failure.blame, seen.failure.reason


@pytest.mark.parametrize(
    ("script", "limits", "reason"),
    [
        ('x=$(head -c 300M /dev/zero | tr "\\0" x)', {}, "memory"),
        (":(){ :|:& };:; sleep 5; exit 1", {"pids": 32}, "pids"),
        ("yes", {"log_bytes": MIB}, "log"),
        ("head -c 40M /dev/zero >f; sleep 60", {"output_bytes": 8 * MIB}, "disk"),
        ("head -c 40M /dev/zero >~/f; sleep 60", {"output_bytes": 8 * MIB}, "disk"),
    ],
    ids=["memory", "fork bomb", "endless log", "disk", "home"],
)
async def test_limits(
    infrastructure: SwarmInfrastructure,
    swarm: Swarm,
    script: str,
    limits: dict[str, int],
    reason: str,
) -> None:
    task = limited(script, **limits)
    assert await failed(infrastructure, task) == (Blame.LIMIT, reason)
    assert left_on(swarm, task.key.job) == []


async def test_an_image_that_no_node_has(infrastructure: SwarmInfrastructure, swarm: Swarm) -> None:
    task = make_task(image="missing")
    assert await failed(infrastructure, task) == (Blame.PLATFORM, "start")
    assert left_on(swarm, task.key.job) == []


async def test_a_name_that_a_stranger_took(
    infrastructure: SwarmInfrastructure, swarm: Swarm
) -> None:
    task, node = make_task(), swarm.nodes[0]
    name = name_of(task.key, 0)
    node.docker("service", "create", "-d", "--name", name, "bash", "sleep", "600")
    try:
        assert await failed(infrastructure, task) == (Blame.PLATFORM, "start")
        assert name in node.docker("service", "ls", "--format", "{{.Name}}")
    finally:
        node.docker("service", "rm", name)


@pytest.mark.parametrize("which", ["replica", "carrier"])
async def test_a_service_removed_by_hand(
    infrastructure: SwarmInfrastructure, swarm: Swarm, which: str
) -> None:
    task = make_task(ENDLESS)
    handle = await up(infrastructure, task)
    name = name_of(task.key, 0) if which == "replica" else carrier_name(task.key)
    swarm.nodes[0].docker("service", "rm", name)
    seen = await until(infrastructure, task.key, handle, is_lost, PATIENCE)
    assert seen.state is State.LOST
    await infrastructure.reap(handle)


def is_lost(seen: Observation) -> bool:
    assert seen.state is not State.EXITED, seen
    return seen.state is State.LOST


def where(swarm: Swarm, task: Task) -> Node:
    """The node that a task runs on."""
    for node in swarm.nodes:
        if task.key.job in node.docker("ps", "--format", "{{.Names}}"):
            return node
    raise AssertionError("it runs nowhere")


@asynccontextmanager
async def beside(folder: Path, swarm: Swarm) -> AsyncIterator[tuple[SwarmInfrastructure, Node]]:
    """A platform whose manager is not the leader, and runs no jobs; and the leader.

    Afterwards the swarm is whole again, for the next test.
    """
    leader = await asyncio.to_thread(lambda: swarm.leader)
    manager = next(node for node in swarm.nodes if node is not leader)
    more = {"address": manager.address, "constraints": [f"node.hostname!={manager.name}"]}
    async with carried(folder, swarm, **more) as made:
        yield made, leader
        await asyncio.to_thread(swarm.await_whole)


def again(task: Task) -> Task:
    """The next attempt, which ends well."""
    key = TaskKey(task.key.job, task.key.attempt + 1, task.key.stage)
    return replace(task, key=key, scripts=Scripts("", "echo again", ""))


async def goes_on_elsewhere(made: SwarmInfrastructure, task: Task, handle: Handle) -> None:
    """It is lost, and the next attempt ends well."""
    seen = await until(made, task.key, handle, is_lost, PATIENCE)
    assert seen.state is State.LOST
    await made.reap(handle)
    following = again(task)
    handle = await made.submit(following)
    seen = await until(made, following.key, handle, patience=PATIENCE)
    assert seen.failure is None, seen
    assert (await log(made, handle))["stdout.0"] == b"again\n"
    await made.reap(handle)


async def test_a_daemon_that_is_killed_and_comes_back(tmp_path: Path, swarm: Swarm) -> None:
    async with beside(tmp_path, swarm) as (made, _):
        task = make_task(ENDLESS)
        handle = await up(made, task)
        node = await asyncio.to_thread(where, swarm, task)
        node.kill_daemon()
        await asyncio.to_thread(node.start)
        await goes_on_elsewhere(made, task, handle)
        # a daemon forgets what was before its own start: the first attempt was not started again
        assert await asyncio.to_thread(starts, swarm, f"{task.key.job}-1", "run") == 0


async def test_a_node_that_is_lost(tmp_path: Path, swarm: Swarm) -> None:
    async with beside(tmp_path, swarm) as (made, _):
        task = make_task(ENDLESS)
        handle = await up(made, task)
        node = await asyncio.to_thread(where, swarm, task)
        await asyncio.to_thread(node.kill)
        try:
            await goes_on_elsewhere(made, task, handle)
        finally:
            await asyncio.to_thread(node.start)


async def test_a_node_that_is_cut_off(tmp_path: Path, swarm: Swarm) -> None:
    async with beside(tmp_path, swarm) as (made, _):
        task = make_task(ENDLESS)
        handle = await up(made, task)
        node = await asyncio.to_thread(where, swarm, task)
        node.cut()
        try:
            await goes_on_elsewhere(made, task, handle)
        finally:
            node.mend()


async def test_a_job_goes_on_when_the_leader_is_lost(tmp_path: Path, swarm: Swarm) -> None:
    async with beside(tmp_path, swarm) as (made, leader):
        task = make_task("echo up; sleep 20; echo done")
        handle = await up(made, task)
        elsewhere = await asyncio.to_thread(where, swarm, task) is not leader
        await asyncio.to_thread(leader.kill)
        try:
            if elsewhere:
                seen = await until(made, task.key, handle, patience=PATIENCE)
                assert seen.failure is None, seen
                assert (await log(made, handle))["stdout.0"] == b"up\ndone\n"
                await made.reap(handle)
            else:
                await goes_on_elsewhere(made, task, handle)
        finally:
            await asyncio.to_thread(leader.start)


async def test_one_beyond_its_limits_ends_although_the_manager_was_away(
    tmp_path: Path, swarm: Swarm
) -> None:
    async with beside(tmp_path, swarm) as (made, _):
        manager = next(one for one in swarm.nodes if one.address == made._cluster._address)
        task = limited("echo up; sleep 3; yes", log_bytes=MIB)
        handle = await up(made, task)
        manager.kill_daemon()
        await until(made, task.key, handle, lambda _: is_convicted(made, task), PATIENCE)
        await asyncio.to_thread(manager.start)
        seen = await until(made, task.key, handle, patience=PATIENCE)
        assert seen.failure is not None
        assert (seen.failure.blame, seen.failure.reason) == (Blame.LIMIT, "log")
        await made.reap(handle)


def is_convicted(made: SwarmInfrastructure, task: Task) -> bool:
    stage = made._known(task.key)
    return stage is not None and stage.verdict() is not None


async def test_term_ignored_becomes_a_kill(
    infrastructure: SwarmInfrastructure, swarm: Swarm
) -> None:
    task = make_task("trap '' TERM; echo up; while :; do sleep 0.1; done")
    handle = await up(infrastructure, task)
    await infrastructure.stop(handle, 2)
    seen = await until(infrastructure, task.key, handle, patience=PATIENCE)
    assert seen.state is State.EXITED
    await infrastructure.reap(handle)
    assert left_on(swarm, task.key.job) == []


async def test_the_manager_is_killed_after_a_submit(tmp_path: Path, swarm: Swarm) -> None:
    async with beside(tmp_path, swarm) as (made, _):
        manager = next(one for one in swarm.nodes if one.address == made._cluster._address)
        task = make_task("echo once")
        handle = await made.submit(task)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(manager.kill)
        await asyncio.to_thread(manager.start)
        seen = await until(made, task.key, handle, patience=PATIENCE)
        assert seen.failure is None, seen
        assert (await log(made, handle))["stdout.0"] == b"once\n"
        await made.reap(handle)
        # a daemon may note a start after its end was told: not after the container is gone
        assert await asyncio.to_thread(left_on, swarm, task.key.job) == []
        assert await asyncio.to_thread(starts, swarm, task.key.job, "run") == 1


def test_a_whole_path_after_all_this(on_swarm: Swarmed) -> None:
    runs_well(on_swarm, "again")
