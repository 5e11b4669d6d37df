"""How the results of a job came to be."""

import asyncio

from openccp.app.results import recorded
from openccp.app.services import Services
from openccp.core.definition import marked
from openccp.core.job import Job, Phase, Status
from openccp.core.problems import ProvenanceNotAvailable
from openccp.core.provenance import Form, Story
from openccp.core.strict_json import loads


async def provenance(services: Services, job: Job, root: str, form: Form) -> bytes:
    """What is known of a job by now, in W3C PROV; ProvenanceNotAvailable before its start."""
    if job.status is Status.CREATED:
        raise ProvenanceNotAvailable
    story = await _story(services, job, root)
    return await asyncio.to_thread(services.provenance, story, form)


async def _story(services: Services, job: Job, root: str) -> Story:
    revision, request = await recorded(services, job)
    account = await services.accounts.account(job.owner)
    ended = job.phase in (Phase.UNDEPLOYING, Phase.DONE)
    sent = await services.jobs.sent(job.id)
    return Story(
        job=job,
        events=await services.jobs.events(job.id),
        revision=revision,
        request=request,
        secrets=marked(loads(sent)) if revision.method.secrets and sent else (),
        manifest=services.files.manifest(job.id) if ended else None,
        person=job.owner if account is None else account.name,
        root=root,
    )
