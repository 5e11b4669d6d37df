"""/jobs/{id}/results: the document, the raw value, several parts, or links."""

import asyncio
import secrets
from dataclasses import replace
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openccp.app.jobs import visible_job
from openccp.app.results import Finished, archive, finished, one_result, stored_file
from openccp.core.job import Job
from openccp.core.problems import NoSuchOutput, NotFound
from openccp.core.request import ResponseForm
from openccp.core.results import Form, Part, Raw, Result, raw, results_document
from openccp.web.negotiate import answer, caller, root, services
from openccp.web.sending import send_archive, send_file

LONGEST_INDEX = 9


async def get_results(request: Request) -> Response:
    """GET /jobs/{id}/results."""
    job = await visible_job(services(request), await caller(request), request.path_params["job_id"])
    return await results_answer(request, job)


async def get_result(request: Request) -> Response:
    """GET /jobs/{id}/results/{output} and /{output}/{N}: one raw value."""
    job = await visible_job(services(request), await caller(request), request.path_params["job_id"])
    it = await finished(services(request), job)
    result = one_result(it, request.path_params["output_id"], _index(request))
    return await _value(request, it, result)


def _index(request: Request) -> int | None:
    text = request.path_params.get("index")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_INDEX):
        raise NotFound
    return int(text)


async def results_answer(request: Request, job: Job) -> Response:
    """The results in the form that was asked for when the job was made (ogc-processes: 1.2)."""
    it = await finished(services(request), job)
    it = _narrowed(request, it)
    answered = raw(it.manifest, it.outputs, it.request.outputs)
    form = ResponseForm.DOCUMENT if _as_document(request) else it.request.response
    if form is ResponseForm.RAW or (form is None and answered.form is not Form.MULTIPART):
        return await _raw(request, it, answered)
    return answer(await asyncio.to_thread(_document, request, it))


def _as_document(request: Request) -> bool:
    """Whether the profile ogc-results was asked for: the document, whatever the number."""
    asked = (request.query_params.get("profile", ""), request.headers.get("accept-profile", ""))
    return any("ogc-results" in text for text in asked)


def _narrowed(request: Request, it: Finished) -> Finished:
    asked = request.query_params.get("outputs")
    if asked is None:
        return it
    names = asked.split(",")
    for name in names:
        if name not in it.outputs:
            raise NoSuchOutput(f"The job has no output {name[:64]!r}.")
    return replace(it, only=frozenset(names))


def _document(request: Request, it: Finished) -> dict[str, object]:
    return results_document(
        it.manifest,
        it.outputs,
        it.request.outputs,
        read=lambda result: stored_file(services(request), it.job, result).read_bytes(),
        href=lambda result: _href(request, it, result),
        inline_limit=services(request).rules.inline_bytes,
    )


async def _raw(request: Request, it: Finished, answered: Raw) -> Response:
    if answered.form is Form.VALUE:
        return await _value(request, it, answered.parts[0].result)
    if answered.form is Form.MULTIPART:
        return await asyncio.to_thread(_multipart, request, it, answered.parts)
    response = Response(status_code=204)
    for part in answered.parts:
        href = _href(request, it, part.result)
        response.headers.append(
            "Link", f'<{href}>; rel="{part.result.content_id}"; type="{part.result.media_type}"'
        )
    return response


def _multipart(request: Request, it: Finished, parts: tuple[Part, ...]) -> Response:
    boundary = f"ccp-{secrets.token_hex(12)}"
    body, room = b"", services(request).rules.inline_bytes
    for part in parts:
        content = _part(request, it, part, room)
        room -= part.result.entry.size if part.result.entry and not part.by_reference else 0
        body += f"--{boundary}\r\n".encode() + content + b"\r\n"
    return Response(
        body + f"--{boundary}--\r\n".encode(),
        media_type=f'multipart/related; boundary="{boundary}"',
    )


def _part(request: Request, it: Finished, part: Part, room: int) -> bytes:
    """One part; what does not fit into `room` bytes any more is told by its location."""
    result = part.result
    large = result.entry is None or result.entry.size > room
    head = [f"Content-Type: {result.media_type}", f"Content-ID: {result.content_id}"]
    content = b""
    if part.by_reference or large:
        head.append(f"Content-Location: {_href(request, it, result)}")
    else:
        content = stored_file(services(request), it.job, result).read_bytes()
    return "\r\n".join(head).encode() + b"\r\n\r\n" + content


async def _value(request: Request, it: Finished, result: Result) -> Response:
    if result.entry is None:
        return send_archive(request, await archive(services(request), it.job), "output.zip")
    path: Path = stored_file(services(request), it.job, result)
    return send_file(
        request, path, result.entry.path, f'"{result.entry.sha256}"', result.media_type
    )


def _href(request: Request, it: Finished, result: Result) -> str:
    return f"{root(request)}/jobs/{it.job.id}/results/{result.content_id}"


routes = [
    Route("/jobs/{job_id}/results", get_results, methods=["GET"]),
    Route("/jobs/{job_id}/results/{output_id}", get_result, methods=["GET"]),
    Route("/jobs/{job_id}/results/{output_id}/{index}", get_result, methods=["GET"]),
]
