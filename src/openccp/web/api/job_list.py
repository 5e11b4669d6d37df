"""/jobs: the caller's jobs, newest first."""

import asyncio
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openccp.app.job_list import list_jobs
from openccp.app.report import MOST_WAITING
from openccp.core.job import Status
from openccp.core.job_list import JobPage
from openccp.web.documents import moment, status_info
from openccp.web.job_filter import job_filter
from openccp.web.media import HTML
from openccp.web.negotiate import caller, root, services
from openccp.web.paging import AFTER, BEFORE, job_links, link_header
from openccp.web.profiles import Profile
from openccp.web.render import chosen, render
from openccp.web.render import page as written

RENDERED_AT_ONCE = 100
NO_FILTERS = ("f", "profile", "limit", AFTER, BEFORE)
FILTERS = ("q", "processID", "status", "tag", "from", "until")


async def get_jobs(request: Request) -> Response:
    """GET /jobs."""
    page = await job_page(request)
    links = job_links(request, page)
    document = {"jobs": page.jobs, "links": links, **_searched_to(page)}
    body = await rendered(document, page, root(request))
    headers = link_header(links, Profile.JOB_LIST)
    if chosen(request) is HTML:
        places, query = await _places(request, page), _filters(request)
        more = {"places": places, "asked": _asked(request), "query": query}
        return written(request, "jobs", {**orjson.loads(body), "more": more}, 200, headers)
    return render(request, body, "jobs", headers=headers)


async def _places(request: Request, page: JobPage) -> dict[str, int]:
    """The places of the jobs of a page that wait, each among its owner's on its infrastructure."""
    where = {(j.infrastructure, j.owner) for j in page.jobs if j.status is Status.ACCEPTED}
    queues = [await services(request).jobs.waiting(*one, MOST_WAITING) for one in where]
    return {job_id: place for queue in queues for place, job_id in enumerate(queue, 1)}


def _filters(request: Request) -> str:
    """The query that finds what this list finds, on all its pages."""
    pairs = request.query_params.multi_items()
    kept = [(name, value) for name, value in pairs if name not in NO_FILTERS]
    return f"?{urlencode(kept)}" if kept else ""


def _asked(request: Request) -> dict[str, str]:
    """What the form of filters was filled in with."""
    given = request.query_params
    return {name: ",".join(given.getlist(name)) for name in FILTERS if name in given}


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
