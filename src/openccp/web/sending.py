"""Send files and archives: length, Range, ETag, and a name that cannot deceive."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO

from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from openccp.core.ports import Archive
from openccp.core.problems import NotFound
from openccp.web.ranges import Slice, content_disposition, not_modified, select

BLOCK = 1 << 20
SMALL = 64 << 10
GUARDED = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, no-cache",
}


async def send_file(request: Request, path: Path, etag: str, media_type: str) -> Response:
    """A stored file whose bytes `etag` (with quotes) stands for."""
    try:
        file = await asyncio.to_thread(path.open, "rb")
    except FileNotFoundError:
        raise NotFound from None
    length = file.seek(0, 2)
    headers = GUARDED | {"Content-Disposition": content_disposition(path.name)}
    try:
        chosen = _chosen(request, length, etag)
    except Exception:
        file.close()
        raise
    if chosen is None:
        file.close()
        return Response(status_code=304, headers=headers | {"ETag": etag})
    headers |= chosen.headers(etag)
    if chosen.stop - chosen.start <= SMALL:
        with file:
            return Response(_read(file, chosen), chosen.status, headers, media_type)
    return StreamingResponse(
        iterate_in_threadpool(_blocks(file, chosen)), chosen.status, headers, media_type
    )


def send_archive(request: Request, archive: Archive, name: str) -> Response:
    """An archive, streamed as it is laid out."""
    headers = GUARDED | {"Content-Disposition": content_disposition(name)}
    chosen = _chosen(request, archive.length, archive.etag)
    if chosen is None:
        return Response(status_code=304, headers=headers | {"ETag": archive.etag})
    return StreamingResponse(
        _archived(archive, chosen),
        chosen.status,
        headers | chosen.headers(archive.etag),
        "application/zip",
    )


async def _archived(archive: Archive, chosen: Slice) -> AsyncIterator[bytes]:
    async for block in iterate_in_threadpool(archive.stream(chosen.start, chosen.stop)):
        yield block


def _chosen(request: Request, length: int, etag: str) -> Slice | None:
    headers = request.headers
    if not_modified(headers.get("if-none-match"), etag):
        return None
    return select(headers.get("range"), headers.get("if-range"), length, etag)


def _read(file: BinaryIO, chosen: Slice) -> bytes:
    file.seek(chosen.start)
    return file.read(chosen.stop - chosen.start)


def _blocks(file: BinaryIO, chosen: Slice) -> Iterator[bytes]:
    with file:
        file.seek(chosen.start)
        left = chosen.stop - chosen.start
        while left and (block := file.read(min(BLOCK, left))):
            left -= len(block)
            yield block
