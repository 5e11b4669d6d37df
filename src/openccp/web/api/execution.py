"""/processes/{id}/execution: execute a process, asynchronously or synchronously."""

import orjson
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openccp.app.describe import visible_method
from openccp.app.execute import Accepted, execute, finished_within
from openccp.app.forget import forget, leaves_no_job
from openccp.core.access import Who
from openccp.core.job import Job
from openccp.core.problems import (
    Forbidden,
    InvalidQueryParameter,
    InvalidRequest,
    MethodNotAllowed,
    Problem,
)
from openccp.web.api.results import results_answer
from openccp.web.documents import status_info
from openccp.web.kvp import read_address
from openccp.web.negotiate import answer, caller, json_body, known_parameters, root, services
from openccp.web.prefer import Prefer, applied
from openccp.web.profiles import Profile
from openccp.web.wishes import Wishes, wishes


async def execute_process(request: Request) -> Response:
    """POST /processes/{id}/execution."""
    who = await caller(request)
    known_parameters(request)
    return await executed(request, who, await json_body(request), wishes(request))


async def execute_address(request: Request) -> Response:
    """GET /processes/{id}/execution: the same, with everything in the address."""
    _check_own_page(request)
    who = await caller(request, changes=True)
    if request.method != "GET":
        allow = {"Allow": "GET, OPTIONS, POST"}
        raise MethodNotAllowed("Looking is not executing: send GET or POST.", headers=allow)
    revision = await visible_method(services(request), who, request.path_params["process_id"])
    written = read_address(revision.method, request.query_params.multi_items())
    wanted = wishes(request, written.accept, written.prefer)
    try:
        response = await executed(request, who, orjson.dumps(written.body), wanted)
    except InvalidRequest as problem:
        raise InvalidQueryParameter(problem.detail, faults=problem.faults) from None
    response.headers["Cache-Control"] = "no-store"
    return response


def _check_own_page(request: Request) -> None:
    """With a cookie only a script of ours executes: nobody by opening or fetching an address ahead.

    Such an address may have been sent, or stand as an author's link on a page of ours.
    """
    headers = request.headers
    opened = headers.get("sec-fetch-site") == "none"
    followed = headers.get("sec-fetch-dest", "empty") != "empty"
    if "authorization" not in headers and (opened or followed or "sec-purpose" in headers):
        raise Forbidden("Executing by an address needs a token, or a script of this platform.")


async def executed(request: Request, who: Who, body: bytes, wanted: Wishes) -> Response:
    """Execute, and answer with the results, or with the job if it is made or takes too long."""
    key = request.headers.get("idempotency-key")
    process_id, prefer = request.path_params["process_id"], wanted.prefer
    accepted = await execute(
        services(request), who, process_id, body, prefer.execution, key, root(request)
    )
    if not accepted.synchronous:
        told = applied("respond-async" if prefer.respond_async else None)
        return created(request, accepted.job, told)
    return await _synchronous(request, accepted, wanted, kept=key is not None)


async def _synchronous(
    request: Request, accepted: Accepted, wanted: Wishes, *, kept: bool
) -> Response:
    seconds, waited = _patience(wanted.prefer, services(request).rules.wait_seconds)
    job = await finished_within(services(request), accepted.job.id, seconds)
    if not job.final:
        respond_async = "respond-async" if wanted.prefer.respond_async else None
        return created(request, job, applied(respond_async, waited))
    monitor = f"<{root(request)}/jobs/{job.id}>; rel=monitor"
    try:
        response, linked = await results_answer(request, job, wanted)
    except Problem as problem:
        problem.headers["Link"] = monitor
        raise
    _tell(response, waited)
    if leaves_no_job(accepted) and not (kept or linked):
        response.background = BackgroundTask(forget, services(request), job.id)
    else:
        response.headers.append("Link", monitor)
    return response


def _patience(prefer: Prefer, most: float) -> tuple[float, str | None]:
    """How long to wait, and the preference that says so."""
    if prefer.wait is None or prefer.wait > most:
        return most, None
    return prefer.wait, f"wait={prefer.wait:.0f}"


def _tell(response: Response, preference: str | None) -> None:
    told = applied(preference, response.headers.get("preference-applied"))
    response.headers.update(told)


def created(request: Request, job: Job, headers: dict[str, str]) -> Response:
    """201 with Location and statusInfo."""
    base = root(request)
    location = {"Location": f"{base}/jobs/{job.id}", **Profile.JOB.header}
    return answer(status_info(job, base), 201, location | headers)


routes = [
    Route("/processes/{process_id}/execution", execute_process, methods=["POST"]),
    Route("/processes/{process_id}/execution", execute_address, methods=["GET"]),
]
