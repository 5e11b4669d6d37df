"""What a program that runs a method sends: from values that were given, or those of a job."""

from collections.abc import Mapping
from typing import Any

from openccp.app.created import definition
from openccp.app.jobs import visible_job
from openccp.app.services import Services
from openccp.codegen.program import Program, request_body
from openccp.core.access import DEFAULT_CONTEXT, Who
from openccp.core.fields import Faults
from openccp.core.method import RESERVED, Kind, Method
from openccp.core.problems import InvalidRequest, NotFound


def method_program(
    method: Method, sent: Mapping[str, Any], samples: Mapping[str, Any], server: str
) -> Program:
    """The program that runs a method with the request `sent`, which may lack inputs.

    Those come from `samples`; files are named, secrets asked for. InvalidRequest for inputs
    that the method does not have.
    """
    faults, given = Faults(), sent.get("inputs") or {}
    for name in given:
        if name not in method.inputs and name not in RESERVED:
            faults.add_named("/inputs", name, "this method has no input {!r}".format)
    if faults:
        raise InvalidRequest(faults.summary, faults=faults.all)
    inputs = {name: _sample(method, name, value) for name, value in samples.items()}
    body = request_body(method, {**sent, "inputs": {**inputs, **given}})
    return Program(server, method.id, body)


def _sample(method: Method, name: str, value: Any) -> Any:
    declared = method.inputs[name]
    missing = declared.kind is Kind.FILE and not declared.has_default
    return {"href": f"file:{name}"} if missing else value


async def job_program(services: Services, who: Who, job_id: str, server: str) -> Program:
    """The program that does again what a job did; NotFound where that was not kept."""
    job = await visible_job(services, who, job_id)
    sent = await definition(services, who, job_id, server)
    revision = await services.catalogue.revision(job.method, job.revision)
    if revision is None:
        raise NotFound("What this job ran is not known any more.")
    context = "" if job.context == DEFAULT_CONTEXT else job.context
    return Program(server, job.method, request_body(revision.method, sent), context)
