"""Find and show methods, as far as the caller may see them."""

from collections.abc import Sequence

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


async def visible_methods(
    services: Services, who: Who, after: str | None, limit: int
) -> tuple[Sequence[Revision], bool]:
    """A page of methods by id, beginning behind `after`; says whether there are more."""
    page: list[Revision] = []
    for method_id, revision in (await services.catalogue.current()).items():
        if (after is None or method_id > after) and may_see_method(who, revision):
            if len(page) == limit:
                return page, True
            page.append(revision)
    return page, False
