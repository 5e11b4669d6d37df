"""One thing done to many jobs: cancel, delete, tag, untag."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from openccp.app.jobs import dismiss
from openccp.app.labels import retag
from openccp.app.services import Services
from openccp.core.access import Who
from openccp.core.job import Job
from openccp.core.labels import checked_tags
from openccp.core.problems import InvalidRequest, PreconditionFailed, Problem

MOST_AT_ONCE = 1_000
AT_A_TIME = 50
"""So many changes may share one commit."""


class Verb(StrEnum):
    """What can be done to many jobs."""

    CANCEL = "cancel"
    DELETE = "delete"
    TAG = "tag"
    UNTAG = "untag"


UNFIT = {
    Verb.CANCEL: "It has ended already.",
    Verb.DELETE: "It has not ended yet: cancel it first.",
}


@dataclass(frozen=True, slots=True)
class Refused:
    """A job that it was not done to, and why."""

    job: str
    why: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """To which jobs it was done, and to which not."""

    done: tuple[str, ...]
    refused: tuple[Refused, ...]


async def do_to_all(
    services: Services, who: Who, verb: Verb, ids: Sequence[str], tag: str = ""
) -> Outcome:
    """Do it to each of the jobs; what cannot be done to one keeps no other from it.

    InvalidRequest for more than 1,000 jobs, and for a tag that is none where one is needed.
    """
    if len(ids) > MOST_AT_ONCE:
        raise InvalidRequest(f"At most {MOST_AT_ONCE:,} jobs at once.")
    tags = checked_tags([tag])
    if verb in (Verb.TAG, Verb.UNTAG) and not tags:
        raise InvalidRequest("Say which tag.")
    found: list[Refused | str] = []
    for some in _parts(ids):
        found += await asyncio.gather(*(_one(services, who, verb, one, tags) for one in some))
    done = tuple(one for one in found if isinstance(one, str))
    return Outcome(done, tuple(one for one in found if isinstance(one, Refused)))


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    unique = list(dict.fromkeys(ids))
    return (unique[start : start + AT_A_TIME] for start in range(0, len(unique), AT_A_TIME))


async def _one(
    services: Services, who: Who, verb: Verb, job_id: str, tags: Sequence[str]
) -> Refused | str:
    try:
        await _done(services, who, verb, job_id, tags)
    except PreconditionFailed:
        return Refused(job_id, UNFIT[verb])
    except Problem as problem:
        return Refused(job_id, problem.detail)
    return job_id


async def _done(services: Services, who: Who, verb: Verb, job_id: str, tags: Sequence[str]) -> Job:
    match verb:
        case Verb.CANCEL:
            return await dismiss(services, who, job_id, lambda job: not job.final)
        case Verb.DELETE:
            return await dismiss(services, who, job_id, lambda job: job.final)
        case Verb.TAG:
            return await retag(services, who, job_id, tags, ())
        case Verb.UNTAG:
            return await retag(services, who, job_id, (), tags)
    assert_never(verb)
