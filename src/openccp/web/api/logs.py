"""/jobs/{id}/logs and /jobs/{id}/events: plain text with Range, and server-sent events."""

import re
from collections.abc import AsyncIterator
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from openccp.app.changes import pause
from openccp.app.jobs import visible_job
from openccp.app.logs import HEARTBEAT, Ended, follow, log_file, log_name
from openccp.app.services import Services
from openccp.core.job import Job
from openccp.core.ports import LogChunk
from openccp.core.problems import InvalidQueryParameter, NotFound
from openccp.web.documents import moment, status_info
from openccp.web.negotiate import caller, root, services
from openccp.web.sending import send_file

EVENT_STREAM = "text/event-stream"
TEXT = "text/plain; charset=utf-8"
TRIES = 3
STILL_HERE = b": still here\n\n"
CURSOR = re.compile(r"(stdout|stderr)\.(\d{1,3}):(\d{1,12})(?!\d)", re.ASCII)
STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def get_logs(request: Request) -> Response:
    """GET /jobs/{id}/logs: text/plain of one stream, or text/event-stream of all."""
    job_id, who = request.path_params["job_id"], await caller(request)
    job = await visible_job(services(request), who, job_id)
    if EVENT_STREAM in request.headers.get("accept", ""):
        after = read_position(request.headers.get("last-event-id", ""))
        return _stream(request, _log_events(services(request), job.id, after, root(request)))
    name = _name(request)
    for _ in range(TRIES):
        path = log_file(services(request), job, name)
        try:
            if path is not None:
                etag = f'"{job.id}-{name}-{job.attempt}-{path.stat().st_size}"'
                return send_file(request, path, f"{name}.txt", etag, TEXT)
        except (FileNotFoundError, NotFound):
            # it moved into the record while we looked
            job = await visible_job(services(request), who, job_id)
    return Response(b"", media_type=TEXT)


def _name(request: Request) -> str:
    stream = request.query_params.get("stream", "stdout")
    replica = request.query_params.get("replica", "0")
    if stream not in ("stdout", "stderr"):
        raise InvalidQueryParameter("stream is stdout or stderr.")
    if not replica.isascii() or not replica.isdigit() or len(replica) > 3:
        raise InvalidQueryParameter("replica is a whole number from 0.")
    return log_name(stream, int(replica))


async def get_events(request: Request) -> Response:
    """GET /jobs/{id}/events: the job's events from Last-Event-ID on, until it has ended."""
    job = await visible_job(services(request), await caller(request), request.path_params["job_id"])
    last = request.headers.get("last-event-id", "0")
    after = int(last) if last.isascii() and last.isdigit() and len(last) < 18 else 0
    return _stream(request, _job_events(services(request), job.id, after, root(request)))


def _stream(request: Request, events: AsyncIterator[bytes]) -> Response:
    if request.method == "HEAD":
        return Response(media_type=EVENT_STREAM, headers=STREAM_HEADERS)
    return StreamingResponse(events, media_type=EVENT_STREAM, headers=STREAM_HEADERS)


def read_position(text: str) -> dict[str, int]:
    """`stdout.0:120,stderr.0:0` as stream -> bytes already had; anything else starts anew."""
    return {f"{m[1]}.{int(m[2])}": int(m[3]) for m in CURSOR.finditer(text[:4096])}


def write_position(after: dict[str, int]) -> str:
    """The id of an event: where to go on."""
    return ",".join(f"{name}:{offset}" for name, offset in sorted(after.items()))


def server_sent(name: str, content: Any, identity: str | None = None) -> bytes:
    """One event; JSON has no line breaks, so its content is one data line."""
    head = f"event: {name}\n" + (f"id: {identity}\n" if identity is not None else "")
    return head.encode() + b"data: " + orjson.dumps(content) + b"\n\n"


async def _log_events(
    services: Services, job_id: str, after: dict[str, int], base: str
) -> AsyncIterator[bytes]:
    tails: dict[str, bytes] = {}
    async for told in follow(services, job_id, after):
        if told is None:
            yield STILL_HERE
            continue
        if isinstance(told, Ended):
            for key, tail in tails.items():
                if tail:
                    stream, _, replica = key.partition(".")
                    cut = LogChunk(stream, int(replica), after[key], tail)
                    yield server_sent("log", _log_event(cut, tail.decode("utf-8", "replace")))
            yield server_sent("end", status_info(told.job, base))
            return
        key = f"{told.stream}.{told.replica}"
        text, tails[key] = decode(tails.get(key, b"") + told.content)
        if text:
            had = {**after, key: after[key] - len(tails[key])}
            yield server_sent("log", _log_event(told, text), write_position(had))


def _log_event(chunk: LogChunk, text: str) -> dict[str, Any]:
    return {"stream": chunk.stream, "replica": chunk.replica, "text": text}


def decode(content: bytes) -> tuple[str, bytes]:
    """UTF-8 text, and the bytes of a character that is not whole yet (at most three)."""
    for size in range(min(3, len(content)) + 1):
        cut = len(content) - size
        tail = content[cut:]
        if _begins_character(tail):
            return content[:cut].decode("utf-8", "replace"), tail
    return content.decode("utf-8", "replace"), b""


def _begins_character(tail: bytes) -> bool:
    if not tail or tail[0] < 0xC2:
        return False
    need = 2 if tail[0] < 0xE0 else 3 if tail[0] < 0xF0 else 4
    return len(tail) < need and all(0x80 <= byte < 0xC0 for byte in tail[1:])


async def _job_events(
    services: Services, job_id: str, after: int, base: str
) -> AsyncIterator[bytes]:
    with services.changes.follow(job_id) as changed:
        while not services.changes.closed:
            changed.clear()
            for event in await services.jobs.events(job_id, after):
                after = event.seq
                content = {"at": moment(event.at), **event.data}
                yield server_sent(event.kind, content, str(event.seq))
            job = await services.jobs.get(job_id)
            if job is None or _over(job):
                if job is not None:
                    yield server_sent("end", status_info(job, base))
                return
            if not await pause(changed, HEARTBEAT):
                yield STILL_HERE


def _over(job: Job) -> bool:
    return job.phase == "done"


routes = [
    Route("/jobs/{job_id}/logs", get_logs, methods=["GET"]),
    Route("/jobs/{job_id}/events", get_events, methods=["GET"]),
]
