"""/jobs/{id}: status, and dismissal."""

import secrets
from collections.abc import Callable

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openccp.app.jobs import dismiss, visible_job
from openccp.app.report import report
from openccp.core.job import Job
from openccp.web.documents import status_info
from openccp.web.media import HTML
from openccp.web.negotiate import answer, caller, root, services
from openccp.web.profiles import Profile
from openccp.web.render import chosen, page, render
from openccp.web.reports import report_document


async def get_job(request: Request) -> Response:
    """GET /jobs/{id}."""
    job = await visible_job(services(request), await caller(request), request.path_params["job_id"])
    document = request.app.state.statuses.document(job, root(request))
    headers = {"ETag": job_etag(job), **Profile.JOB.header}
    if chosen(request) is HTML:
        return await _page(request, job, document, headers)
    return render(request, document, "job", headers=headers)


async def _page(request: Request, job: Job, document: bytes, headers: dict[str, str]) -> Response:
    """Its page, which also tells how it went, and has a key for running it again once."""
    told = report_document(await report(services(request), job), root(request))
    more = {"report": told, "key": secrets.token_hex(16)}
    return page(request, "job", {**orjson.loads(document), "more": more}, 200, headers)


async def dismiss_job(request: Request) -> Response:
    """DELETE /jobs/{id}: cancel a live job, remove a finished one; If-Match says which it was."""
    job_id = request.path_params["job_id"]
    job = await dismiss(services(request), await caller(request), job_id, if_match(request))
    return answer(status_info(job, root(request)))


def if_match(request: Request) -> Callable[[Job], bool] | None:
    """What If-Match expects of a job; None where it expects nothing."""
    wanted = request.headers.get("if-match")
    tags = {tag.strip() for tag in wanted.split(",")} if wanted else {"*"}
    return None if "*" in tags else lambda job: job_etag(job) in tags


def job_etag(job: Job) -> str:
    """Another one with each change of the job."""
    return f'"{job.version}"'


routes = [
    Route("/jobs/{job_id}", get_job, methods=["GET"]),
    Route("/jobs/{job_id}", dismiss_job, methods=["DELETE"]),
]
