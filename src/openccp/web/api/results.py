"""/jobs/{id}/results: the results of a job, all, some, or one of them."""

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openccp.app.jobs import visible_job
from openccp.app.results import Finished, finished, narrowed, one_output
from openccp.core.job import Job
from openccp.core.problems import NotFound, ResultNotAvailable
from openccp.core.results import Part
from openccp.web.answers import Answering, write
from openccp.web.dialects import Asked, Form, dialect_of
from openccp.web.dialects import one_output as one_output_form
from openccp.web.negotiate import caller, known_parameters, services
from openccp.web.wishes import Wishes, wishes

LONGEST_INDEX = 9


async def get_results(request: Request) -> Response:
    """GET /jobs/{id}/results."""
    who = await caller(request)
    known_parameters(request, "outputs")
    job = await visible_job(services(request), who, request.path_params["job_id"])
    it = narrowed(await finished(services(request), job), _names(request))
    if not it.parts:
        raise ResultNotAvailable("The job was asked for no output that it has.")
    response, _ = await _answered(request, it, wishes(request))
    return response


async def get_result(request: Request) -> Response:
    """GET /jobs/{id}/results/{output} and /{output}/{N}: one output, one value of it."""
    who, index = await caller(request), _index(request)
    known_parameters(request)
    job = await visible_job(services(request), who, request.path_params["job_id"])
    it = await finished(services(request), job)
    found = one_output(it, request.path_params["output_id"], index)
    parts = tuple(replace(part, by_reference=False) for part in found)
    answering = Answering(request, it, parts, wishes(request))
    form = one_output_form(_asked(it, answering.parts, answering.wishes))
    return await write(form, answering, profile=False)


async def results_answer(request: Request, job: Job, wanted: Wishes) -> tuple[Response, bool]:
    """The results of a job that has just ended, and whether any is by reference."""
    return await _answered(request, await finished(services(request), job), wanted)


async def _answered(request: Request, it: Finished, wanted: Wishes) -> tuple[Response, bool]:
    """Results in the form of the version that the job's request speaks."""
    dialect, parts = dialect_of(it.request), it.parts
    form = dialect.form(_asked(it, parts, wanted))
    told = form is Form.DOCUMENT and (dialect.tells_profile or wanted.document)
    answering = Answering(request, it, parts, wanted)
    response = await write(form, answering, profile=told)
    return response, bool(answering.linked)


def _asked(it: Finished, parts: tuple[Part, ...], wanted: Wishes) -> Asked:
    return Asked(it.request, parts, wanted.document, wanted.accept, wanted.f)


def _names(request: Request) -> list[str] | None:
    asked = request.query_params.get("outputs")
    return None if asked is None else asked.split(",")


def _index(request: Request) -> int | None:
    text = request.path_params.get("index")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_INDEX):
        raise NotFound
    return int(text)


routes = [
    Route("/jobs/{job_id}/results", get_results, methods=["GET"]),
    Route("/jobs/{job_id}/results/{output_id}", get_result, methods=["GET"]),
    Route("/jobs/{job_id}/results/{output_id}/{index}", get_result, methods=["GET"]),
]
