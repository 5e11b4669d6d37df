"""/jobs/{id}/labels: the note and the tags of a job."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from openccp.app.jobs import own_job, visible_job
from openccp.app.labels import label
from openccp.core.job import Job
from openccp.core.problems import InvalidRequest
from openccp.core.strict_json import loads
from openccp.web.api.jobs import if_match, job_etag
from openccp.web.api.sign_in import prefix
from openccp.web.negotiate import answer, caller, json_body, known_parameters, services
from openccp.web.posted import posted
from openccp.web.render import render

NO_STORE = {"Cache-Control": "no-store"}


async def get_labels(request: Request) -> Response:
    """GET /jobs/{id}/labels."""
    job = await visible_job(services(request), await caller(request), request.path_params["job_id"])
    return render(request, document(job), "labels", headers={"ETag": job_etag(job)})


async def put_labels(request: Request) -> Response:
    """PUT /jobs/{id}/labels: replace both."""
    who, job_id = await caller(request), request.path_params["job_id"]
    await own_job(services(request), who, job_id)
    note, tags = _read(loads(await json_body(request)))
    job = await label(services(request), who, job_id, note, tags, if_match(request))
    return answer(document(job), headers={"ETag": job_etag(job)})


async def send_labels(request: Request) -> Response:
    """POST /jobs/{id}/labels: the same by a page's form, and back to the page."""
    who, job_id = await caller(request), request.path_params["job_id"]
    await own_job(services(request), who, job_id)
    known_parameters(request)
    form = await posted(request)
    tags = form.text("tags").split(",")
    await label(services(request), who, job_id, form.text("note"), tags)
    return RedirectResponse(f"{prefix(request)}/jobs/{job_id}", 303, NO_STORE)


def document(job: Job) -> dict[str, Any]:
    """What the owner wrote on a job."""
    return {"note": job.note or "", "tags": job.tags}


def _read(body: Any) -> tuple[str, list[str]]:
    match body:
        case {"note": str() as note, "tags": [*tags]} if len(body) == 2:
            if all(isinstance(tag, str) for tag in tags):
                return note, tags
    raise InvalidRequest('Send {"note": a text, "tags": [texts]}.')


routes = [
    Route("/jobs/{job_id}/labels", get_labels, methods=["GET"]),
    Route("/jobs/{job_id}/labels", put_labels, methods=["PUT"]),
    Route("/jobs/{job_id}/labels", send_labels, methods=["POST"]),
]
