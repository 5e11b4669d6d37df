"""/uploads: files of mine to be inputs of jobs, sent in one piece or in many (tus 1.0)."""

from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from openccp.app.uploads import add, begin, look, mine, remove
from openccp.core.access import Who
from openccp.core.problems import BodyTooLarge, InvalidRequest, UnsupportedMediaType
from openccp.core.uploads import Upload
from openccp.web.documents import as_page, moment
from openccp.web.negotiate import answer, caller, known_parameters, root, services
from openccp.web.render import render
from openccp.web.tus import PIECE, asked, check_version, checksum, told, whole_number


async def list_uploads(request: Request) -> Response:
    """GET /uploads: mine, and how much room there is."""
    who = await caller(request)
    known_parameters(request)
    found, there = await mine(services(request), who), services(request).rules.uploads
    here = f"{root(request)}/uploads"
    document = {
        "uploads": [_document(request, upload) for upload in found],
        "limits": {
            "largest": there.largest,
            "together": there.together,
            "left": there.together - sum(upload.asked.length for upload in found),
            "days": there.seconds / 86400,
        },
        "links": [{"href": here, "rel": "self", "type": "application/json"}, as_page(here)],
    }
    return render(request, document, "uploads", headers={"Cache-Control": "no-store"})


async def create_upload(request: Request) -> Response:
    """POST /uploads: take room for a file, and whatever of it comes along."""
    who = await caller(request)
    known_parameters(request)
    check_version(request.headers)
    wanted = asked(request.headers)
    checksum(request.headers)  # refused before any room is taken
    sent = whole_number(request.headers, "Content-Length") or 0
    if sent > wanted.length:
        raise BodyTooLarge("More comes than Upload-Length says.")
    upload = await begin(services(request), who, wanted)
    if sent or "transfer-encoding" in request.headers:
        upload = await _added(request, who, upload.id, 0)
    document = _document(request, upload)
    headers = told(upload, services(request).rules.uploads) | {"Location": document["href"]}
    return answer(document, 201, headers)


async def get_upload(request: Request) -> Response:
    """GET and HEAD /uploads/{id}: how far it is. What is in it is shown to jobs only."""
    who = await caller(request)
    known_parameters(request)
    check_version(request.headers)
    upload = await look(services(request), who, request.path_params["upload_id"])
    headers = told(upload, services(request).rules.uploads)
    return render(request, _document(request, upload), "upload", headers=headers)


async def continue_upload(request: Request) -> Response:
    """PATCH /uploads/{id}: the bytes from Upload-Offset on."""
    who = await caller(request)
    known_parameters(request)
    upload = await look(services(request), who, request.path_params["upload_id"])
    check_version(request.headers)
    if request.headers.get("content-type", "").lower() != PIECE:
        raise UnsupportedMediaType(f"Send a piece of a file as {PIECE}.")
    offset = whole_number(request.headers, "Upload-Offset")
    if offset is None:
        raise InvalidRequest("Say by Upload-Offset where this piece begins.")
    upload = await _added(request, who, upload.id, offset)
    return Response(status_code=204, headers=told(upload, services(request).rules.uploads))


async def remove_upload(request: Request) -> Response:
    """DELETE /uploads/{id}."""
    who = await caller(request)
    known_parameters(request)
    check_version(request.headers)
    await remove(services(request), who, request.path_params["upload_id"])
    return Response(status_code=204, headers={"Tus-Resumable": "1.0.0"})


async def _added(request: Request, who: Who, upload_id: str, offset: int) -> Upload:
    """The upload with what came; a cut is no defect, and nobody hears the answer to it."""
    there, piece = services(request), checksum(request.headers)
    try:
        return await add(there, who, upload_id, offset, _content(request), piece)
    except ConnectionResetError:
        return await look(there, who, upload_id)


async def _content(request: Request) -> AsyncIterator[bytes]:
    try:
        async for part in request.stream():
            yield part
    except ClientDisconnect as error:
        raise ConnectionResetError("the client went away") from error


def _document(request: Request, upload: Upload) -> dict[str, Any]:
    expires = upload.changed + services(request).rules.uploads.seconds
    document: dict[str, Any] = {
        "id": upload.id,
        "href": f"{root(request)}/uploads/{upload.id}",
        "name": upload.asked.name,
        "length": upload.asked.length,
        "offset": upload.offset,
        "complete": upload.complete,
        "created": moment(upload.created),
        "expires": moment(expires),
    }
    more = {"type": upload.asked.media_type or None, "sha256": upload.sha256}
    return document | {name: value for name, value in more.items() if value is not None}


routes = [
    Route("/uploads", list_uploads, methods=["GET"]),
    Route("/uploads", create_upload, methods=["POST"]),
    Route("/uploads/{upload_id}", get_upload, methods=["GET"]),
    Route("/uploads/{upload_id}", continue_upload, methods=["PATCH"]),
    Route("/uploads/{upload_id}", remove_upload, methods=["DELETE"]),
]
