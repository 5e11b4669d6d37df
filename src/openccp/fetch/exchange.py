"""One request and its answer over one connection, in HTTP/1.1, within bounds."""

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import h11

from openccp.core.ports import Fetched, NotFetched

FIRST_BYTE_SECONDS = 15.0
LARGEST_HEAD = 32 << 10
BLOCK = 16 << 10
MOST_PIECES = 500_000
"""Of one answer: a hostile one comes in single bytes, and each costs as much as a block."""
_TYPE = re.compile(r"[\w.+!#$&^-]{1,100}/[\w.+!#$&^-]{1,100}", re.ASCII)
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([\w.:-]{1,40})', re.ASCII | re.IGNORECASE)
REDIRECTS = frozenset({301, 302, 303, 307, 308})


class TooMuch(NotFetched):
    """The answer is larger than what was asked for may be."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked. At more than `most` bytes the answer is cut short, or refused."""

    method: str
    headers: Mapping[str, str]
    content: bytes = b""
    most: int = 0
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered; `location` where it sends a GET elsewhere."""

    fetched: Fetched
    location: str | None = None


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str, host: str, ask: Ask
) -> Answer:
    """Ask and read the answer; TooMuch, or h11's RemoteProtocolError for what is no HTTP."""
    line = _Line(reader)
    headers = {
        "Host": host,
        "User-Agent": "OpenCCP",
        "Accept-Encoding": "identity",
        "Connection": "close",
        **ask.headers,
    }
    writer.write(line.request(ask.method, target, headers, ask.content))
    async with asyncio.timeout(FIRST_BYTE_SECONDS):
        await writer.drain()
        head = await line.head()
    found = _Headers(head.headers)
    location = found.get("location") if head.status_code in REDIRECTS else None
    if ask.method == "GET" and location is not None:
        return Answer(Fetched(head.status_code, "", b""), location)
    if found.get("content-encoding", "identity").lower() != "identity":
        raise NotFetched("the answer is compressed, which was not asked for")
    length = found.get("content-length", "")
    if not ask.cut and length.isdecimal() and int(length) > ask.most:
        raise too_much(ask.most)
    content = await line.body(ask.most, cut=ask.cut)
    media_type, charset = _media_type(found.get("content-type", ""))
    return Answer(Fetched(head.status_code, media_type, content, charset))


def too_much(most: int) -> TooMuch:
    """The refusal of a large answer."""
    return TooMuch(f"it is larger than the {most} bytes that are taken")


class _Headers:
    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self._found = {name.decode("ascii").lower(): value for name, value in raw}

    def get(self, name: str, default: str | None = None) -> Any:
        value = self._found.get(name)
        return default if value is None else value.decode("utf-8", "replace").strip()


def _media_type(header: str) -> tuple[str, str | None]:
    named = header.partition(";")[0].strip().lower()
    charset = _CHARSET.search(header[:1000])
    known = named if _TYPE.fullmatch(named) else "application/octet-stream"
    return known, charset and charset[1].lower()


class _Line:
    """The client's side of one HTTP/1.1 connection."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._left = MOST_PIECES
        self._state = h11.Connection(h11.CLIENT, max_incomplete_event_size=LARGEST_HEAD)

    def request(
        self, method: str, target: str, headers: Mapping[str, str], content: bytes
    ) -> bytes:
        """The bytes of a request."""
        sized = {**headers, "Content-Length": str(len(content))} if method == "POST" else headers
        parts = [
            h11.Request(method=method, target=target, headers=list(sized.items())),
            h11.Data(data=content),
            h11.EndOfMessage(),
        ]
        return b"".join(self._state.send(part) or b"" for part in parts)

    async def head(self) -> h11.Response:
        """The head of the final answer."""
        while not isinstance(event := await self._event(), h11.Response):
            pass
        return event

    async def body(self, most: int, *, cut: bool) -> bytes:
        """The body, at most so many bytes of it; TooMuch for a larger one that is not cut."""
        content = bytearray()
        while isinstance(event := await self._event(), h11.Data):
            content += event.data
            if len(content) > most:
                if not cut:
                    raise too_much(most)
                return bytes(content[:most])
        return bytes(content)

    async def _event(self) -> Any:
        self._left -= 1
        if self._left < 0:
            raise NotFetched("it comes in too many pieces")
        while (event := self._state.next_event()) is h11.NEED_DATA:
            self._state.receive_data(await self._reader.read(BLOCK))
            # What is in the buffer already would be read without anybody else's turn between.
            await asyncio.sleep(0)
        return event
