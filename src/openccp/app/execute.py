"""Execute a method: check the request, keep the job, and say how it will be answered."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from openccp.app.changes import pause
from openccp.app.choose import choose_infrastructure
from openccp.app.describe import visible_method
from openccp.app.references import resolve
from openccp.app.results import recorded
from openccp.app.services import Services
from openccp.app.subscribe import checked_subscriber
from openccp.core.access import Who
from openccp.core.definition import refuse_markers, without_keys, without_secrets
from openccp.core.failpoint import failpoint
from openccp.core.job import Job
from openccp.core.method import Method, Revision
from openccp.core.problems import NoSuchJob
from openccp.core.reference import Draft, draft
from openccp.core.request import ExecuteRequest
from openccp.core.strict_json import loads
from openccp.core.validate import to_stored

LARGE_BODY = 64 << 10


@dataclass(frozen=True, slots=True)
class Preference:
    """What the header Prefer asked for (RFC 7240). `wait` in seconds."""

    respond_async: bool = False
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """A request that can become a job: what it asks of which revision, and where it will run.

    `sent` is the body as it came, but for its secrets.
    """

    revision: Revision
    request: ExecuteRequest
    infrastructure: str
    subscriber: Mapping[str, Sequence[str]] | None
    sent: bytes

    @property
    def kept(self) -> tuple[bytes, Mapping[str, str]]:
        """The request as the store keeps it, and the secrets apart from it."""
        return to_stored(self.request), self.request.secrets

    @property
    def record(self) -> bytes:
        """What was sent, as it is kept once all is fetched: no address holds a key any more."""
        if not self.request.references:
            return self.sent
        return orjson.dumps(without_keys(orjson.loads(self.sent)))


@dataclass(frozen=True, slots=True)
class Accepted:
    """A kept job; `synchronous` says that the answer should carry its results."""

    job: Job
    request: ExecuteRequest
    revision: Revision
    synchronous: bool


async def execute(
    services: Services,
    who: Who,
    method_id: str,
    body: bytes,
    prefer: Preference,
    key: str | None = None,
    root: str = "",
) -> Accepted:
    """Keep a job for this request; on return it is on disk.

    What it gives by reference is fetched before; `root` is the address by which the client
    knows this platform. A known key is answered with its job, and nothing is fetched again.

    Without `Prefer` a method that allows it is run synchronously, every other asynchronously
    (OGC API - Processes 1.0, process-execute-default-execution-mode).
    """
    once = services.repeats.known_as(who, method_id, key, body)
    first = once and await services.jobs.made_under(once, services.clock())
    if first:
        return await _again(services, first, prefer)
    checked = await check(services, who, method_id, body, root)
    job = job_for(checked, who, services.clock())
    failpoint("accept.before")
    most = services.rules.policy(job.infrastructure).queue
    job = await services.jobs.add(job, *checked.kept, once, checked.record, most)
    failpoint("accept.after")
    services.reconciler.wake(job.id)
    return _accepted(job, checked.request, checked.revision, prefer)


async def _again(services: Services, job: Job, prefer: Preference) -> Accepted:
    revision, request = await recorded(services, job)
    return _accepted(job, request, revision, prefer)


def _accepted(
    job: Job, request: ExecuteRequest, revision: Revision, prefer: Preference
) -> Accepted:
    wait = not prefer.respond_async or bool(prefer.wait)
    synchronous = revision.method.synchronous and wait
    return Accepted(job, request, revision, synchronous)


async def check(services: Services, who: Who, method_id: str, body: bytes, root: str) -> Checked:
    """All that can be known of a request before it runs; the problem with it otherwise.

    What it gives by reference is fetched; `root` is the address by which the client knows this
    platform.
    """
    revision = await visible_method(services, who, method_id)
    request, sent = await _read(revision.method, body)
    if isinstance(request, Draft):
        request = await resolve(services, who, request, root)
    infrastructure = await choose_infrastructure(services, who.context, revision, request)
    subscriber = checked_subscriber(services, request)
    return Checked(revision, request, infrastructure, subscriber, sent)


def job_for(checked: Checked, who: Who, now: float) -> Job:
    """A new job of a checked request."""
    return Job(
        id=str(uuid.uuid4()),
        method=checked.revision.method.id,
        revision=checked.revision.number,
        owner=who.id,
        context=who.context,
        infrastructure=checked.infrastructure,
        created=now,
        updated=now,
        note=checked.request.note,
        subscriber=checked.subscriber,
    )


async def _read(method: Method, body: bytes) -> tuple[ExecuteRequest | Draft, bytes]:
    """Large bodies are read beside the event loop: others go on being answered."""
    if len(body) > LARGE_BODY:
        return await asyncio.to_thread(_parsed, method, body)
    return _parsed(method, body)


def _parsed(method: Method, body: bytes) -> tuple[ExecuteRequest | Draft, bytes]:
    """The request, and what was sent without its secrets."""
    if not body.strip():
        return draft(method, {}), b"{}"
    value, secret = loads(body), method.secrets
    if not secret:
        return draft(method, value), body
    refuse_markers(value, secret)
    return draft(method, value), orjson.dumps(without_secrets(value, secret))


async def finished_within(services: Services, job_id: str, seconds: float) -> Job:
    """The job as soon as it is final, or as it is after `seconds`."""
    deadline = services.clock() + seconds
    with services.changes.follow(job_id) as changed:
        while True:
            changed.clear()
            job = await services.jobs.get(job_id)
            if job is None:
                raise NoSuchJob
            left = deadline - services.clock()
            if job.final or left <= 0 or services.changes.closed:
                return job
            await pause(changed, left)
