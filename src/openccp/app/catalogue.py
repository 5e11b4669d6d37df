"""The methods there are, kept in memory: revisions never change, so only the list may age."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from openccp.core.method import Revision
from openccp.core.ports import Clock
from openccp.core.stores import MethodStore

KEPT_REVISIONS = 512


class Catalogue:
    """Reads through to the method store; the current list is at most `max_age` seconds old."""

    def __init__(self, methods: MethodStore, clock: Clock, max_age: float = 5.0) -> None:
        self.methods = methods
        self._clock = clock
        self._max_age = max_age
        self._current: dict[str, Revision] = {}
        self._read_at = float("-inf")
        self._revisions: OrderedDict[tuple[str, int], Revision] = OrderedDict()

    async def current(self) -> dict[str, Revision]:
        """Current revisions by method id, by their order: one object until one changes."""
        now = self._clock()
        if not 0 <= now - self._read_at < self._max_age:
            read = {r.method.id: r for r in await self.methods.all()}
            if not _same(read, self._current):
                self._current = read
            self._read_at = now
        return self._current

    async def revision(self, method_id: str, number: int) -> Revision | None:
        """A revision for good, also of a method that was removed since."""
        key = (method_id, number)
        if (kept := self._revisions.get(key)) is not None:
            self._revisions.move_to_end(key)
            return kept
        found = await self.methods.revision(method_id, number)
        if found is not None:
            self._revisions[key] = found
            while len(self._revisions) > KEPT_REVISIONS:
                self._revisions.popitem(last=False)
        return found

    async def add(
        self, revision: Revision, package: bytes, media_type: str, *, replace: bool
    ) -> Revision:
        """Keep a new revision and forget the list that lacks it."""
        try:
            return await self.methods.add(revision, package, media_type, replace=replace)
        finally:
            self.forget()

    async def remove(self, method_id: str) -> None:
        """Undeploy a method."""
        try:
            await self.methods.remove(method_id)
        finally:
            self.forget()

    async def listed(self) -> Sequence[Revision]:
        """The current revisions as a list."""
        return list((await self.current()).values())

    def forget(self) -> None:
        """Read the list again at the next call."""
        self._read_at = float("-inf")


def _same(one: Mapping[str, Revision], other: Mapping[str, Revision]) -> bool:
    """Whether both hold the same revisions, by identity: the store remembers those it has read."""
    return len(one) == len(other) and all(other.get(name) is found for name, found in one.items())
