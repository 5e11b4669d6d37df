"""The web application: routes, problems, limits on what a request may be."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openccp.app.services import Services
from openccp.core.problems import Problem
from openccp.web import assets
from openccp.web.api import (
    api_document,
    deliveries,
    execution,
    executions,
    infrastructures,
    job_list,
    jobs,
    landing,
    logs,
    processes,
    results,
    sign_in,
    token,
)
from openccp.web.documents import Processes
from openccp.web.errors import on_crash, on_http_error, on_problem

Lifespan = Callable[[], AbstractAsyncContextManager[None]]

ROUTES = [
    *jobs.routes,
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
HEADERS = [(b"x-content-type-options", b"nosniff"), (b"cache-control", b"private, no-cache")]


def create_app(services: Services, lifespan: Lifespan) -> ASGIApp:
    """The ASGI application over composed services; `lifespan` runs what runs beside it."""

    @asynccontextmanager
    async def run(app: Starlette) -> AsyncIterator[None]:
        async with lifespan():
            yield

    app = Starlette(
        routes=ROUTES,
        lifespan=run,
        exception_handlers={
            Problem: on_problem,
            HTTPException: on_http_error,
            Exception: on_crash,
        },
    )
    app.router.redirect_slashes = False
    app.state.services = services
    app.state.processes = Processes()
    return Headers(app)


class Headers:
    """Adds the headers that every answer carries unless its route gave its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                there = {name for name, _ in headers}
                headers.extend(pair for pair in HEADERS if pair[0] not in there)
            await send(message)

        await self._app(scope, receive, sent)
