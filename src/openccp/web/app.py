"""The web application: routes, problems, limits on what a request may be."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from openccp.app.services import Services
from openccp.core.problems import Problem
from openccp.web import assets
from openccp.web.api import (
    api_document,
    created,
    deliveries,
    execution,
    executions,
    infrastructures,
    job_list,
    jobs,
    landing,
    logs,
    processes,
    provenance,
    results,
    sign_in,
    token,
)
from openccp.web.documents import Processes
from openccp.web.errors import on_crash, on_http_error, on_problem
from openccp.web.front import Front
from openccp.web.pace import Pace
from openccp.web.statuses import Statuses
from openccp.web.table import Table

Lifespan = Callable[[], AbstractAsyncContextManager[None]]

ROUTES = [
    *jobs.routes,
    *created.routes,
    *provenance.routes,
    *job_list.routes,
    *execution.routes,
    *processes.routes,
    *results.routes,
    *logs.routes,
    *executions.routes,
    *deliveries.routes,
    *landing.routes,
    *api_document.routes,
    *infrastructures.routes,
    *token.routes,
    *sign_in.routes,
    *assets.routes,
]


def create_app(services: Services, lifespan: Lifespan) -> ASGIApp:
    """The ASGI application over composed services; `lifespan` runs what runs beside it."""

    @asynccontextmanager
    async def run(app: Starlette) -> AsyncIterator[None]:
        async with lifespan():
            yield

    table = Table(ROUTES)
    app = Starlette(
        routes=[table],
        lifespan=run,
        exception_handlers={
            Problem: on_problem,
            HTTPException: on_http_error,
            Exception: on_crash,
        },
    )
    app.router.redirect_slashes = False
    app.state.services = services
    app.state.table = table
    app.state.processes = Processes()
    app.state.statuses = Statuses()
    app.state.pace = Pace(services.rules.requests_per_second)
    return Front(app, table, services.rules, app.state.pace)
