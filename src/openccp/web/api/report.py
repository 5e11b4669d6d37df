"""/jobs/{id}/report, /compare and /again: how a job went, beside which other, and once more."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from openccp.app.again import SecretsNeeded, again, compare, earlier
from openccp.app.jobs import own_job, visible_job
from openccp.app.report import report
from openccp.core.problems import InvalidRequest
from openccp.web.api.execution import created
from openccp.web.api.sign_in import prefix
from openccp.web.documents import status_info
from openccp.web.negotiate import caller, known_parameters, root, services
from openccp.web.posted import posted, sends_form
from openccp.web.render import render
from openccp.web.reports import report_document

NO_STORE = {"Cache-Control": "no-store"}


async def get_report(request: Request) -> Response:
    """GET /jobs/{id}/report."""
    job = await visible_job(services(request), await caller(request), request.path_params["job_id"])
    known_parameters(request)
    told = report_document(await report(services(request), job), root(request))
    return render(request, told, "report")


async def get_comparison(request: Request) -> Response:
    """GET /jobs/{id}/compare: with the job `with`, or the run before if there is one."""
    who, job_id = await caller(request), request.path_params["job_id"]
    known_parameters(request, "with")
    other = request.query_params.get("with")
    if not other:
        before = await earlier(services(request), await own_job(services(request), who, job_id))
        other = None if before is None else before.id
    first, second, rows = await compare(services(request), who, job_id, other)
    document: dict[str, Any] = {
        "jobs": [status_info(one.job, root(request)) for one in (first, second) if one],
        "rows": [
            {"kind": r.kind, "name": r.name, "first": r.first, "second": r.second, "same": r.same}
            for r in rows
        ],
    }
    return render(request, document, "comparison")


async def run_again(request: Request) -> Response:
    """POST /jobs/{id}/again: 201 as for executing; from a page's form, on to the new job."""
    who, job_id = await caller(request), request.path_params["job_id"]
    await own_job(services(request), who, job_id)
    by_form = sends_form(request)
    key = _key((await posted(request)).text("key")) if by_form else _sent_key(request)
    try:
        made = await again(services(request), who, job_id, key, root(request))
    except SecretsNeeded:
        if not by_form:
            raise
        job = await own_job(services(request), who, job_id)
        address = f"{prefix(request)}/processes/{job.method}/form?job={job.id}"
        return RedirectResponse(address, 303, NO_STORE)
    if by_form:
        return RedirectResponse(f"{prefix(request)}/jobs/{made.job.id}", 303, NO_STORE)
    return created(request, made.job, {})


def _sent_key(request: Request) -> str | None:
    return request.headers.get("idempotency-key")


def _key(text: str) -> str | None:
    """Two presses of one button make one job."""
    if text and not (text.isascii() and text.isalnum() and len(text) <= 64):
        raise InvalidRequest("The key of the form is none.")
    return f"again-{text}" if text else None


routes = [
    Route("/jobs/{job_id}/report", get_report, methods=["GET"]),
    Route("/jobs/{job_id}/compare", get_comparison, methods=["GET"]),
    Route("/jobs/{job_id}/again", run_again, methods=["POST"]),
]
