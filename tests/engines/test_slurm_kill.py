"""kill -9 of the server at every place of a job's life on Slurm, by commands and by slurmrestd.

The job says how often it began, in its own folder; the cluster says what was queued.
"""

import contextlib
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from tests.engines.places import shared_folder
from tests.engines.slurm import USER, Cluster
from tests.engines.slurm_site import alive

from openccp.core.failpoint import PLACES, VARIABLE
from openccp.testing.infrastructure import MIB
from openccp.testing.ledger import leftovers
from openccp.testing.platform import RunningPlatform, User, bash_method

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]
BETWEEN = [
    place
    for place in PLACES
    if place.split(".")[0] in ("claim", "intent", "submit", "collect", "undeploy", "reap")
]
OUTPUTS = {"told": {"schema": {"type": "string"}, "x-ccp-path": "told"}}
NO_NETWORK: dict[str, Any] = {"x-ccp-network": False}
LINKS = [{"rel": "compatibleWith", "href": "infrastructures/hpc", "title": "here"}]
METHODS = [
    bash_method(
        name, script, undeploy="echo undeployed >>told", outputs=OUTPUTS, links=LINKS,
        **NO_NETWORK,
    )
    for name, script in {
        "told": "echo start >>told; sleep 0.5; echo end >>told",
        "endless": "echo start >>told; sleep 300; echo end >>told",
    }.items()
]  # fmt: skip


@dataclass(frozen=True)
class World:
    platform: RunningPlatform
    user: User
    cluster: Cluster

    def killed_at(self, place: str, name: str, *, dismissed: bool = False) -> str:
        """The id of a job, after a kill there and a new start."""
        self.restart(f"{place}:kill9")
        job = str(self.user.run(name)["jobID"])
        if dismissed:
            self.user.until(job, "executing")
            with contextlib.suppress(httpx2.TransportError):
                self.user.http.delete(f"/jobs/{job}")
        assert self.platform.process is not None
        assert self.platform.process.wait(60) == -signal.SIGKILL
        self.platform.kill()
        self.restart("")
        return job

    def restart(self, failpoint: str) -> None:
        self.platform.stop()
        self.platform.environment = {"SLURM_CONF": str(self.cluster.conf)}
        if failpoint:
            self.platform.environment |= {VARIABLE: failpoint}
        self.platform.start()

    def queued(self, job: str, stage: str) -> int:
        """How many batch jobs there ever were of its first attempt."""
        words = ("squeue", "-h", "-r", "-t", "all", f"--name=ccp-{job}-1-{stage}", "-o", "%i")
        return len(self.cluster.command(*words).split())

    def nothing_left(self, job: str) -> None:
        assert leftovers(job, self.platform.data) == []
        names = ",".join(f"ccp-{job}-{attempt}-{stage}" for attempt in (1, 2) for stage in STAGES)
        self.cluster.await_true(lambda: alive(self.cluster, names) == [])


STAGES = ("run", "undeploy")


@pytest.fixture(scope="module", params=["commands", "rest"])
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, slurm: Cluster
) -> Iterator[World]:
    data = tmp_path_factory.mktemp("killed") / "data"
    data.mkdir()
    rest = f'rest = "{slurm.rest_url}"\n' if request.param == "rest" else ""
    with shared_folder() as shared:
        (data / "openccp.toml").write_text(
            f'[infrastructures.hpc]\nkind = "slurm"\nuser = "{USER}"\n'
            f'shared_folder = "{shared}"\n{rest}'
            f"[limits]\ngrace = 1\nmemory_bytes = {128 * MIB}\n"
        )
        platform = RunningPlatform(data, {"SLURM_CONF": str(slurm.conf)})
        platform.start()
        user = platform.user("ada")
        for method in METHODS:
            assert user.deploy(method).status_code == 201
        yield World(platform, user, slurm)
        platform.stop()
        user.close()
        assert [path.name for path in shared.glob("hpc/scratch/*/ccp-*")] == []


@pytest.mark.parametrize("place", BETWEEN)
def test_no_kill_starts_it_twice_or_leaves_anything(world: World, place: str) -> None:
    job = world.killed_at(place, "told")
    assert world.user.wait(job, 60)["status"] == "successful"
    assert world.user.http.get(f"/jobs/{job}/results/told").text == "start\nend\n"
    instance = world.user.http.get(f"/executions/{job}/metadata/instance.json").json()
    assert instance["attempt"] == 1
    assert [world.queued(job, stage) for stage in STAGES] == [1, 1]
    world.nothing_left(job)


@pytest.mark.parametrize("place", ["dismiss.saved", "stop.after"])
def test_a_dismissal_outlives_the_server(world: World, place: str) -> None:
    job = world.killed_at(place, "endless", dismissed=True)
    assert world.user.wait(job, 60)["status"] == "dismissed"
    assert [world.queued(job, stage) for stage in STAGES] == [1, 1]
    world.nothing_left(job)
