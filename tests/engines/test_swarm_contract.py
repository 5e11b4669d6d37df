"""The contract of an infrastructure, on a real swarm: files carried, and on a shared folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.engines.carrying import carried
from tests.engines.swarm import Swarm

from openccp.infrastructures.swarm.infrastructure import SwarmInfrastructure
from openccp.testing.infrastructure import InfrastructureContract


@pytest.mark.sandbox
@pytest.mark.slow
class TestCarried(InfrastructureContract):
    @pytest.fixture
    async def infrastructure(
        self, tmp_path: Path, swarm: Swarm
    ) -> AsyncIterator[SwarmInfrastructure]:
        async with carried(tmp_path, swarm) as made:
            yield made


@pytest.mark.sandbox
@pytest.mark.slow
class TestShared(InfrastructureContract):
    @pytest.fixture
    async def infrastructure(
        self, tmp_path: Path, swarm: Swarm
    ) -> AsyncIterator[SwarmInfrastructure]:
        shared = tmp_path / "shared"
        shared.mkdir()
        async with carried(tmp_path, swarm, shared_folder=shared) as made:
            yield made
