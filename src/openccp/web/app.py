"""The web application: routes, problems, limits on what a request may be."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.applications import Starlette
from starlette.types import ASGIApp

from openccp.app.services import Services
from openccp.web import assets, language
from openccp.web.api import (
    api_document,
    carriers,
    code,
    created,
    deliveries,
    device,
    editor,
    embed,
    execution,
    executions,
    form,
    infrastructures,
    job_list,
    jobs,
    labels,
    landing,
    logs,
    operator,
    previews,
    processes,
    provenance,
    report,
    results,
    several,
    shares,
    sign_in,
    token,
    uploads,
    versions,
)
from openccp.web.api.catalogue import Kept
from openccp.web.documents import Processes
from openccp.web.front import Front
from openccp.web.kept_lists import KeptLists
from openccp.web.pace import Pace
from openccp.web.statuses import Statuses
from openccp.web.table import Table

Lifespan = Callable[[], AbstractAsyncContextManager[None]]

ROUTES = [
    *jobs.routes,
    *created.routes,
    *provenance.routes,
    *job_list.routes,
    *several.routes,
    *labels.routes,
    *report.routes,
    *shares.routes,
    *execution.routes,
    *form.routes,
    *editor.routes,
    *processes.routes,
    *versions.routes,
    *code.routes,
    *results.routes,
    *logs.routes,
    *executions.routes,
    *previews.routes,
    *deliveries.routes,
    *landing.routes,
    *api_document.routes,
    *infrastructures.routes,
    *operator.routes,
    *carriers.routes,
    *uploads.routes,
    *token.routes,
    *sign_in.routes,
    *device.routes,
    *language.routes,
    *assets.routes,
    *embed.routes,
]


def create_app(services: Services, lifespan: Lifespan) -> ASGIApp:
    """The ASGI application over composed services; `lifespan` runs what runs beside it."""

    @asynccontextmanager
    async def run(app: Starlette) -> AsyncIterator[None]:
        async with lifespan():
            yield

    app = Starlette(lifespan=run)
    app.state.services = services
    app.state.processes = Processes()
    app.state.lists = KeptLists()
    app.state.search = Kept()
    app.state.statuses = Statuses()
    app.state.pace = Pace(services.rules.requests_per_second)
    return Front(app, Table(ROUTES), services.rules, app.state.pace)
