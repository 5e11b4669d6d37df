"""Write a method: look at a draft, see what its jobs would receive, try it, publish it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from openccp.app.choose import where
from openccp.app.deploy import Deployed, check_may_change, checked, deploy, remarks
from openccp.app.describe import visible_method
from openccp.app.packages import Sent
from openccp.app.services import Services
from openccp.app.stage import case, task
from openccp.core.access import Who
from openccp.core.job import Job, Stage
from openccp.core.method import Method, Revision
from openccp.core.ports import Task
from openccp.core.problems import Fault, PreconditionFailed, Problem
from openccp.core.validate import read_request


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with a draft, or the method that it is; and what its author should know."""

    method: Method | None
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]


async def edited_method(services: Services, who: Who, method_id: str) -> Revision:
    """The revision that the caller may change; Forbidden or ImmutableProcess where he may not."""
    revision = await visible_method(services, who, method_id)
    check_may_change(who, revision)
    return revision


async def examine(services: Services, who: Who, document: Any, expect: str | None) -> Verdict:
    """What deploying a draft would find, without deploying it; `expect` is the method edited."""
    try:
        method = await asyncio.to_thread(checked, document)
    except Problem as problem:
        return Verdict(None, problem.faults or (Fault("", problem.detail),), ())
    if expect is None and method.id in await services.catalogue.current():
        return Verdict(None, (Fault("/id", "a process of this id is there already"),), ())
    if expect is not None and method.id != expect:
        return Verdict(None, (Fault("/id", f"the id stays {expect!r}"),), ())
    return Verdict(method, (), remarks(services, who, method))


async def received(services: Services, who: Who, method: Method, inputs: Any) -> Task:
    """What a job of a draft would be given for these inputs: the task that would be staged.

    InvalidRequest where the inputs do not fit.
    """
    return await asyncio.to_thread(_task, services, who, method, inputs)


def _task(services: Services, who: Who, method: Method, inputs: Any) -> Task:
    request = read_request(method, {"inputs": inputs})
    place = next(iter(where(services, who, method)), "")
    now = services.clock()
    revision = Revision(method, 0, who.id, public=False, mutable=True, created=now)
    job = Job("JOB", method.id, 0, who.id, who.context, place, now, now)
    return task(job, Stage.RUN, case(revision, request, services.rules, place))


async def keep_draft(services: Services, who: Who, document: Mapping[str, Any]) -> Revision:
    """A draft as a method of its own that only the caller sees, to be run before it is published.

    Each of his drafts of a method replaces the one before.
    """
    own = draft_id(who, str(document.get("id", "")))
    metadata = [one for one in document.get("metadata") or () if one.get("role") != "context"]
    private = {**document, "id": own, "metadata": metadata}
    private["title"] = f"{document.get('title') or document.get('id')} (draft)"
    known = own if own in await services.catalogue.current() else None
    return (await deploy(services, who, Sent(orjson.dumps(private)), expect=known)).revision


def draft_id(who: Who, method_id: str) -> str:
    """The id of somebody's draft of a method: nobody else's has it."""
    return f"{method_id}.draft-{sha256(who.id.encode()).hexdigest()[:12]}"


async def publish(
    services: Services,
    who: Who,
    document: Any,
    *,
    public: bool,
    expect: str | None,
    number: int | None,
) -> Deployed:
    """Deploy a draft; PreconditionFailed where the method was changed since it was looked at."""
    if expect is not None:
        current = await edited_method(services, who, expect)
        if current.number != number:
            raise PreconditionFailed("Somebody published another version since you began.")
    sent = Sent(orjson.dumps(document))
    deployed = await deploy(services, who, sent, public=public, expect=expect)
    tried = (await services.catalogue.current()).get(draft_id(who, deployed.revision.method.id))
    if tried is not None and tried.owner == who.id:
        await services.catalogue.remove(tried.method.id)
    return deployed
