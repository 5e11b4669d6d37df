"""/jobs: the caller's jobs, newest first."""

import asyncio
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openccp.app.job_list import list_jobs
from openccp.core.job_list import JobPage
from openccp.web.documents import moment, status_info
from openccp.web.job_filter import job_filter
from openccp.web.negotiate import caller, root, services
from openccp.web.paging import job_links, link_header
from openccp.web.profiles import Profile
from openccp.web.render import render

RENDERED_AT_ONCE = 100


async def get_jobs(request: Request) -> Response:
    """GET /jobs."""
    page = await job_page(request)
    links = job_links(request, page)
    document = {"jobs": page.jobs, "links": links, **_searched_to(page)}
    return render(
        request,
        await rendered(document, page, root(request)),
        "jobs",
        headers=link_header(links, Profile.JOB_LIST),
    )


async def job_page(request: Request, limit: int = 10) -> JobPage:
    """The page of jobs that a request asks for, of `limit` jobs if it does not say."""
    who = await caller(request)
    wanted = job_filter(request, who, services(request).clock(), limit)
    return JobPage() if wanted is None else await list_jobs(services(request), who, wanted)


async def rendered(document: Any, page: JobPage, base: str) -> bytes:
    """A document with jobs in it, as JSON; a large page is written on a thread."""

    def write() -> bytes:
        return orjson.dumps(
            document, lambda job: status_info(job, base), orjson.OPT_PASSTHROUGH_DATACLASS
        )

    return write() if len(page.jobs) <= RENDERED_AT_ONCE else await asyncio.to_thread(write)


def _searched_to(page: JobPage) -> dict[str, str]:
    """How far a search came that stopped early: `next` (or `prev`) goes on from there."""
    return {"searchedTo": moment(page.searched_to[0])} if page.searched_to else {}


routes = [Route("/jobs", get_jobs, methods=["GET"])]
