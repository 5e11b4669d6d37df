"""The contract of an infrastructure, on a real Slurm cluster."""

from collections.abc import AsyncIterator

import pytest
from tests.engines.places import shared_folder
from tests.engines.slurm import USER, Cluster

from openccp.core.ports import Limits
from openccp.core.site import Site
from openccp.infrastructures.folders import handle_of
from openccp.infrastructures.slurm.build import build
from openccp.infrastructures.slurm.infrastructure import SlurmInfrastructure
from openccp.infrastructures.slurm.kind import SlurmSettings
from openccp.testing.infrastructure import InfrastructureContract


@pytest.mark.sandbox
@pytest.mark.slow
class TestByCommands(InfrastructureContract):
    @pytest.fixture
    async def infrastructure(
        self, slurm: Cluster, monkeypatch: pytest.MonkeyPatch
    ) -> AsyncIterator[SlurmInfrastructure]:
        monkeypatch.setenv("SLURM_CONF", str(slurm.conf))
        with shared_folder() as folder:
            site = Site("slurm", "Slurm", folder / "place", {}, "http://127.0.0.1:1", Limits())
            made = build(site, SlurmSettings(kind="slurm", user=USER), USER)
            yield made
            for key in [*made._running, *made._ended]:
                await made.reap(handle_of(key))
            await made.close()
