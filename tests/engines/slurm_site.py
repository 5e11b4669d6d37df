"""An infrastructure on the tests' own cluster, without a platform around it."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.engines.places import shared_folder
from tests.engines.slurm import NODES, USER, Cluster

from openccp.core.job import TaskKey
from openccp.core.ports import Handle, Limits, Observation, State
from openccp.core.site import Site
from openccp.infrastructures.folders import handle_of
from openccp.infrastructures.slurm.build import build
from openccp.infrastructures.slurm.infrastructure import SlurmInfrastructure
from openccp.infrastructures.slurm.kind import SlurmSettings
from openccp.testing.infrastructure import eventually
from openccp.testing.ledger import processes_of

STARTED = "echo start >>starts; echo up; "
"""Each start adds a line, whatever the platform believes."""


@asynccontextmanager
async def on_cluster(cluster: Cluster, **settings: Any) -> AsyncIterator[SlurmInfrastructure]:
    """One whose jobs are gone when the block ends."""
    with shared_folder() as folder, patch.dict(os.environ, SLURM_CONF=str(cluster.conf)):
        shutil.copytree("/usr/share/doc/bash", folder / "image")
        images = {"broken": folder / "image", **settings.pop("images", {})}
        made = build_in(folder, images=images, **settings)
        yield made
        for key in [*made._running, *made._ended]:
            await made.reap(handle_of(key))
        await made.close()


def build_in(folder: Path, **settings: Any) -> SlurmInfrastructure:
    """As a platform that keeps its files there builds it, also after another was killed."""
    site = Site("slurm", "Slurm", folder / "place", {}, "http://127.0.0.1:1", Limits())
    return build(site, SlurmSettings(kind="slurm", user=USER, **settings), USER)


def ended(seen: Observation) -> bool:
    return seen.state in (State.EXITED, State.LOST)


def starts(made: SlurmInfrastructure, handle: Handle) -> int:
    file = made.workspace(handle).files / "starts"
    return file.read_text().count("\n") if file.exists() else 0


def number(made: SlurmInfrastructure, key: TaskKey) -> str:
    return str(made._running[key].job)


async def nothing_left(made: SlurmInfrastructure, key: TaskKey, handle: Handle) -> None:
    """Once it is reaped: no folder, no process, nothing that the cluster would still run."""
    files = made.workspace(handle).files
    await made.reap(handle)
    assert not files.exists()

    async def quiet() -> bool:
        return not processes_of(key.job)

    await eventually(quiet)


@contextmanager
def drained(cluster: Cluster) -> Iterator[None]:
    """No node takes jobs."""
    cluster.command("scontrol", "update", "nodename=n[1-3]", "state=drain", "reason=test")
    yield
    resume(cluster)


def resume(cluster: Cluster) -> None:
    """All nodes take jobs again, whatever a controller that was killed thought of them."""

    def idle() -> bool:
        if cluster.nodes_are_idle():
            return True
        for node in NODES:
            cluster.command("scontrol", "update", f"nodename={node}", "state=resume", check=False)
        return False

    cluster.await_true(idle)


def alive(cluster: Cluster, name: str) -> list[str]:
    """The numbers of what the cluster still has of a name."""
    words = ("-h", "-t", "PD,CF,R,CG,S", f"--name={name}", "-o", "%i")
    return cluster.command("squeue", *words).split()


async def comes_back(cluster: Cluster) -> None:
    """A controller that was killed, by hand of its operator."""
    cluster.start_controller()
    await eventually(lambda: asyncio.to_thread(cluster.answers))
