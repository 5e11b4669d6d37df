"""The contract of an infrastructure, on a real Slurm cluster."""

from collections.abc import AsyncIterator

import pytest
from tests.engines.slurm import Cluster
from tests.engines.slurm_site import on_cluster

from openccp.infrastructures.slurm.infrastructure import SlurmInfrastructure
from openccp.testing.infrastructure import InfrastructureContract

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]


class TestByCommands(InfrastructureContract):
    @pytest.fixture
    async def infrastructure(self, slurm: Cluster) -> AsyncIterator[SlurmInfrastructure]:
        async with on_cluster(slurm) as made:
            yield made


class TestByRest(InfrastructureContract):
    @pytest.fixture
    async def infrastructure(self, slurm: Cluster) -> AsyncIterator[SlurmInfrastructure]:
        async with on_cluster(slurm, rest=slurm.rest_url) as made:
            yield made
