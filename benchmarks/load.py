"""A small HTTP/1.1 load generator: keep-alive connections, one request under way on each.

It parses no more of an answer than its status, length and Location, so that most of the machine
is left to the server under test.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import cast

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_LAST_CHUNK = b"0\r\n\r\n"
_HEAD_END = b"\r\n\r\n"
SILENCE = 120.0
"""No measurement may take longer beyond its own length: a server that hangs is an error."""


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request, sent again and again."""

    path: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def encoded(self, port: int) -> bytes:
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join(lines).encode() + _HEAD_END + self.body


@dataclass(slots=True)
class Answers:
    """What came back: latencies in seconds, how often each status, and kept bodies."""

    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, percent: float) -> float:
        """The latency, in milliseconds, that `percent` of the answers did not exceed."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


class UnexpectedStatus(Exception):
    """A server answered otherwise than the benchmark needs, so its figure would mean nothing."""


class _Connection(asyncio.Protocol):
    def __init__(
        self, request: bytes, answers: Answers, more: Callable[[], bool], keep: bool
    ) -> None:
        self._request, self._answers, self._more, self._keep = request, answers, more, keep
        self._buffer = bytearray()
        self._sent = 0.0
        self._transport: asyncio.Transport | None = None
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._next()

    def data_received(self, content: bytes) -> None:
        self._buffer += content
        if (end := _end_of_answer(self._buffer)) is not None:
            self._record(end)
            self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(error or ConnectionError("the server closed the connection"))

    def _next(self) -> None:
        assert self._transport is not None
        if self._more():
            self._sent = time.perf_counter()
            self._transport.write(self._request)
        elif not self.ended.done():
            self.ended.set_result(None)
            self._transport.close()

    def _record(self, end: int) -> None:
        self._answers.latencies.append(time.perf_counter() - self._sent)
        self._answers.statuses[int(self._buffer[9:12])] += 1
        if self._keep:
            head, _, body = bytes(self._buffer[:end]).partition(_HEAD_END)
            self._answers.heads.append(head)
            self._answers.bodies.append(body)
        del self._buffer[:end]


def _end_of_answer(buffer: bytearray) -> int | None:
    head = buffer.find(_HEAD_END)
    if head < 0:
        return None
    if length := _LENGTH.search(buffer, 0, head + 2):
        end = head + len(_HEAD_END) + int(length[1])
        return end if len(buffer) >= end else None
    if _CHUNKED.search(buffer, 0, head + 2):
        return len(buffer) if buffer.endswith(_LAST_CHUNK) else None
    return head + len(_HEAD_END)


async def hammer(
    port: int,
    call: Call,
    *,
    clients: int,
    seconds: float = 0.0,
    count: int = 0,
    keep: bool = False,
    expect: int = HTTPStatus.OK,
) -> Answers:
    """Send `call` over `clients` connections for `seconds`, or `count` times in all."""
    answers, loop = Answers(), asyncio.get_running_loop()
    started = time.perf_counter()
    more = _until(started + seconds) if seconds else _times(count)
    request = call.encoded(port)
    connections = [
        (
            await loop.create_connection(
                lambda: _Connection(request, answers, more, keep), "127.0.0.1", port
            )
        )[1]
        for _ in range(clients)
    ]
    async with asyncio.timeout(seconds + SILENCE):
        await asyncio.gather(*(connection.ended for connection in connections))
    answers.seconds = time.perf_counter() - started
    if set(answers.statuses) != {expect}:
        raise UnexpectedStatus(f"{call.method} {call.path}: {dict(answers.statuses)}")
    return answers


def _until(deadline: float) -> Callable[[], bool]:
    return lambda: time.perf_counter() < deadline


def _times(count: int) -> Callable[[], bool]:
    left = iter(range(count))
    return lambda: next(left, None) is not None
