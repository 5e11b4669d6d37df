"""HTTP/1.1 connections whose request heads are bounded, in size and in time.

The server beneath takes heads of any length and waits for them forever, also from strangers.
"""

import asyncio
from typing import Any

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from openccp.core.problems import OURS, Problem
from openccp.web.errors import PROBLEM_JSON, document

HEAD_BYTES = 64 << 10
HEAD_SECONDS = 20.0
LINGER = 1.0


class HeadTooLarge(Problem):
    """The address and headers of the request are larger than this server takes."""

    status, type, title = 431, OURS + "head-too-large", "Request header fields too large"


class NotHttp(Problem):
    """This is no HTTP request that can be understood."""

    status, type, title = 400, OURS + "not-http", "Bad request"


class BoundedHttp(HttpToolsProtocol):
    """One connection. A head that is too long is refused, one that does not end hung up on."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._size = 0
        self._messages = 0
        self._refused = False
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head, and not forever."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._be_patient()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Let it be parsed, then see whether a head that began before goes on too long."""
        if self._refused:
            return
        before = self._messages if self._in_head else None
        super().data_received(data)
        if not self._in_head:
            return
        if self._messages == before:
            self._size += len(data)
        if self._size > HEAD_BYTES:
            self._refuse(HeadTooLarge())
        elif self._patience is None:
            self._wait()

    def on_message_begin(self) -> None:
        """A head begins."""
        self._in_head = True
        self._messages += 1
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A head has ended."""
        self._in_head, self._size = False, 0
        self._be_patient()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, in the words of every other refusal."""
        self._refuse(NotHttp())

    def _wait(self) -> None:
        self._patience = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _be_patient(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _refuse(self, problem: Problem) -> None:
        """Answer, then read on for a moment: to hang up at once could take the answer back."""
        self._refused = True
        self._be_patient()
        body = orjson.dumps(document(problem, ""))
        self.transport.write(
            f"HTTP/1.1 {problem.status} {problem.title}\r\nContent-Type: {PROBLEM_JSON}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
            + body
        )
        self.loop.call_later(LINGER, self.transport.close)
