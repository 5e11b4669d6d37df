"""The contract of an infrastructure, on a real Slurm cluster."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

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

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]


@asynccontextmanager
async def infrastructure_with(**settings: Any) -> AsyncIterator[SlurmInfrastructure]:
    with shared_folder() as folder:
        site = Site("slurm", "Slurm", folder / "place", {}, "http://127.0.0.1:1", Limits())
        made = build(site, SlurmSettings(kind="slurm", user=USER, **settings), USER)
        yield made
        for key in [*made._running, *made._ended]:
            await made.reap(handle_of(key))
        await made.close()


class TestByCommands(InfrastructureContract):
    @pytest.fixture
    async def infrastructure(
        self, slurm: Cluster, monkeypatch: pytest.MonkeyPatch
    ) -> AsyncIterator[SlurmInfrastructure]:
        monkeypatch.setenv("SLURM_CONF", str(slurm.conf))
        async with infrastructure_with() as made:
            yield made


class TestByRest(InfrastructureContract):
    @pytest.fixture
    async def infrastructure(
        self, slurm: Cluster, monkeypatch: pytest.MonkeyPatch
    ) -> AsyncIterator[SlurmInfrastructure]:
        monkeypatch.setenv("SLURM_CONF", str(slurm.conf))
        async with infrastructure_with(rest=slurm.rest_url) as made:
            yield made
