"""What a job on a swarm costs beside a bare service, both now: `python -m benchmarks.swarm`.

A swarm of three nodes, a job that does nothing, one overlay network each. Bare is the same service
with the same mounts and network by the same API, until it is over and both are gone.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from tests.engines.carrying import carried
from tests.engines.places import shared_folder
from tests.engines.swarm import Swarm, docker_swarm

from benchmarks.engines import line
from openccp.core.ports import State, Task
from openccp.infrastructures.folders import attempt_name
from openccp.infrastructures.swarm.infrastructure import SwarmInfrastructure
from openccp.infrastructures.swarm.service import network_of
from openccp.testing.infrastructure import eventually, make_task

ONE = 10
Work = Callable[[Task], Awaitable[None]]


class Bare:
    """The same services by the swarm's API, their folders prepared before."""

    def __init__(self, infrastructure: SwarmInfrastructure) -> None:
        self._infrastructure = infrastructure
        self._starter, self._cluster = infrastructure._starter, infrastructure._cluster

    async def prepare(self, task: Task) -> None:
        self._starter.prepared(task)
        stage = self._infrastructure._known(task.key)
        assert stage is not None
        stage.write_specs(await self._starter._specs(task, stage))

    async def run(self, task: Task) -> None:
        """From its creation until it is gone."""
        name = attempt_name(task.key)
        stage = self._infrastructure._known(task.key)
        assert stage is not None
        config = network_of(self._starter.ground, task.key, outside=task.network)
        await self._cluster._ask("networks/create", "POST", data={"Name": name, **config})
        [spec] = stage.specs()
        made = await self._cluster._ask("services/create", "POST", data=spec)
        await eventually(lambda: self._is_complete(task))
        assert await self._cluster.remove("services", str(made["ID"]))
        await eventually(lambda: self._cluster.remove("networks", name))

    async def _is_complete(self, task: Task) -> bool:
        seen = await self._cluster.seen(self._starter.ground.label)
        states = [one.state for name, one in seen.tasks.items() if task.key.job in name]
        return states == ["complete"]

    def forget(self, task: Task) -> None:
        self._infrastructure._attempts.remove(task.key)


class Ours:
    """Jobs of the infrastructure, without a platform around it."""

    def __init__(self, infrastructure: SwarmInfrastructure) -> None:
        self._infrastructure = infrastructure
        self._told = asyncio.Event()
        infrastructure.on_change(lambda _: self._told.set())

    async def run(self, task: Task) -> None:
        """From its submission until it is seen to have ended and is reaped."""
        handle = await self._infrastructure.submit(task)
        while True:
            self._told.clear()
            seen = (await self._infrastructure.observe({task.key: handle}))[task.key]
            if seen.state is State.EXITED:
                break
            await self._told.wait()
        assert seen.failure is None, seen
        await self._infrastructure.reap(handle)


def noop() -> Task:
    return replace(make_task("true", image="bash"), network=False)


async def milliseconds(work: Work, task: Task) -> float:
    began = time.perf_counter()
    await work(task)
    return (time.perf_counter() - began) * 1000


async def in_turns(bare: Bare, ways: dict[str, Ours], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of one job each; the first round is not counted."""
    found: dict[str, list[float]] = {"bare": [], **{name: [] for name in ways}}
    for number in range(rounds + 1):
        task = noop()
        await bare.prepare(task)
        now = {"bare": await milliseconds(bare.run, task)}
        bare.forget(task)
        for name, ours in ways.items():
            now[name] = await milliseconds(ours.run, noop())
        for name, took in now.items() if number else ():
            found[name].append(took)
    return found


async def measure(swarm: Swarm, folder: Path, shared: Path, rounds: int) -> None:
    async with AsyncExitStack() as opened:
        on_shared = await opened.enter_async_context(
            carried(folder / "shared", swarm, shared_folder=shared)
        )
        by_carrier = await opened.enter_async_context(carried(folder / "carried", swarm))
        ways = {
            "a job alone, shared folder": Ours(on_shared),
            "a job alone, carried files": Ours(by_carrier),
        }
        found = await in_turns(Bare(on_shared), ways, rounds)
    print("| figure | bare | OpenCCP | ratio |\n|---|---|---|---|")
    for name in ways:
        print(line(name, "ms", found["bare"], found[name]))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.swarm", description=__doc__)
    parser.add_argument("--one", type=int, default=ONE, help="jobs one after another")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="openccp-swarm-", dir="/var/tmp") as place,
        shared_folder() as shared,
        docker_swarm(Path(place) / "engine") as swarm,
    ):
        asyncio.run(measure(swarm, Path(place) / "data", shared, arguments.one))


if __name__ == "__main__":
    main()
