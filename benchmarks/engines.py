"""What an engine's jobs cost beside the bare engine, both now: `python -m benchmarks.engines`.

Docker: a daemon of its own, a job that does nothing, no network. Bare is create, start, wait and
delete by the same client, of containers with the same flags and mounts.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import aiodocker
from tests.engines.daemons import docker_daemon

from openccp.core.job import TaskKey
from openccp.core.ports import State, Task
from openccp.infrastructures.docker.container import name_of
from openccp.infrastructures.docker.infrastructure import DockerInfrastructure
from openccp.infrastructures.docker.network import NO_NETWORK
from openccp.infrastructures.folders import StageFolder
from openccp.testing.infrastructure import eventually, make_task

IMAGE = "bash"
ONE = 40
MANY = 200
Work = Callable[[Task], Awaitable[None]]


class Bare:
    """The same containers by the daemon's API, their folders prepared before."""

    def __init__(self, address: str, infrastructure: DockerInfrastructure) -> None:
        self._docker = aiodocker.Docker(address)
        self._infrastructure = infrastructure
        self._configs: dict[TaskKey, dict[str, object]] = {}

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
    """Jobs of the infrastructure, without a platform around it."""

    def __init__(self, infrastructure: DockerInfrastructure) -> None:
        self._infrastructure = infrastructure
        self._ends: dict[TaskKey, asyncio.Event] = {}
        infrastructure.on_change(self._told)

    def _told(self, key: TaskKey) -> None:
        if key in self._ends:
            self._ends[key].set()

    async def run(self, task: Task) -> None:
        """From its submission until it is seen to have ended and is reaped."""
        end = self._ends.setdefault(task.key, asyncio.Event())
        handle = await self._infrastructure.submit(task)
        while True:
            end.clear()
            seen = (await self._infrastructure.observe({task.key: handle}))[task.key]
            if seen.state is State.EXITED:
                break
            await end.wait()
        assert seen.failure is None, seen
        await self._infrastructure.reap(handle)
        del self._ends[task.key]

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
    bare = Bare(address, cold)
    try:
        await cold.check()
        print("| figure | bare | OpenCCP | ratio |\n|---|---|---|---|")
        one = await one_by_one(bare, Ours(cold), Ours(pool), arguments.one)
        print(line("a job alone", "ms", one["bare"], one["ours"]))
        print(line("a job alone, in a container that waited", "ms", one["bare"], one["warm"]))
        await pool.close()
        many = await all_at_once(bare, Ours(cold), arguments.many, arguments.rounds)
        print(line(f"{arguments.many} at once", "1/s", many["bare"], many["ours"]))
    finally:
        for opened in (bare, pool, cold):
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
