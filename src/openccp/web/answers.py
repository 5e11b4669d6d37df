"""Write results in a form: raw, in parts, as links, as a document; in bounded memory."""

import asyncio
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from openccp.app.results import Finished, archive, stored_file
from openccp.core.problems import NotFound
from openccp.core.result_values import results_document
from openccp.core.results import Part, Result, fit
from openccp.web.dialects import Form
from openccp.web.negotiate import answer, root, services
from openccp.web.prefer import Return, applied
from openccp.web.profiles import Profile
from openccp.web.render import page
from openccp.web.sending import send_archive, send_file
from openccp.web.wishes import Wishes

BLOCK = 1 << 20
SMALL = 1 << 10
"""With `return=minimal` values above it are links."""
MUCH = 8
"""With `return=representation` so many times as much is given inline."""
VARY = {"Vary": "Accept, Prefer, Accept-Profile"}


@dataclass(frozen=True, slots=True)
class Answering:
    """One answer with results: of what, to whom, how."""

    request: Request
    it: Finished
    parts: tuple[Part, ...]
    wishes: Wishes
    linked: list[Result] = field(default_factory=list)
    """The results that were given by reference."""

    @property
    def limit(self) -> int:
        """How many bytes of values are given inline."""
        rules = services(self.request).rules
        if self.wishes.prefer.returning is Return.MINIMAL:
            return min(SMALL, rules.inline_bytes)
        if self.wishes.prefer.returning is Return.REPRESENTATION:
            return MUCH * rules.inline_bytes
        return rules.inline_bytes

    @property
    def returned(self) -> str | None:
        """The preference for `return`, if this answer does what it asks for."""
        returning = self.wishes.prefer.returning
        if returning is Return.REPRESENTATION and not fit(self.parts, self.limit):
            return None
        return f"return={returning}" if returning else None

    def href(self, result: Result) -> str:
        """Where a result is served as it is."""
        self.linked.append(result)
        return f"{root(self.request)}/jobs/{self.it.job.id}/results/{result.content_id}"

    def read(self, result: Result) -> bytes:
        """The bytes of a result; NotFound if its job was removed meanwhile."""
        try:
            return self.file(result).read_bytes()
        except FileNotFoundError:
            raise NotFound from None

    def file(self, result: Result) -> Path:
        """The stored file of a result."""
        return stored_file(services(self.request), self.it.job, result)


async def write(form: Form, answering: Answering, *, profile: bool) -> Response:
    """The answer in a form; `profile`: a document says its profile."""
    match form:
        case Form.NOTHING:
            return Response(status_code=204)
        case Form.VALUE:
            return await _value(answering, answering.parts[0].result)
        case Form.LINKS:
            return _links(answering)
        case Form.MULTIPART:
            return _multipart(answering)
        case _:
            return await _documented(form, answering, profile=profile)


async def _documented(form: Form, answering: Answering, *, profile: bool) -> Response:
    document = await asyncio.to_thread(_document, answering)
    headers = VARY | applied(answering.returned)
    if form is Form.PAGE:
        return page(answering.request, "results", document, headers=headers)
    if form is Form.JSON:
        return answer(document[answering.parts[0].output.id], headers=headers)
    return answer(document, headers=headers | (Profile.RESULTS.header if profile else {}))


def _document(answering: Answering) -> dict[str, object]:
    return results_document(
        answering.parts,
        read=answering.read,
        href=answering.href,
        inline_limit=answering.limit,
    )


async def _value(answering: Answering, result: Result) -> Response:
    request, job = answering.request, answering.it.job
    if result.entry is None:
        response = send_archive(request, await archive(services(request), job), "output.zip")
    else:
        etag = f'"{result.entry.sha256}"'
        path, name = answering.file(result), result.entry.path
        response = send_file(request, path, name, etag, result.media_type)
    response.headers.update(VARY)
    return response


def _links(answering: Answering) -> Response:
    response = Response(status_code=204)
    for part in answering.parts:
        result = part.result
        link = f'<{answering.href(result)}>; rel="{result.content_id}"; type="{result.media_type}"'
        response.headers.append("Link", link)
    return response


def _multipart(answering: Answering) -> Response:
    """The parts one after the other, read as they are sent; the length is known before."""
    boundary = f"ccp-{secrets.token_hex(12)}"
    heads = [_head(answering, part, boundary) for part in answering.parts]
    sizes = [0 if _apart(answering, part) else int(part.result.size) for part in answering.parts]
    end = f"\r\n--{boundary}--\r\n".encode()
    length = sum(map(len, heads)) + sum(sizes) + len(end)
    blocks = _blocks(answering, heads, end)
    return StreamingResponse(
        iterate_in_threadpool(blocks),
        media_type=f'multipart/related; boundary="{boundary}"',
        headers=VARY | {"Content-Length": str(length)} | applied(_returned_apart(answering)),
    )


def _blocks(answering: Answering, heads: Sequence[bytes], end: bytes) -> Iterator[bytes]:
    for head, part in zip(heads, answering.parts, strict=True):
        yield head
        if not _apart(answering, part):
            with answering.file(part.result).open("rb") as file:
                while block := file.read(BLOCK):
                    yield block
    yield end


def _head(answering: Answering, part: Part, boundary: str) -> bytes:
    result = part.result
    lines = [f"--{boundary}", f"Content-Type: {result.media_type}"]
    lines.append(f"Content-ID: {result.content_id}")
    if _apart(answering, part):
        lines.append(f"Content-Location: {answering.href(result)}")
    start = "" if part is answering.parts[0] else "\r\n"
    return (start + "\r\n".join([*lines, "", ""])).encode()


def _apart(answering: Answering, part: Part) -> bool:
    """Whether a part only says where its value is."""
    minimal = answering.wishes.prefer.returning is Return.MINIMAL
    large = minimal and part.result.size > SMALL
    return part.by_reference or large or part.result.entry is None


def _returned_apart(answering: Answering) -> str | None:
    returning = answering.wishes.prefer.returning
    return f"return={returning}" if returning else None
