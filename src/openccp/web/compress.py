"""Compress documents for clients that want it, with an ETag of their own (RFC 9110, 8.4 and 8.8).

Only whole documents: what is streamed, or can be had in parts, goes as it is. Neither is compressed
what must not be stored, for there are the secrets: an attacker who can have his own words put
beside one could guess it from the length (BREACH).
"""

import asyncio
import re
import zlib
from collections.abc import Iterable
from functools import lru_cache

from starlette.types import Message

SMALLEST = 1024
ASIDE = 256 << 10
LEVEL = 5
GZIP_WINDOW = 31
SUFFIX = b'-gzip"'
COMPRESSIBLE = re.compile(
    rb"(?:text/(?!event-stream)|image/svg\+xml|application/(?:[\w.-]+\+)?(?:json|xml|yaml)\b"
    rb"|application/(?:javascript|cwl)\b)"
)
_REFUSED = re.compile(r"\s*;\s*q\s*=\s*0(?:\.0{0,3})?\s*")
Header = tuple[bytes, bytes]


@lru_cache(maxsize=256)
def wants_gzip(accept_encoding: bytes) -> bool:
    """Whether a client takes gzip: it names it, or anything, and not with quality 0."""
    told: dict[str, bool] = {}
    for part in accept_encoding.decode("latin-1").lower().split(","):
        name, mark, rest = part.strip().partition(";")
        told[name.strip()] = not _REFUSED.fullmatch(mark + rest)
    return told.get("gzip", told.get("*", False))


def worth_compressing(start: Message) -> bool:
    """Whether the answer that begins so is a document that gets much shorter."""
    headers = dict(start["headers"])
    return (
        int(headers.get(b"content-length", b"0")) >= SMALLEST
        and start["status"] not in (204, 206, 304)
        and not headers.keys() & {b"content-encoding", b"content-range", b"accept-ranges"}
        and b"no-store" not in headers.get(b"cache-control", b"")
        and COMPRESSIBLE.match(headers.get(b"content-type", b"")) is not None
    )


async def compressed(start: Message, body: Message) -> tuple[Message, Message]:
    """The same answer in gzip. A large one is made beside the event loop."""
    content = body["body"]
    if len(content) > ASIDE:
        content = await asyncio.to_thread(_gzip, content)
    else:
        content = _gzip(content)
    headers = [_changed(name, value, len(content)) for name, value in start["headers"]]
    headers.append((b"content-encoding", b"gzip"))
    return {**start, "headers": headers}, {**body, "body": content}


def _gzip(content: bytes) -> bytes:
    packing = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP_WINDOW)
    return packing.compress(content) + packing.flush()


def _changed(name: bytes, value: bytes, length: int) -> Header:
    if name == b"content-length":
        return name, str(length).encode()
    if name == b"etag" and not value.startswith(b"W/"):
        return name, value[:-1] + SUFFIX
    return name, value


CONDITIONS = (b"if-none-match", b"if-match")


def without_variants(headers: Iterable[Header]) -> list[Header]:
    """Request headers whose conditions name the documents themselves: routes know no gzip."""
    return [
        (name, value.replace(SUFFIX, b'"') if name in CONDITIONS else value)
        for name, value in headers
    ]


def with_variant(start: Message, known: bytes) -> Message:
    """A 304 for the variant that the client said it has."""
    headers = [
        (name, value[:-1] + SUFFIX)
        if name == b"etag" and value[:-1] + SUFFIX in known
        else (name, value)
        for name, value in start["headers"]
    ]
    return {**start, "headers": headers}
