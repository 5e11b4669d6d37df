"""/processes/{id}/execution: execute a process, asynchronously or synchronously."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openccp.app.execute import Accepted, execute, finished_within
from openccp.core.job import Job
from openccp.core.problems import Problem
from openccp.web.api.results import results_answer
from openccp.web.documents import status_info
from openccp.web.negotiate import answer, caller, json_body, preference, root, services


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
        root(request),
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


routes = [Route("/processes/{process_id}/execution", execute_process, methods=["POST"])]
