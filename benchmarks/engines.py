"""What an engine's jobs cost beside the bare engine, both now: `python -m benchmarks.engines`.

Docker: a daemon of its own, a job that does nothing, no network. Bare is create, start, wait and
delete by the same client, of containers with the same flags and mounts.
"""

import argparse
import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import aiodocker
from tests.engines.daemons import docker_daemon

from openccp.core.job import TaskKey
from openccp.core.ports import Handle, Observation, State, Task
from openccp.infrastructures.docker.container import name_of
from openccp.infrastructures.docker.infrastructure import DockerInfrastructure
from openccp.infrastructures.docker.network import NO_NETWORK
from openccp.infrastructures.folders import StageFolder
from openccp.testing.infrastructure import eventually, make_task

IMAGE = "bash"
ONE = 40
MANY = 200
LOOK = 1.0
"""Seconds between looks at all that runs."""
Work = Callable[[Task], Awaitable[None]]


class Bare:
    """The same containers by the daemon's API, their folders prepared before."""

    def __init__(self, address: str, infrastructure: DockerInfrastructure) -> None:
        self._docker = aiodocker.Docker(address)
        self._infrastructure = infrastructure
        self._configs: dict[TaskKey, dict[str, Any]] = {}

    async def prepare(self, task: Task) -> None:
        """Make folders and configuration."""
        docker = self._infrastructure
        started = docker._prepared(task, StageFolder(docker._attempts.ground, task.key))
        started.network = NO_NETWORK
        image = await docker._images.here(task.image)
        assert image is not None
        self._configs[task.key] = docker._starter.config(task, started, 0, image)

    async def run(self, task: Task) -> None:
        """From its creation until it is gone."""
        made = await self._docker.containers.create(
            self._configs[task.key], name=name_of(task.key, 0)
        )
        await made.start()
        ended = await made.wait()
        assert ended["StatusCode"] == 0, ended
        await made.delete()

    def forget(self, task: Task) -> None:
        """Remove the folders."""
        self._infrastructure._attempts.remove(task.key)

    async def close(self) -> None:
        await self._docker.close()


class Ours:
    """Jobs of the infrastructure, looked at as the platform's reconciler does, without it."""

    def __init__(self, infrastructure: DockerInfrastructure) -> None:
        self._infrastructure = infrastructure
        self._running: dict[TaskKey, tuple[Handle, asyncio.Future[Observation]]] = {}
        self._told: set[TaskKey] = set()
        self._wake = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        infrastructure.on_change(self._hear)

    def _hear(self, key: TaskKey) -> None:
        self._told.add(key)
        self._wake.set()

    async def run(self, task: Task) -> None:
        """From its submission until it is seen to have ended and is reaped."""
        handle = await self._infrastructure.submit(task)
        end: asyncio.Future[Observation] = asyncio.get_running_loop().create_future()
        self._running[task.key] = handle, end
        if self._looking is None:
            self._looking = asyncio.ensure_future(self._look())
        if task.key in self._told:
            self._wake.set()
        seen = await end
        assert seen.failure is None, seen
        await self._infrastructure.reap(handle)

    async def _look(self) -> None:
        """At all once a second, and at once at those that are said to have ended."""
        whole = 0.0
        while True:
            with contextlib.suppress(TimeoutError):
                left = max(0.0, whole + LOOK - time.monotonic())
                await asyncio.wait_for(self._wake.wait(), left)
            self._wake.clear()
            asked = self._running.keys() & self._told
            if time.monotonic() >= whole + LOOK:
                asked, whole = set(self._running), time.monotonic()
            self._told -= asked
            handles = {key: self._running[key][0] for key in asked}
            for key, seen in (await self._infrastructure.observe(handles)).items():
                if seen.state is State.EXITED:
                    self._running.pop(key)[1].set_result(seen)

    async def close(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])

    async def is_warm(self) -> None:
        """Return once as many containers wait as should, and nothing else is done."""

        async def full() -> bool:
            making = self._infrastructure._warm._making
            return making is not None and making.done()

        await self._infrastructure.check()
        await eventually(full)


def noop() -> Task:
    """A job that does nothing."""
    return make_task("true", image=IMAGE)


async def timed(work: Work, *tasks: Task) -> float:
    """Seconds until all are done, begun together."""
    began = time.perf_counter()
    await asyncio.gather(*map(work, tasks))
    return time.perf_counter() - began


async def one_by_one(bare: Bare, ours: Ours, warm: Ours, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of one job each, in turns."""
    found: dict[str, list[float]] = {"bare": [], "ours": [], "warm": []}
    for number in range(rounds + 2):
        task = noop()
        await bare.prepare(task)
        three = {"bare": await timed(bare.run, task), "ours": await timed(ours.run, noop())}
        bare.forget(task)
        await warm.is_warm()
        three["warm"] = await timed(warm.run, noop())
        for name, seconds in three.items() if number > 1 else ():
            found[name].append(seconds * 1000)
    return found


async def all_at_once(bare: Bare, ours: Ours, count: int, rounds: int) -> dict[str, list[float]]:
    """Jobs a second, of so many begun together."""
    found: dict[str, list[float]] = {"bare": [], "ours": []}
    for _ in range(rounds):
        tasks = [noop() for _ in range(count)]
        for task in tasks:
            await bare.prepare(task)
        found["bare"].append(count / await timed(bare.run, *tasks))
        for task in tasks:
            bare.forget(task)
        found["ours"].append(count / await timed(ours.run, *(noop() for _ in range(count))))
    return found


def line(title: str, unit: str, bare: list[float], ours: list[float]) -> str:
    """A row of the report: medians, with the lowest and the highest, and the ratio."""
    cells = [f"{median(one):.1f} ({min(one):.1f}-{max(one):.1f})" for one in (bare, ours)]
    return f"| {title}, {unit} | {' | '.join(cells)} | {median(ours) / median(bare):.2f} |"


async def measure(address: str, folder: Path, arguments: argparse.Namespace) -> None:
    def place(name: str, count: int) -> DockerInfrastructure:
        return DockerInfrastructure(
            folder / name,
            slots=MANY,
            address=address,
            limits=noop().limits,
            warm={IMAGE: count} if count else {},
        )

    cold, pool = place("cold", 0), place("warm", 1)
    bare, ours, warm = Bare(address, cold), Ours(cold), Ours(pool)
    try:
        await cold.check()
        print("| figure | bare | OpenCCP | ratio |\n|---|---|---|---|")
        one = await one_by_one(bare, ours, warm, arguments.one)
        print(line("a job alone", "ms", one["bare"], one["ours"]))
        print(line("a job alone, in a container that waited", "ms", one["bare"], one["warm"]))
        await pool.close()
        many = await all_at_once(bare, ours, arguments.many, arguments.rounds)
        print(line(f"{arguments.many} at once", "1/s", many["bare"], many["ours"]))
    finally:
        for opened in (bare, ours, warm, pool, cold):
            await opened.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engines", description=__doc__)
    parser.add_argument("--one", type=int, default=ONE, help="jobs one after another")
    parser.add_argument("--many", type=int, default=MANY, help="jobs at once")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of many jobs")
    arguments = parser.parse_args()
    with TemporaryDirectory(prefix="openccp-engines-") as place:
        folder = Path(place)
        (folder / "engine").mkdir()
        with docker_daemon(folder / "engine") as address:
            asyncio.run(measure(address, folder / "data", arguments))


if __name__ == "__main__":
    main()
