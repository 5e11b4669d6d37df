"""The record of an execution: metadata files as folds of what is stored (design section 6)."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from openccp.app.health import infrastructure_document
from openccp.app.results import recorded
from openccp.app.services import Services
from openccp.core.job import Job
from openccp.core.problems import NotFound
from openccp.core.validate import to_stored


async def _request(services: Services, job: Job) -> Any:
    _, request = await recorded(services, job)
    return json.loads(to_stored(request))


async def _method(services: Services, job: Job) -> Any:
    revision, _ = await recorded(services, job)
    return dict(revision.method.document)


async def _infrastructure(services: Services, job: Job) -> Any:
    if job.infrastructure not in services.infrastructures:
        return {"id": job.infrastructure}
    return await infrastructure_document(services, job.infrastructure)


async def _instance(services: Services, job: Job) -> Any:
    _, request = await recorded(services, job)
    events = await services.jobs.events(job.id)
    ran = next((dict(e.data) for e in reversed(events) if e.kind == "runtime"), {})
    return {
        **ran,
        "jobID": job.id,
        "infrastructure": job.infrastructure,
        "image": request.image,
        "replicas": request.replicas,
        "attempt": job.attempt,
        "methodRevision": job.revision,
        "context": job.context,
    }


async def _events(services: Services, job: Job) -> Any:
    events = await services.jobs.events(job.id)
    return [{"seq": e.seq, "kind": e.kind, "at": e.at, **e.data} for e in events]


Fold = Callable[[Services, Job], Awaitable[Any]]
STATUS = "jobStatus.json"
METADATA: Mapping[str, Fold] = {
    "request.json": _request,
    "method.json": _method,
    "infrastructure.json": _infrastructure,
    "instance.json": _instance,
    "events.json": _events,
}


async def metadata(services: Services, job: Job, name: str) -> Any:
    """One metadata document of a job (all but jobStatus.json, which is the status document)."""
    fold = METADATA.get(name)
    if fold is None:
        raise NotFound(
            f"An execution has the metadata {', '.join([*METADATA, STATUS])} and provo.xml."
        )
    return await fold(services, job)
