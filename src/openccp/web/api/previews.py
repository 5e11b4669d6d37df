"""/executions/{id}/previews/{path}: what a file that a job left looks like."""

import asyncio
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openccp.app.jobs import visible_job
from openccp.app.results import record
from openccp.web.api.executions import entry_of
from openccp.web.documents import link
from openccp.web.negotiate import caller, root, services
from openccp.web.previews.choose import preview
from openccp.web.render import render

AT_ONCE = asyncio.Semaphore(2)
"""Each may hold some megabytes; the rest wait for their turn."""


async def get_preview(request: Request) -> Response:
    """GET /executions/{id}/previews/{path}."""
    who = await caller(request)
    job = await visible_job(services(request), who, request.path_params["job_id"])
    entry = entry_of(record(services(request), job).files, request.path_params["path"])
    path = services(request).files.open_output(job.id, entry.path)
    async with AT_ONCE:
        shown = await asyncio.to_thread(preview, path, entry.media_type)
    here, name = f"{root(request)}/executions/{job.id}", quote(entry.path)
    links = [
        link(f"{here}/outputs/{name}", "enclosure", "The file", entry.media_type),
        link(here, "up", "The record of the execution"),
    ]
    known = {"path": entry.path, "size": entry.size, "sha256": entry.sha256}
    return render(
        request, {**known, "type": entry.media_type, "preview": shown, "links": links}, "preview"
    )


routes = [Route("/executions/{job_id}/previews/{path:path}", get_preview, methods=["GET"])]
