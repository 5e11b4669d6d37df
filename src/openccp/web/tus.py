"""The words of tus 1.0, the protocol of uploads that go on: read from headers, said in headers."""

import base64
import binascii
import re
from collections.abc import Mapping
from email.utils import formatdate

from starlette.datastructures import Headers

from openccp.app.uploads import Checksum
from openccp.core.problems import InvalidRequest, PreconditionFailed
from openccp.core.uploads import Asked, Room, Upload

VERSION = "1.0.0"
PIECE = "application/offset+octet-stream"
ALGORITHMS = ("sha256", "sha1")
EXTENSIONS = "creation,creation-with-upload,expiration,checksum,termination"
LONGEST_NAME = 255
_WHOLE = re.compile(r"[0-9]{1,15}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII | re.IGNORECASE)
_TYPE = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}", re.ASCII)


def check_version(headers: Headers) -> None:
    """Whoever names a version has to name ours; curl need not name any."""
    if headers.get("tus-resumable", VERSION) != VERSION:
        raise PreconditionFailed(
            f"This platform speaks tus {VERSION}.", headers={"Tus-Version": VERSION}
        )


def whole_number(headers: Headers, name: str) -> int | None:
    """A header that counts bytes; InvalidRequest for one that does not."""
    text = headers.get(name)
    if text is None:
        return None
    if not _WHOLE.fullmatch(text):
        raise InvalidRequest(f"{name} must be a whole number of bytes.")
    return int(text)


def asked(headers: Headers) -> Asked:
    """The upload that a POST asks for. Without Upload-Length its body is all of it."""
    length = whole_number(headers, "Upload-Length")
    if length is None:
        length = whole_number(headers, "Content-Length")
    if length is None:
        raise InvalidRequest("Say how long the file is: by Upload-Length, or Content-Length.")
    told = _metadata(headers.get("upload-metadata", ""))
    digest = told.get("sha256")
    if digest is not None and not _SHA256.fullmatch(digest):
        raise InvalidRequest("sha256 in Upload-Metadata must be 64 hexadecimal digits.")
    media_type = told.get("filetype", "").lower()
    return Asked(
        length,
        told.get("filename", "")[:LONGEST_NAME],
        media_type if _TYPE.fullmatch(media_type) else "",
        digest and digest.lower(),
    )


def _metadata(text: str) -> Mapping[str, str]:
    """`filename d29ybGQ=,is_confidential`: names, each with a value in base64 or none."""
    found = {}
    for pair in text.split(","):
        name, _, value = pair.strip().partition(" ")
        try:
            found[name] = base64.b64decode(value, validate=True).decode().replace("\0", "")
        except (binascii.Error, ValueError):
            raise InvalidRequest("Upload-Metadata has values in base64, of UTF-8.") from None
    return found


def checksum(headers: Headers) -> Checksum | None:
    """What a piece is said to be; InvalidRequest where that cannot be checked."""
    text = headers.get("upload-checksum")
    if text is None:
        return None
    algorithm, _, value = text.partition(" ")
    try:
        digest = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if algorithm not in ALGORITHMS or not digest:
        raise InvalidRequest(f"Upload-Checksum is {' or '.join(ALGORITHMS)} and base64.")
    return Checksum(algorithm, digest)


def offered(room: Room) -> dict[str, str]:
    """What OPTIONS says of uploads."""
    return {
        "Tus-Resumable": VERSION,
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
        "Tus-Max-Size": str(room.largest),
    }


def told(upload: Upload, room: Room) -> dict[str, str]:
    """The headers of every answer about an upload."""
    headers = {
        "Tus-Resumable": VERSION,
        "Upload-Offset": str(upload.offset),
        "Upload-Length": str(upload.asked.length),
        "Upload-Expires": formatdate(upload.changed + room.seconds, usegmt=True),
        "Cache-Control": "no-store",
    }
    if upload.sha256 is not None:
        digest = base64.b64encode(bytes.fromhex(upload.sha256)).decode()
        headers["Repr-Digest"] = f"sha-256=:{digest}:"
    return headers
