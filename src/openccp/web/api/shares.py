"""/jobs/{id}/shares: links that end; /shared/{share}: what whoever has one may look at."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from openccp.app.jobs import own_job, visible_job
from openccp.app.report import report
from openccp.app.shares import Share, end_share, guest, share, shares
from openccp.core.problems import InvalidRequest
from openccp.core.strict_json import loads
from openccp.web.api.executions import get_archive, get_log_file, get_output_file, listed_files
from openccp.web.api.logs import get_logs
from openccp.web.api.previews import get_preview
from openccp.web.api.results import get_result, get_results
from openccp.web.api.sign_in import prefix
from openccp.web.documents import REL, link, moment, status_info
from openccp.web.negotiate import caller, json_body, root, services
from openccp.web.posted import posted, sends_form
from openccp.web.render import render
from openccp.web.reports import report_document

NO_STORE = {"Cache-Control": "no-store"}
QUIET = {**NO_STORE, "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
FOR_GUESTS = frozenset({f"{REL}results", f"{REL}exceptions", f"{REL}log", "enclosure"})


async def get_shares(request: Request) -> Response:
    """GET /jobs/{id}/shares."""
    who, job_id = await caller(request), request.path_params["job_id"]
    found = await shares(services(request), who, job_id)
    here = f"{root(request)}/jobs/{job_id}"
    document = {
        "shares": [_document(one) for one in found],
        "links": [link(f"{here}/shares", "self", "These links"), link(here, "up", "The job")],
    }
    return render(request, document, "shares", headers=NO_STORE)


async def add_share(request: Request) -> Response:
    """POST /jobs/{id}/shares: a new link, whose address is shown this once."""
    who, job_id = await caller(request), request.path_params["job_id"]
    await own_job(services(request), who, job_id)
    days, label = await _wanted(request)
    made, secret = await share(services(request), who, job_id, days, label)
    address = f"{root(request)}/shared/{secret}"
    document = {**_document(made), "href": address, "job": f"{root(request)}/jobs/{job_id}"}
    return render(request, document, "share", status=201, headers=NO_STORE)


async def end(request: Request) -> Response:
    """DELETE /jobs/{id}/shares/{share}: it ends at once."""
    who, place = await caller(request), request.path_params
    await end_share(services(request), who, place["job_id"], place["share_id"])
    return Response(status_code=204)


async def end_by_form(request: Request) -> Response:
    """POST /jobs/{id}/shares/{share}: the same by a page's button."""
    await end(request)
    address = f"{prefix(request)}/jobs/{request.path_params['job_id']}/shares"
    return RedirectResponse(address, 303, NO_STORE)


async def get_shared(request: Request) -> Response:
    """GET /shared/{share}: the job, how it went, and its files; nothing of whose it is."""
    who, base = await caller(request), root(request)
    _, job = await guest(services(request), request.path_params["share"])
    job = await visible_job(services(request), who, job.id)
    status = status_info(job, base)
    status["links"] = [one for one in status["links"] if one["rel"] in FOR_GUESTS]
    told = report_document(await report(services(request), job), base)
    told["ran"].pop("context")
    manifest = services(request).files.manifest(job.id)
    document = {
        **status,
        "report": {name: told[name] for name in told if name not in ("links", "queue")},
        **listed_files(job, manifest, base),
    }
    return render(request, document, "shared", headers=QUIET)


def _document(one: Share) -> dict[str, Any]:
    return {
        "id": one.id,
        "label": one.label,
        "created": moment(one.created),
        "expires": moment(one.expires),
    }


async def _wanted(request: Request) -> tuple[int, str]:
    if sends_form(request):
        form = await posted(request)
        days, label = form.text("days"), form.text("label")
        if days.isascii() and days.isdigit() and len(days) < 5:
            return int(days), label
    else:
        match loads(await json_body(request)):
            case {"days": int() as number, **rest} if not isinstance(number, bool):
                named = rest.get("label", "")
                if isinstance(named, str) and not rest.keys() - {"label"}:
                    return number, named
    raise InvalidRequest('Say after how many days the link ends: {"days": 7, "label": "..."}.')


BELOW = "/shared/{share}/jobs/{job_id}"
RECORD = "/shared/{share}/executions/{job_id}"
routes = [
    Route("/jobs/{job_id}/shares", get_shares, methods=["GET"]),
    Route("/jobs/{job_id}/shares", add_share, methods=["POST"]),
    Route("/jobs/{job_id}/shares/{share_id}", end, methods=["DELETE"]),
    Route("/jobs/{job_id}/shares/{share_id}", end_by_form, methods=["POST"]),
    Route("/shared/{share}", get_shared, methods=["GET"]),
    Route(f"{BELOW}/results", get_results, methods=["GET"]),
    Route(f"{BELOW}/results/{{output_id}}", get_result, methods=["GET"]),
    Route(f"{BELOW}/results/{{output_id}}/{{index}}", get_result, methods=["GET"]),
    Route(f"{BELOW}/logs", get_logs, methods=["GET"]),
    Route(f"{RECORD}/outputs/output.zip", get_archive, methods=["GET"]),
    Route(f"{RECORD}/outputs/{{path:path}}", get_output_file, methods=["GET"]),
    Route(f"{RECORD}/previews/{{path:path}}", get_preview, methods=["GET"]),
    Route(f"{RECORD}/logs/{{name}}", get_log_file, methods=["GET"]),
]
