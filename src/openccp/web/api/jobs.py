"""/jobs: execute, list, status, dismiss."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openccp.app.execute import Accepted, execute, finished_within
from openccp.app.jobs import dismiss, list_jobs, visible_job
from openccp.core.access import Who
from openccp.core.job import Job, Status
from openccp.core.problems import InvalidQueryParameter, Problem
from openccp.core.stores import JobFilter
from openccp.web.api.results import results_answer
from openccp.web.documents import link, status_info
from openccp.web.negotiate import (
    answer,
    caller,
    here,
    json_body,
    known_parameters,
    limit,
    preference,
    read_cursor,
    root,
    services,
    write_cursor,
)
from openccp.web.ranges import not_modified

MOST_METHODS = 50


async def execute_process(request: Request) -> Response:
    """POST /processes/{id}/execution."""
    who, prefer = await caller(request), preference(request)
    accepted = await execute(
        services(request),
        who,
        request.path_params["process_id"],
        await json_body(request),
        prefer,
        request.headers.get("idempotency-key"),
    )
    if accepted.synchronous:
        return await _synchronous(request, accepted, prefer.wait)
    applied = {"Preference-Applied": "respond-async"} if prefer.respond_async else {}
    return created(request, accepted.job, applied)


async def _synchronous(request: Request, accepted: Accepted, wait: float | None) -> Response:
    most = services(request).rules.wait_seconds
    seconds = most if wait is None else min(wait, most)
    job = await finished_within(services(request), accepted.job.id, seconds)
    if not job.final:
        return created(request, job, {})
    monitor = f"<{root(request)}/jobs/{job.id}>; rel=monitor"
    try:
        response = await results_answer(request, job)
    except Problem as problem:
        problem.headers["Link"] = monitor
        raise
    response.headers.append("Link", monitor)
    return response


def created(request: Request, job: Job, headers: dict[str, str]) -> Response:
    """201 with Location and statusInfo."""
    base = root(request)
    location = {"Location": f"{base}/jobs/{job.id}"}
    return answer(status_info(job, base), 201, location | headers)


async def get_jobs(request: Request) -> Response:
    """GET /jobs."""
    who = await caller(request)
    known_parameters(request, "limit", "after", "status", "processID", "type")
    wanted = _filter(request, who)
    page, more = await list_jobs(services(request), wanted)
    base = root(request)
    links = [
        link(here(request), "self", "This list"),
        link(f"{base}/jobs", "alternate", "The newest jobs"),
    ]
    if more:
        cursor = write_cursor(page[-1].created, page[-1].id)
        following = here(request, limit=str(wanted.limit), after=cursor)
        links.append(link(following, "next", "The next page"))
    return answer({"jobs": [status_info(job, base) for job in page], "links": links})


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


async def get_job(request: Request) -> Response:
    """GET /jobs/{id}."""
    job = await visible_job(services(request), await caller(request), request.path_params["job_id"])
    etag = {"ETag": job_etag(job)}
    if not_modified(request.headers.get("if-none-match"), etag["ETag"]):
        return Response(status_code=304, headers=etag)
    return answer(status_info(job, root(request)), headers=etag)


async def dismiss_job(request: Request) -> Response:
    """DELETE /jobs/{id}: cancel a live job, remove a finished one; If-Match says which it was."""
    job_id, wanted = request.path_params["job_id"], request.headers.get("if-match")
    tags = {tag.strip() for tag in wanted.split(",")} if wanted else {"*"}
    expected = None if "*" in tags else lambda job: job_etag(job) in tags
    job = await dismiss(services(request), await caller(request), job_id, expected)
    return answer(status_info(job, root(request)))


def job_etag(job: Job) -> str:
    """Another one with each change of the job."""
    return f'"{job.version}"'


routes = [
    Route("/processes/{process_id}/execution", execute_process, methods=["POST"]),
    Route("/jobs", get_jobs, methods=["GET"]),
    Route("/jobs/{job_id}", get_job, methods=["GET"]),
    Route("/jobs/{job_id}", dismiss_job, methods=["DELETE"]),
]
