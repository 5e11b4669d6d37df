"""Engines are started once a worker; where one cannot be had, what needs it is skipped."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engines.daemons import NoEngine, docker_daemon
from tests.engines.slurm import Cluster, slurm_cluster
from tests.engines.swarm import Swarm, docker_swarm
from tests.engines.swarmed import Swarmed, swarmed


@pytest.fixture(scope="session")
def docker_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    try:
        with docker_daemon(tmp_path_factory.mktemp("docker")) as address:
            yield address
    except NoEngine as reason:
        pytest.skip(f"Docker was not tried: {reason}")


@pytest.fixture(scope="session")
def slurm() -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="openccp-slurm-", dir="/var/tmp"))
    try:
        with slurm_cluster(folder) as cluster:
            yield cluster
    except NoEngine as reason:
        pytest.skip(f"Slurm was not tried: {reason}")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def swarm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swarm]:
    try:
        with docker_swarm(tmp_path_factory.mktemp("swarm")) as made:
            yield made
    except NoEngine as reason:
        pytest.skip(f"A swarm was not tried: {reason}")


@pytest.fixture(scope="session")
def on_swarm(tmp_path_factory: pytest.TempPathFactory, swarm: Swarm) -> Iterator[Swarmed]:
    with swarmed(tmp_path_factory.mktemp("on-swarm"), swarm) as made:
        yield made
