"""Run a job again, and compare two runs."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import orjson

from openccp.app.execute import Accepted, Preference, execute
from openccp.app.jobs import own_job, visible_job
from openccp.app.report import Report, report
from openccp.app.services import Services
from openccp.core.access import Who
from openccp.core.definition import marked
from openccp.core.job import Job
from openccp.core.job_list import JobFilter, place_of
from openccp.core.problems import NotFound, Problem


class SecretsNeeded(Problem):
    """The job had secrets, which are not kept: give them again in the form."""

    status, type, title = 409, "urn:openccp:problem:secrets-needed", "Secrets have to be given"


async def again(services: Services, who: Who, job_id: str, key: str | None, root: str) -> Accepted:
    """A new job of what was sent for an earlier one of mine, by the method as it is now.

    SecretsNeeded where some of it was secret; NotFound where what was sent was not kept.
    """
    job = await own_job(services, who, job_id)
    sent = await services.jobs.sent(job.id)
    if not sent:
        raise NotFound("What was sent for this job was not kept.")
    if marked(orjson.loads(sent)):
        raise SecretsNeeded
    if job.context in who.contexts:
        who = replace(who, context=job.context)
    once = Preference(respond_async=True)
    return await execute(services, who, job.method, sent, once, key, root)


@dataclass(frozen=True, slots=True)
class Row:
    """One thing in which two runs may differ; None where a run has nothing of the kind."""

    kind: str
    name: str
    first: str | None
    second: str | None

    @property
    def same(self) -> bool:
        """Whether both runs have the same."""
        return self.first == self.second


async def earlier(services: Services, job: Job) -> Job | None:
    """The run of the same method that its owner made before this one."""
    wanted = JobFilter(job.owner, 1, after=place_of(job), methods=(job.method,))
    return next(iter((await services.jobs.page(wanted)).jobs), None)


async def compare(
    services: Services, who: Who, first_id: str, second_id: str | None
) -> tuple[Report, Report | None, tuple[Row, ...]]:
    """Two jobs that the caller may see, side by side; or the first with nothing beside it."""
    first = await report(services, await visible_job(services, who, first_id))
    if second_id is None:
        return first, None, tuple(_rows(first, None))
    second = await report(services, await visible_job(services, who, second_id))
    return first, second, tuple(_rows(first, second))


def _rows(first: Report, second: Report | None) -> Iterator[Row]:
    for kind, facts in _KINDS.items():
        one, two = facts(first), {} if second is None else facts(second)
        for name in dict.fromkeys([*one, *two]):
            yield Row(kind, name, one.get(name), two.get(name))


def _run(it: Report) -> Mapping[str, str]:
    facts = {
        "process": it.job.method,
        "version": it.revision.method.version,
        "method": it.method_digest,
        "infrastructure": it.job.infrastructure,
        "image": it.request.image,
        "replicas": str(it.request.replicas),
        "status": str(it.job.status),
    }
    return facts | {name: str(value) for name, value in it.runtime.items() if name != "attempt"}


def _inputs(it: Report) -> Mapping[str, str]:
    return {
        given.name: given.value if given.value is not None else f"sha256:{given.sha256}"
        for given in it.inputs
    }


def _outputs(it: Report) -> Mapping[str, str]:
    return {entry.path: f"sha256:{entry.sha256}" for entry in it.outputs}


def _seconds(it: Report) -> Mapping[str, str]:
    spent: dict[str, float] = {}
    for step in it.steps:
        spent[step.phase] = spent.get(step.phase, 0.0) + step.seconds(it.now)
    return {str(phase): f"{seconds:.1f} s" for phase, seconds in spent.items()}


_KINDS: Mapping[str, Callable[[Report], Mapping[str, str]]] = {
    "run": _run,
    "input": _inputs,
    "output": _outputs,
    "duration": _seconds,
}
