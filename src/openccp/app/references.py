"""Inputs by reference: what others hold is fetched, what this platform holds is looked up."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from itertools import starmap

from openccp.app.own_address import held_at, path_inside
from openccp.app.services import Services
from openccp.core.access import Who
from openccp.core.ports import Fetched, NotFetched
from openccp.core.problems import InvalidRequest, Problem
from openccp.core.reference import Draft
from openccp.core.request import ExecuteRequest

AT_ONCE = 4
"""What one request fetches at a time."""
PATIENCE = 3
"""So many times the longest fetch is what all references of a request may take together."""


async def resolve(services: Services, who: Who, draft: Draft, root: str) -> ExecuteRequest:
    """The request with the values that its references stand for, checked like any others.

    `root` is the address by which the client knows this platform. InvalidRequest with a fault
    for each reference that gives nothing, too much, or what does not fit.
    """
    fetching = _Fetching(services, who, (root, services.rules.issuer))
    hrefs = Counter(reference.href for reference in draft.references)
    try:
        async with asyncio.timeout(PATIENCE * services.rules.fetch_seconds):
            found = await asyncio.gather(*starmap(fetching.one, hrefs.items()))
    except TimeoutError:
        raise InvalidRequest("Fetching the inputs by reference took too long.") from None
    got = dict(zip(hrefs, found, strict=True))
    values = {reference: got[reference.href] for reference in draft.references}
    return await asyncio.to_thread(draft.finish, values)


class _Fetching:
    """The references of one request: few at a time, and not more bytes than it may have."""

    def __init__(self, services: Services, who: Who, roots: Sequence[str]) -> None:
        self._services, self._who, self._roots = services, who, roots
        self._room = asyncio.Semaphore(AT_ONCE)
        self._left = services.rules.fetch_bytes

    async def one(self, href: str, times: int) -> Fetched | str:
        """What an address gives, or the words for why it gives nothing.

        It is fetched once, but counts as often as it becomes a value.
        """
        async with self._room:
            try:
                got = await self._got(href, max(0, self._left))
            except NotFetched as error:
                return str(error)
            except Problem as problem:
                return problem.detail
        self._left -= times * len(got.content)
        most = self._services.rules.fetch_bytes
        return got if self._left >= 0 else f"with it, this request has more than {most} bytes"

    async def _got(self, href: str, most: int) -> Fetched:
        inside = path_inside(href, self._roots)
        if inside is None:
            return await self._services.fetcher.get(href, most, by=self._who.id)
        return await held_at(self._services, self._who, inside, most)
