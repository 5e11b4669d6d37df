"""What people want to know of one job beyond its status: how it went, and with what exactly."""

import base64
import binascii
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from openccp.app.logs import log_file
from openccp.app.results import recorded
from openccp.app.services import Services
from openccp.core.explain import Explanation, explain
from openccp.core.job import Event, Job, Status
from openccp.core.method import Kind, Revision
from openccp.core.ports import FileEntry
from openccp.core.problems import NotFound
from openccp.core.request import ExecuteRequest, script_text
from openccp.core.timeline import Step, timeline

LAST_LINES = 20
LAST_BYTES = 16 << 10
MOST_WAITING = 1_000
SHORT = 200


@dataclass(frozen=True, slots=True)
class Place:
    """Where a job waits: its place among its owner's, and how many wait on the infrastructure."""

    number: int
    own: int
    all: int


@dataclass(frozen=True, slots=True)
class Given:
    """One input as the method got it; `value` where it is short, no secret is among them."""

    name: str
    size: int
    sha256: str
    value: str | None
    source: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """How a job went, and with what."""

    job: Job
    steps: tuple[Step, ...]
    explanation: Explanation | None
    lines: tuple[str, ...]
    place: Place | None
    revision: Revision
    request: ExecuteRequest
    inputs: tuple[Given, ...]
    outputs: tuple[FileEntry, ...]
    runtime: Mapping[str, Any]
    now: float

    @property
    def method_digest(self) -> str:
        """The SHA-256 of the method's document: the same for the same method."""
        document = self.revision.method.document
        return sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()


async def report(services: Services, job: Job) -> Report:
    """The report on a job that the caller may see."""
    revision, request = await recorded(services, job)
    events = await services.jobs.events(job.id)
    manifest = services.files.manifest(job.id) if job.final else None
    failed = job.failure if job.status is Status.FAILED else None
    return Report(
        job,
        timeline(events),
        explain(failed) if failed else None,
        last_lines(services, job) if failed else (),
        await place_in_queue(services, job),
        revision,
        request,
        tuple(_inputs(revision, request)),
        manifest.files if manifest else (),
        _runtime(events),
        services.clock(),
    )


def _runtime(events: Sequence[Event]) -> Mapping[str, Any]:
    return next((event.data for event in reversed(events) if event.kind == "runtime"), {})


async def place_in_queue(services: Services, job: Job) -> Place | None:
    """Where a waiting job waits; None for one that does not."""
    if job.status is not Status.ACCEPTED:
        return None
    own = await services.jobs.waiting(job.infrastructure, job.owner, MOST_WAITING)
    load = (await services.jobs.loads()).get(job.infrastructure)
    if job.id not in own:
        return None
    return Place(own.index(job.id) + 1, len(own), max(len(own), load.waiting if load else 0))


def last_lines(services: Services, job: Job) -> tuple[str, ...]:
    """The last lines of what a job wrote as errors, or else of what it wrote at all."""
    for name in ("stderr", "stdout"):
        try:
            path = log_file(services, job, name)
            tail = _tail(path) if path is not None else b""
        except (NotFound, FileNotFoundError):
            continue
        if tail.strip():
            return tuple(tail.decode("utf-8", "replace").splitlines()[-LAST_LINES:])
    return ()


def _tail(path: Path) -> bytes:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(0, size - LAST_BYTES))
        return file.read(LAST_BYTES)


def _inputs(revision: Revision, request: ExecuteRequest) -> list[Given]:
    return [
        _given(revision, request, name, value) for name, value in sorted(request.inputs.items())
    ]


def _given(revision: Revision, request: ExecuteRequest, name: str, value: Any) -> Given:
    declared = revision.method.inputs.get(name)
    text = script_text(value)
    content = text.encode("utf-8", "surrogatepass")
    if declared is not None and declared.kind is Kind.FILE and isinstance(value, str):
        content = _decoded(value)
    origin = request.references.get(f"/inputs/{name}")
    short = (
        text if content == text.encode("utf-8", "surrogatepass") and len(text) <= SHORT else None
    )
    digest = sha256(content).hexdigest()
    return Given(name, len(content), digest, short, origin.href if origin else None)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text.encode("utf-8", "surrogatepass")
