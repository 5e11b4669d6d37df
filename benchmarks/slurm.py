"""What a job costs beside the bare Slurm cluster, both now: `python -m benchmarks.slurm`.

A job that does nothing, on a cluster of three nodes of its own. Bare is sbatch of an empty script
as the same account, looked for with squeue until it is over, as `sbatch --wait` does with longer
pauses. Then a thousand jobs are queued, and the calls that observing them takes are counted.
"""

import argparse
import asyncio
import contextlib
import os
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from tempfile import mkdtemp

from tests.engines.places import shared_folder
from tests.engines.slurm import USER, Cluster, slurm_cluster

from openccp.core.job import TaskKey
from openccp.core.ports import Handle, Limits, Observation, State, Task
from openccp.core.site import Site
from openccp.infrastructures.slurm.build import build
from openccp.infrastructures.slurm.controller import Controller, Listed
from openccp.infrastructures.slurm.infrastructure import SlurmInfrastructure
from openccp.infrastructures.slurm.kind import SlurmSettings
from openccp.testing.infrastructure import make_task

ONE = 20
QUEUED = 1000
ROUNDS = 10
LOOK = 0.05
ROUND = 1.0
QUIET = ("--parsable", "--export=LANG", "--chdir=/", "--output=/dev/null", "--mem=50M")


async def bare(infrastructure: SlurmInfrastructure, cluster: Cluster) -> None:
    """An empty script, from its submission until the cluster says that it is over."""
    words = (*QUIET, f"--uid={USER}", "--gid=nogroup", "--wrap=true")
    job = (await asyncio.to_thread(cluster.command, "sbatch", *words)).strip()
    states = ("-h", "-t", "PD,CF,R,CG", "-j", job, "-o", "%T")
    going = True
    while going:
        told = await asyncio.to_thread(cluster.command, "squeue", *states)
        going = bool(told.strip())
        await asyncio.sleep(LOOK if going else 0)


async def ours(infrastructure: SlurmInfrastructure, cluster: Cluster) -> None:
    """The same through the port: from submit to reap, its end told by the infrastructure."""
    task = make_task("true", limits=Limits(60, 50 << 20))
    ended = asyncio.Event()
    infrastructure.on_change(lambda key: ended.set() if key == task.key else None)
    handle = await infrastructure.submit(task)
    seen = Observation(State.PENDING)
    while seen.state is not State.EXITED:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), ROUND)
        seen = (await infrastructure.observe({task.key: handle}))[task.key]
    assert seen.failure is None, seen
    await infrastructure.reap(handle)


class Counted:
    """A controller whose lists are counted."""

    def __init__(self, asked: Controller) -> None:
        self.calls = 0
        self._listed = asked.listed

    async def listed(self) -> Listed:
        """One call more."""
        self.calls += 1
        return await self._listed()


async def observe_many(infrastructure: SlurmInfrastructure, cluster: Cluster, count: int) -> None:
    """Queue them on nodes that take nothing, then look at all of them, a second a round."""
    cluster.command("scontrol", "update", "nodename=n[1-3]", "state=drain", "reason=benchmark")
    tasks = [make_task("true", limits=Limits(60, 50 << 20)) for _ in range(count)]
    began = time.perf_counter()
    handles: dict[TaskKey, Handle] = {}
    for start in range(0, count, 20):
        some: list[Task] = tasks[start : start + 20]
        got = await asyncio.gather(*(infrastructure.submit(task) for task in some))
        handles |= dict(zip((task.key for task in some), got, strict=True))
    print(f"{count} jobs queued in {time.perf_counter() - began:.1f} s")
    controller = infrastructure._controller
    counted = Counted(controller)
    controller.listed = counted.listed  # type: ignore[method-assign]
    times = []
    for _ in range(ROUNDS):
        began, used = time.perf_counter(), time.process_time()
        seen = await infrastructure.observe(handles)
        times.append((time.perf_counter() - began, time.process_time() - used))
        assert {one.state for one in seen.values()} == {State.PENDING}
        await asyncio.sleep(max(0.0, 1 - times[-1][0]))
    wall, used = (median(one) for one in zip(*times, strict=True))
    print(f"{ROUNDS} rounds over {count} queued jobs: {counted.calls} calls,", end=" ")
    print(f"{wall * 1000:.0f} ms a round, {used * 1000:.0f} ms of them our own")


async def compare(infrastructure: SlurmInfrastructure, cluster: Cluster, count: int) -> None:
    """One after the other, in turns."""
    kinds: dict[str, Callable[..., Awaitable[None]]] = {"bare": bare, "ours": ours}
    took: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(count):
        for name, work in kinds.items():
            began = time.perf_counter()
            await work(infrastructure, cluster)
            took[name].append(time.perf_counter() - began)
    one, other = median(took["bare"]), median(took["ours"])
    print(f"a job that does nothing: bare {one * 1000:.0f} ms, ours {other * 1000:.0f} ms,", end="")
    print(f" {other / one:.2f} times")


async def measure(cluster: Cluster, folder: Path, one: int, queued: int) -> None:
    """All of it, on one infrastructure."""
    site = Site("slurm", "Slurm", folder / "place", {}, "http://127.0.0.1:1", Limits())
    infrastructure = build(site, SlurmSettings(kind="slurm", user=USER), USER)
    await infrastructure.check()
    await compare(infrastructure, cluster, one)
    await observe_many(infrastructure, cluster, queued)
    await infrastructure.close()
    cluster.command("scancel", f"--user={USER}")


def main() -> None:
    """Start a cluster, measure, take it down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", type=int, default=ONE)
    parser.add_argument("--queued", type=int, default=QUEUED)
    arguments = parser.parse_args()
    folder = Path(mkdtemp(prefix="openccp-slurm-", dir="/var/tmp"))
    try:
        with slurm_cluster(folder) as cluster, shared_folder() as shared:
            os.environ["SLURM_CONF"] = str(cluster.conf)
            asyncio.run(measure(cluster, shared, arguments.one, arguments.queued))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
