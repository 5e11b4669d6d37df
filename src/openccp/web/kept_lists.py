"""Rendered process lists: who asks again gets the same bytes, until the catalogue has changed."""

from collections import OrderedDict
from collections.abc import Mapping

from openccp.core.method import Revision
from openccp.web.render import etag

KEPT_BYTES = 16 << 20
OVERHEAD = 1_000
Question = tuple[object, ...]
Rendered = tuple[bytes, str]
"""The bytes and their ETag."""


class KeptLists:
    """The lists that were asked for last, by everything they depend on beside the catalogue."""

    def __init__(self) -> None:
        self._catalogue: Mapping[str, Revision] = {}
        self._kept: OrderedDict[Question, Rendered] = OrderedDict()
        self._bytes = 0

    def get(self, catalogue: Mapping[str, Revision], question: Question) -> Rendered | None:
        """The list as it was rendered of this very catalogue, None if it is not known."""
        if catalogue is not self._catalogue:
            self._catalogue, self._bytes = catalogue, 0
            self._kept.clear()
        if (found := self._kept.get(question)) is not None:
            self._kept.move_to_end(question)
        return found

    def put(self, question: Question, body: bytes) -> Rendered:
        """Remember a list of the catalogue that was asked for last."""
        rendered = self._kept[question] = body, etag(body)
        self._bytes += len(body) + OVERHEAD
        while self._bytes > KEPT_BYTES:
            _, (dropped, _) = self._kept.popitem(last=False)
            self._bytes -= len(dropped) + OVERHEAD
        return rendered
