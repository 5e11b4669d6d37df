"""Find and show methods, as far as the caller may see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from openccp.app.services import Services
from openccp.core.access import Who, may_see_method
from openccp.core.method import Revision
from openccp.core.problems import NoSuchProcess


async def visible_method(services: Services, who: Who, method_id: str) -> Revision:
    """The current revision; NoSuchProcess also when the caller may not see it."""
    revision = (await services.catalogue.current()).get(method_id)
    if revision is None or not may_see_method(who, revision):
        raise NoSuchProcess
    return revision


@dataclass(frozen=True, slots=True)
class MethodPage:
    """Methods in the order of ids, and the ids that lead on and back, None where none do."""

    methods: Sequence[Revision]
    following: str | None
    previous: str | None


def visible_methods(
    catalogue: dict[str, Revision],
    who: Who,
    limit: int,
    after: str | None = None,
    before: str | None = None,
) -> MethodPage:
    """A page of a catalogue: what follows the id `after`, or what comes up to and with `before`."""
    current = catalogue.values()
    if before is not None:
        upwards = (r for r in reversed(current) if r.method.id <= before)
        found = list(islice((r for r in upwards if may_see_method(who, r)), limit + 1))
        previous = found[limit].method.id if len(found) > limit else None
        return MethodPage(found[:limit][::-1], before, previous)
    behind = (r for r in current if after is None or r.method.id > after)
    found = list(islice((r for r in behind if may_see_method(who, r)), limit + 1))
    following = found[limit - 1].method.id if len(found) > limit else None
    return MethodPage(found[:limit], following, after)
