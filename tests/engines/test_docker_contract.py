"""The contract of an infrastructure, on a real Docker daemon."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from openccp.infrastructures.docker.infrastructure import DockerInfrastructure
from openccp.testing.infrastructure import InfrastructureContract


@pytest.mark.sandbox
class TestDocker(InfrastructureContract):
    @pytest.fixture
    async def infrastructure(self, tmp_path: Path) -> AsyncIterator[DockerInfrastructure]:
        docker = DockerInfrastructure(
            tmp_path, slots=4, address=os.environ["DOCKER_HOST"], images=("bash", "python:*")
        )
        yield docker
        await docker.close()
