"""Jobs that are created and not started yet (OGC API - Processes Part 4, job management)."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import orjson

from openccp.app.execute import Checked, check, job_for
from openccp.app.jobs import change, visible_job
from openccp.app.results import recorded
from openccp.app.services import Services
from openccp.core.access import Who
from openccp.core.definition import marked, merged, process_named, with_secrets
from openccp.core.failpoint import failpoint
from openccp.core.job import Event, Job, Phase, Status
from openccp.core.problems import BodyTooLarge, InvalidRequest, JobDismissed, Locked, NotFound
from openccp.core.stores import Conflict
from openccp.core.strict_json import loads

Expected = Callable[[Job], bool] | None


async def create(services: Services, who: Who, body: bytes, root: str, key: str | None) -> Job:
    """Keep a job that is checked as far as possible and not started; on return it is on disk."""
    once = services.repeats.known_as(who, "", key, body)
    first = once and await services.jobs.made_under(once, services.clock())
    if first:
        return first
    process = process_named(await asyncio.to_thread(loads, body), root)
    checked = await check(services, who, process, body, root)
    job = _created(job_for(checked, who, services.clock()))
    return await services.jobs.add(job, *checked.kept, once, checked.sent)


async def redefine(
    services: Services, who: Who, job_id: str, patch: bytes, root: str, expected: Expected = None
) -> Job:
    """Change the definition of a created job by a JSON Merge Patch (RFC 7396).

    Locked once the job was started: its record never changes. PreconditionFailed where it is
    not as `expected`.
    """
    changes = await asyncio.to_thread(loads, patch)

    async def step(job: Job) -> Job:
        if job.status is not Status.CREATED:
            raise Locked
        definition = merged(await _sent(services, job), changes)
        process = process_named(definition, root)
        checked = await _checked(services, who, job, process, definition, root)
        changed = _created(_anew(job, checked, who, services.clock()))
        return await _kept(services, changed, checked)

    return await change(services, who, job_id, expected, step)


async def start(
    services: Services, who: Who, job_id: str, root: str, expected: Expected = None
) -> Job:
    """Start a created job, exactly once; one that was started before is answered as it is.

    It is checked as if it were sent now, against the process as it is now, and what it gives by
    reference is fetched. On return the start is on disk. JobDismissed where the job was
    dismissed instead.
    """

    async def step(job: Job) -> Job:
        if job.status is Status.DISMISSED:
            raise JobDismissed
        if job.status is not Status.CREATED:
            return job
        sent = await _sent(services, job)
        checked = await _checked(services, who, job, job.method, sent, root)
        started = _anew(job, checked, who, services.clock())
        failpoint("start.before")
        saved = await _kept(services, started, checked)
        failpoint("start.after")
        services.reconciler.wake(job.id)
        return saved

    return await change(services, who, job_id, expected, step)


async def _checked(
    services: Services,
    who: Who,
    job: Job,
    process: str,
    definition: Mapping[str, Any],
    root: str,
) -> Checked:
    """The definition with its secrets, checked like a request that comes in now.

    Conflict where the job was changed or ended while they were read: they may not belong together.
    """
    secrets = await services.jobs.secrets(job.id)
    if await services.jobs.get(job.id) != job:
        raise Conflict(f"job {job.id} changed since version {job.version}")
    body = await asyncio.to_thread(orjson.dumps, with_secrets(definition, secrets))
    if len(body) > services.rules.body_bytes:
        raise BodyTooLarge
    checked = await check(services, who, process, body, root)
    for name in marked(definition):
        if name in secrets and name not in checked.request.secrets:
            raise InvalidRequest(f"{name!r} is no secret of the process any more; send it again.")
    return checked


def _created(job: Job) -> Job:
    return replace(job, status=Status.CREATED, phase=Phase.CREATED, message="created")


def _anew(job: Job, checked: Checked, who: Who, now: float) -> Job:
    """The job as if it were made now, under the name and version it has."""
    return replace(
        job_for(checked, who, now),
        id=job.id,
        created=job.created,
        context=job.context,
        version=job.version,
        fence=job.fence,
    )


async def _kept(services: Services, job: Job, checked: Checked) -> Job:
    starts = job.status is Status.ACCEPTED
    event = Event("accepted" if starts else "changed", job.updated)
    sent = checked.record if starts else checked.sent
    most = services.rules.policy(job.infrastructure).queue
    saved = await services.jobs.redefine(job, *checked.kept, sent, event, most)
    services.changes.publish(job.id)
    return saved


async def _sent(services: Services, job: Job) -> dict[str, Any]:
    sent = await services.jobs.sent(job.id)
    if not sent:
        raise NotFound("What was sent for this job was not kept; its metadata say what it ran.")
    definition: dict[str, Any] = await asyncio.to_thread(orjson.loads, sent)
    return definition


async def definition(services: Services, who: Who, job_id: str, root: str) -> Mapping[str, Any]:
    """What was sent to make the job, with its process and a marker for each secret."""
    job = await visible_job(services, who, job_id)
    return {"process": f"{root}/processes/{job.method}", **await _sent(services, job)}


async def inputs(services: Services, who: Who, job_id: str) -> Mapping[str, Any]:
    """Every input and output of a job: what was sent, and the defaults that complete it."""
    job = await visible_job(services, who, job_id)
    sent = await _sent(services, job)
    revision, request = await recorded(services, job)
    defaults = {name: _inline(value) for name, value in request.inputs.items()}
    every: dict[str, Any] = {name: {} for name in revision.method.outputs}
    outputs = sent.get("outputs")
    return {
        "inputs": {**defaults, **(sent.get("inputs") or {})},
        "outputs": every if outputs is None else outputs,
    }


def _inline(value: Any) -> Any:
    """A value as an execute request says it: objects are wrapped, but for bounding boxes."""
    return {"value": value} if isinstance(value, dict) and "bbox" not in value else value
