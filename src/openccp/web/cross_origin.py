"""Cross-origin requests of browsers: who may read answers (CORS, the fetch standard).

Credentials are never allowed: a page elsewhere works with a token that it was given, and a
browser's session is for our own pages. So `*` shows a foreign page nothing that the page could
not fetch by itself. The origin `null` (sandboxed frames, local files) is nobody's.
"""

from collections.abc import Sequence

Pairs = list[tuple[bytes, bytes]]
EXPOSED = (
    b"Location, Link, ETag, Preference-Applied, Content-Disposition, Content-Range, Retry-After, "
    b"WWW-Authenticate, Repr-Digest, Tus-Resumable, Tus-Version, Tus-Extension, Tus-Max-Size, "
    b"Tus-Checksum-Algorithm, Upload-Offset, Upload-Length, Upload-Expires"
)
TAKEN = (
    b"Accept, Accept-Profile, Authorization, Content-Schema, Content-Type, Idempotency-Key, "
    b"If-Match, If-None-Match, If-Range, Last-Event-ID, Prefer, Range, "
    b"Tus-Resumable, Upload-Checksum, Upload-Length, Upload-Metadata, Upload-Offset, "
    b"X-D4Science-Context"
)
REMEMBER_SECONDS = b"7200"


class Origins:
    """The origins whose pages may read answers; `*` stands for all of them."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._all = "*" in allowed
        self._some = frozenset(origin.rstrip("/").encode() for origin in allowed)

    def answered(self, origin: bytes) -> Pairs:
        """The headers of any answer to a page of `origin`."""
        if origin == b"null" or not (self._all or origin in self._some):
            return []
        return [
            (b"access-control-allow-origin", b"*" if self._all else origin),
            (b"access-control-expose-headers", EXPOSED),
        ]

    def asked_before(self, origin: bytes, methods: bytes) -> Pairs:
        """What the answer to a preflight carries beside the headers of any answer."""
        if not self.answered(origin):
            return []
        return [
            (b"access-control-allow-methods", methods),
            (b"access-control-allow-headers", TAKEN),
            (b"access-control-max-age", REMEMBER_SECONDS),
        ]
