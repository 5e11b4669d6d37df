"""Links that let whoever has them look at one job, until a day, and change nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from openccp.app.jobs import own_job
from openccp.app.services import Services
from openccp.core.access import Who
from openccp.core.identity import kind_of_secret, new_secret, secret_digest
from openccp.core.job import Job
from openccp.core.problems import InvalidRequest, NoSuchJob, NotFound
from openccp.core.stores import Credential, StoredCredential

DAY = 86_400.0
MOST_DAYS = 365
MOST_LINKS = 50
LONGEST_LABEL = 100
ID_LETTERS = 16


@dataclass(frozen=True, slots=True)
class Share:
    """A link as its owner sees it in a list; the secret in it is shown once only."""

    id: str
    created: float
    expires: float
    label: str


async def share(
    services: Services, who: Who, job_id: str, days: int, label: str
) -> tuple[Share, str]:
    """A new link to a job of one's own, and its secret. InvalidRequest for more than a year."""
    if not 1 <= days <= MOST_DAYS or len(label) > LONGEST_LABEL:
        raise InvalidRequest(
            f"A link ends after 1 to {MOST_DAYS} days; its name has up to {LONGEST_LABEL} letters."
        )
    job = await own_job(services, who, job_id)
    if len(await _links(services, who, job)) >= MOST_LINKS:
        raise InvalidRequest(f"A job has at most {MOST_LINKS} links: end one of them first.")
    now, secret = services.clock(), new_secret(Credential.SHARE)
    kept = StoredCredential(
        secret_digest(secret),
        Credential.SHARE,
        who.id,
        now,
        now + days * DAY,
        label.strip(),
        family=job.id,
    )
    await services.accounts.add_credential(kept)
    return _shown(kept), secret


async def shares(services: Services, who: Who, job_id: str) -> Sequence[Share]:
    """The links to a job of one's own that have not ended."""
    job = await own_job(services, who, job_id)
    return [_shown(one) for one in await _links(services, who, job)]


async def end_share(services: Services, who: Who, job_id: str, share_id: str) -> None:
    """End a link at once; NotFound where there is none of this id."""
    job = await own_job(services, who, job_id)
    for one in await _links(services, who, job):
        if _shown(one).id == share_id:
            await services.accounts.revoke(one.digest)
            return
    raise NotFound("The job has no link of this id.")


async def guest(services: Services, secret: str) -> tuple[Who, Job]:
    """Who comes by a link, and the job it shows.

    NoSuchJob for what is no link, or one that has ended, was revoked, or whose job is gone: all
    the same, so that nobody learns which.
    """
    if kind_of_secret(secret) is not Credential.SHARE:
        raise NoSuchJob
    known = await services.accounts.credential(secret_digest(secret))
    if known is None or known.kind is not Credential.SHARE or not known.family:
        raise NoSuchJob
    if known.expires is None or services.clock() >= known.expires:
        raise NoSuchJob
    job = await services.jobs.get(known.family)
    if job is None or job.owner != known.account:
        raise NoSuchJob
    return Who("", "a guest", frozenset(), reads=job.id), job


async def _links(services: Services, who: Who, job: Job) -> list[StoredCredential]:
    now = services.clock()
    every = await services.accounts.credentials(who.id, Credential.SHARE)
    return [one for one in every if one.family == job.id and (one.expires or 0) > now]


def _shown(one: StoredCredential) -> Share:
    return Share(one.digest[:ID_LETTERS], one.created, one.expires or 0.0, one.label)
