"""An infrastructure that carries files, with the endpoint that its carriers ask, and no more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import uvicorn
from starlette.applications import Starlette
from tests.engines.swarm import Swarm

from openccp.core.ports import Limits
from openccp.core.site import Site
from openccp.infrastructures.swarm.infrastructure import SwarmInfrastructure
from openccp.infrastructures.swarm.kind import KIND, SwarmSettings
from openccp.testing.platform import free_port
from openccp.web.api import carriers
from openccp.web.errors import answered


def settings(swarm: Swarm, **more: object) -> SwarmSettings:
    given: dict[str, object] = {
        "kind": "docker-swarm",
        "address": swarm.nodes[0].address,
        "images": ("bash", "python", "missing"),
        "node_folder": "/srv",
        "grace": 2,
    }
    if "shared_folder" not in more:
        given["carrier_image"] = "python"
    return SwarmSettings.model_validate({**given, **more})


@asynccontextmanager
async def carried(folder: Path, swarm: Swarm, **more: object) -> AsyncIterator[SwarmInfrastructure]:
    """It listens on the bridge while the block lasts; afterwards nothing of it is left."""
    port = free_port()
    site = Site("swarm", "Swarm", folder, {}, f"http://{swarm.host}:{port}", Limits())
    made = cast(SwarmInfrastructure, KIND.build(site, settings(swarm, **more)))
    app = Starlette(routes=carriers.routes, exception_handlers={Exception: answered})
    app.state.services = SimpleNamespace(infrastructures={"swarm": made})
    server = uvicorn.Server(uvicorn.Config(app, host=swarm.host, port=port, log_level="error"))
    serving = asyncio.ensure_future(server.serve())
    try:
        yield made
        for key in {**made._running, **made._ended}:
            await made.reap({"v": 1, "job": key.job, "attempt": key.attempt, "stage": key.stage})
    finally:
        server.should_exit = True
        await serving
        await made.close()
