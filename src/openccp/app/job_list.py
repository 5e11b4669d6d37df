"""List jobs."""

from collections.abc import Mapping
from dataclasses import replace

from openccp.app.services import Services
from openccp.core.access import Who, may_see_method
from openccp.core.job_list import JobFilter, JobPage, Word

MOST_TITLED = 500


async def list_jobs(services: Services, who: Who, wanted: JobFilter) -> JobPage:
    """A page of jobs; words that are searched for may also be in the titles of their methods."""
    if wanted.search:
        titles = await _titles(services, who)
        search = tuple(tuple(_titled(word, titles) for word in some) for some in wanted.search)
        wanted = replace(wanted, search=search)
    return await services.jobs.page(wanted)


async def _titles(services: Services, who: Who) -> Mapping[str, str]:
    """The titles of the methods somebody may see, in lower case, by method."""
    return {
        method_id: revision.method.title.lower()
        for method_id, revision in (await services.catalogue.current()).items()
        if may_see_method(who, revision)
    }


def _titled(word: Word, titles: Mapping[str, str]) -> Word:
    found = [method_id for method_id, title in titles.items() if word.text in title]
    return Word(word.text, frozenset(found[:MOST_TITLED]))
