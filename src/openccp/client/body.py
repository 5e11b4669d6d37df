"""A reply's body read to its end over broken connections."""

from dataclasses import replace

from openccp.client.errors import CCPError, Refused, Unreachable
from openccp.client.session import LONG_PATIENCE, Backoff, Session
from openccp.client.steps import Pause, Read, Reply, Request, Steps


class Body:
    """Bytes from `offset` on; asks for the rest by Range when a connection breaks.

    What is read must not change meanwhile, unless it `grows`.
    """

    def __init__(
        self, session: Session, request: Request, offset: int = 0, *, grows: bool = False
    ) -> None:
        self._grows = grows
        self._session = session
        self._request = request
        self._offset = offset
        self._skip = 0
        self._total: int | None = None
        self._etag: str | None = None
        self._reply: Reply | None = None
        self._backoff = Backoff(LONG_PATIENCE)

    def head(self) -> Steps[Reply]:
        """The reply's status and headers, before anything is read."""
        if self._reply is None:
            self._reply = yield from self._open()
        return self._reply

    def read(self) -> Steps[bytes | None]:
        """The next piece, None at the end; Unreachable when no try brings any more."""
        while True:
            try:
                piece = yield from self._next()
            except Unreachable:
                self._reply = None
                pause = self._backoff.pause()
                if pause is None:
                    raise
                yield Pause(pause)
            else:
                if piece != b"":
                    return piece

    def _next(self) -> Steps[bytes | None]:
        reply = yield from self.head()
        if reply.stream is None:
            return None
        piece: bytes | None = yield Read(reply.stream)
        if piece is None:
            self._check_whole()
            return None
        piece, self._skip = piece[self._skip :], max(self._skip - len(piece), 0)
        if piece:
            self._offset += len(piece)
            self._backoff = Backoff(LONG_PATIENCE)
        return piece

    def _open(self) -> Steps[Reply]:
        wanted = {"Range": f"bytes={self._offset}-"} if self._offset else {}
        request = replace(self._request, headers={**self._request.headers, **wanted})
        try:
            reply = yield from self._session.open(request)
        except Refused as refused:
            if refused.status == 416 and self._offset:
                return Reply(416, {})
            raise
        self._look_at(reply)
        return reply

    def _look_at(self, reply: Reply) -> None:
        etag = reply.headers.get("etag")
        if self._etag not in (None, etag) and not self._grows:
            raise CCPError(f"{self._request.path} changed while it was read.")
        self._etag = etag
        partial = reply.status == 206
        if partial and not _starts_at(reply, self._offset):
            raise CCPError(f"{self._request.path}: the server sent another part than asked for.")
        self._skip = 0 if partial else self._offset
        length = reply.headers.get("content-length", "")
        if length.isdigit():
            self._total = int(length) + (self._offset if partial else 0)

    def _check_whole(self) -> None:
        if self._total is not None and self._offset < self._total:
            raise Unreachable(f"{self._request.path} came cut short.")


def _starts_at(reply: Reply, offset: int) -> bool:
    return reply.headers.get("content-range", "").startswith(f"bytes {offset}-")
