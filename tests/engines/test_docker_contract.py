"""The contract of an infrastructure, on a real Docker daemon."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from openccp.infrastructures.docker.infrastructure import DockerInfrastructure
from openccp.infrastructures.folders import handle_of
from openccp.testing.infrastructure import InfrastructureContract, PromisesContract


@pytest.mark.sandbox
@pytest.mark.slow
class TestDocker(InfrastructureContract, PromisesContract):
    @pytest.fixture
    async def infrastructure(
        self, tmp_path: Path, docker_address: str
    ) -> AsyncIterator[DockerInfrastructure]:
        docker = DockerInfrastructure(
            tmp_path, slots=4, address=docker_address, images=("bash", "python:*")
        )
        yield docker
        for key in [*docker._running, *docker._ended]:
            await docker.reap(handle_of(key))
        await docker.close()
