"""A way to a platform that loses the connection in the middle of a download, twice."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BLOCK = 1 << 14
CLOSED, RESET = "closed", "reset"
LOSSES = (CLOSED, RESET)
"""How the connection is lost at the first and the second request for a file."""


@dataclass
class CuttingProxy:
    """Where it listens, and from which byte on the file was asked for, request by request."""

    port: int
    behind: int
    cut: tuple[str, ...]
    starts: list[int] = field(default_factory=list)

    @property
    def url(self) -> str:
        """What a program takes for the platform."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def cutting_proxy(behind: int, *cut: str) -> Iterator[CuttingProxy]:
    """A proxy to the port `behind` that cuts the download whose path has one of these ends."""
    known = CuttingProxy(0, behind, cut)
    handler = type("Passing", (_Passing,), {"known": known})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        known.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield known
        server.shutdown()
        thread.join()


class _Passing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    known: CuttingProxy

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the test tells."""

    def do_GET(self) -> None:
        self._pass_on(None)

    def do_POST(self) -> None:
        self._pass_on(self.rfile.read(int(self.headers["Content-Length"])))

    def _pass_on(self, body: bytes | None) -> None:
        upstream = HTTPConnection("127.0.0.1", self.known.behind, timeout=60)
        upstream.request(self.command, self.path, body, dict(self.headers.items()))
        answer = upstream.getresponse()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        try:
            self._body(answer)
        finally:
            upstream.close()

    def _body(self, answer: HTTPResponse) -> None:
        whole = answer.length
        lost = self._lost(answer.status)
        if whole is None:
            content = answer.read()
            whole = len(content)
            self._head(whole)
            self.wfile.write(content)
            return
        self._head(whole)
        left = whole // 2 if lost else whole
        while left and (block := answer.read(min(BLOCK, left))):
            self.wfile.write(block)
            left -= len(block)
        if lost:
            self._lose(lost)

    def _head(self, length: int) -> None:
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def _lost(self, status: int) -> str | None:
        """Whether this answer is to be cut, and how; remembers where its file goes on."""
        if not self.path.endswith(self.known.cut) or status not in (200, 206):
            return None
        start = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0]
        self.known.starts.append(int(start))
        number = len(self.known.starts) - 1
        return LOSSES[number] if number < len(LOSSES) else None

    def _lose(self, how: str) -> None:
        self.close_connection = True
        if how == RESET:
            at_once = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
            socket.close(self.connection.detach())
