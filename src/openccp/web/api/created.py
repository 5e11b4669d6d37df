"""/jobs by POST, PATCH and start: jobs that are created first (Part 4); their definitions."""

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openccp.app.created import create, definition, inputs, redefine, start
from openccp.core.problems import InvalidRequest, UnsupportedDefinition, UnsupportedSchema
from openccp.web.api.execution import created
from openccp.web.api.jobs import if_match
from openccp.web.documents import link, status_info
from openccp.web.negotiate import answer, bounded, caller, json_body, root, services
from openccp.web.render import render

MEDIA_TYPES = ("application/json", "application/ogcapi-processes+json")
PATCHES = (*MEDIA_TYPES, "application/merge-patch+json")
SCHEMA = re.compile(
    r"https?://(schemas\.opengis\.net/ogcapi/processes/part[14]/[0-9.]+/openapi/schemas/"
    r"|(raw\.githubusercontent\.com|github\.com)/opengeospatial/ogcapi-processes/)"
    r"[\w./-]*\bexecute(-workflows)?\.(yaml|json)"
)
NOTHING = (b"", b"{}", b"null")
LONGEST_NOTHING = 64


async def create_job(request: Request) -> Response:
    """POST /jobs: a job that is checked and not started."""
    who, body = await caller(request), await _definition(request, MEDIA_TYPES)
    key = request.headers.get("idempotency-key")
    job = await create(services(request), who, body, root(request), key)
    return created(request, job, {})


async def change_job(request: Request) -> Response:
    """PATCH /jobs/{id}: change the definition of a created job (JSON Merge Patch)."""
    who, patch = await caller(request), await _definition(request, PATCHES)
    job_id, expected = request.path_params["job_id"], if_match(request)
    job = await redefine(services(request), who, job_id, patch, root(request), expected)
    return answer(status_info(job, root(request)))


async def start_job(request: Request) -> Response:
    """POST /jobs/{id}/results: start a created job, once."""
    who, body = await caller(request), await bounded(request.stream(), LONGEST_NOTHING, None)
    if body.strip() not in NOTHING:
        raise InvalidRequest("Starting a job takes no body; change the job by PATCH before.")
    job_id = request.path_params["job_id"]
    job = await start(services(request), who, job_id, root(request), if_match(request))
    return answer(status_info(job, root(request)))


async def get_definition(request: Request) -> Response:
    """GET /jobs/{id}/definition: what was sent; a marker stands for each secret."""
    who, job_id = await caller(request), request.path_params["job_id"]
    sent = await definition(services(request), who, job_id, root(request))
    return render(request, sent, "metadata")


async def get_inputs(request: Request) -> Response:
    """GET /jobs/{id}/inputs: what was sent, and the defaults that complete it."""
    who, job_id = await caller(request), request.path_params["job_id"]
    here = f"{root(request)}/jobs/{job_id}"
    links = [
        link(f"{here}/inputs", "self", "The inputs of this job"),
        link(here, "up", "The job"),
        link(f"{here}/definition", "describedby", "What was sent to make this job"),
    ]
    document = await inputs(services(request), who, job_id)
    return render(request, {**document, "links": links}, "metadata")


async def _definition(request: Request, media_types: tuple[str, ...]) -> bytes:
    """The body, whose media type and schema are known here."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in media_types:
        raise UnsupportedDefinition(f"Send the definition as {' or '.join(media_types)}.")
    schema = request.headers.get("content-schema")
    if schema is not None and not SCHEMA.fullmatch(schema.strip().removeprefix("<").rstrip(">")):
        raise UnsupportedSchema
    return await json_body(request)


routes = [
    Route("/jobs", create_job, methods=["POST"]),
    Route("/jobs/{job_id}", change_job, methods=["PATCH"]),
    Route("/jobs/{job_id}/results", start_job, methods=["POST"]),
    Route("/jobs/{job_id}/definition", get_definition, methods=["GET"]),
    Route("/jobs/{job_id}/inputs", get_inputs, methods=["GET"]),
]
