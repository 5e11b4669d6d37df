"""/jobs: the caller's jobs, newest first."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openccp.app.jobs import list_jobs
from openccp.core.access import Who
from openccp.core.job import Status
from openccp.core.problems import InvalidQueryParameter
from openccp.core.stores import JobFilter
from openccp.web.documents import as_page, link, status_info
from openccp.web.negotiate import (
    caller,
    here,
    known_parameters,
    limit,
    read_cursor,
    root,
    services,
    write_cursor,
)
from openccp.web.render import render

MOST_METHODS = 50


async def get_jobs(request: Request) -> Response:
    """GET /jobs."""
    who = await caller(request)
    known_parameters(request, "limit", "after", "status", "processID", "type")
    wanted = _filter(request, who)
    page, more = await list_jobs(services(request), wanted)
    base = root(request)
    links = [
        link(here(request), "self", "This list"),
        as_page(here(request)),
    ]
    if more:
        cursor = write_cursor(page[-1].created, page[-1].id)
        following = here(request, limit=str(wanted.limit), after=cursor)
        links.append(link(following, "next", "The next page"))
    document = {"jobs": [status_info(job, base) for job in page], "links": links}
    return render(request, document, "jobs")


def _filter(request: Request, who: Who) -> JobFilter:
    query = request.query_params
    after = read_cursor(query["after"], 2) if "after" in query else None
    if after and not (isinstance(after[0], float | int) and isinstance(after[1], str)):
        raise InvalidQueryParameter("after is not a place in this list; follow the links.")
    return JobFilter(
        owner=who.id,
        limit=limit(request),
        after=(float(after[0]), after[1]) if after else None,
        statuses=_statuses(query.get("status")),
        methods=_methods(query.get("processID", "")),
    )


def _methods(text: str) -> tuple[str, ...]:
    names = tuple(name for name in text.split(",") if name)
    if len(names) > MOST_METHODS:
        raise InvalidQueryParameter(f"processID names at most {MOST_METHODS} processes.")
    return names


def _statuses(text: str | None) -> tuple[Status, ...]:
    try:
        return tuple(Status(word) for word in text.split(",")) if text else ()
    except ValueError:
        words = ", ".join(Status)
        raise InvalidQueryParameter(f"status is one or more of {words}.") from None


routes = [Route("/jobs", get_jobs, methods=["GET"])]
