"""/bulk/jobs: what the list of jobs does to those that are chosen, or to all that it shows."""

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from openccp.app.job_list import list_jobs
from openccp.app.several import MOST_AT_ONCE, Outcome, Verb, do_to_all
from openccp.core.access import Who
from openccp.core.job_list import JobPage, place_of
from openccp.core.problems import InvalidRequest
from openccp.web.api.sign_in import prefix
from openccp.web.job_filter import job_filter
from openccp.web.negotiate import caller, here, services
from openccp.web.paging import AFTER, BEFORE, JOBS, cursor
from openccp.web.posted import Posted, posted
from openccp.web.render import page, render

NO_STORE = {"Cache-Control": "no-store"}
COMPARE = "compare"


async def send_several(request: Request) -> Response:
    """POST /bulk/jobs: the jobs named in the form, or with `all` those that the query finds.

    Deleting from a page asks first: `sure` says that it was asked.
    """
    who, form = await caller(request), await posted(request)
    if form.text("do") == COMPARE:
        return _comparison(request, form.texts("job"))
    verb, tag = _verb(form), form.text("tag").strip()
    found = await _found(request, who) if form.text("all") else None
    ids = form.texts("job") if found is None else [job.id for job in found.jobs]
    if verb is Verb.DELETE and not form.text("sure"):
        return page(request, "several_sure", _asked(request, verb, ids, found), 200, NO_STORE)
    outcome = await do_to_all(services(request), who, verb, ids, tag)
    document = _told(request, verb, tag, outcome, found)
    return render(request, document, "several", headers=NO_STORE)


def _comparison(request: Request, ids: list[str]) -> Response:
    """On to the page of two jobs."""
    if len(ids) != 2:
        raise InvalidRequest("Choose two jobs to compare.")
    first, second = (quote(one, safe="") for one in ids)
    address = f"{prefix(request)}/jobs/{first}/compare?with={second}"
    return RedirectResponse(address, 303, NO_STORE)


def _verb(form: Posted) -> Verb:
    try:
        return Verb(form.text("do"))
    except ValueError:
        raise InvalidRequest(f"do is one of {', '.join(Verb)}.") from None


async def _found(request: Request, who: Who) -> JobPage:
    """The first thousand that the query finds; the place to go on from is in the page."""
    wanted = job_filter(request, who, services(request).clock(), MOST_AT_ONCE)
    if wanted is None:
        return JobPage()
    if wanted.upwards:
        wanted = replace(wanted, before=None)
    return await list_jobs(services(request), who, replace(wanted, limit=MOST_AT_ONCE))


def _asked(request: Request, verb: Verb, ids: list[str], found: JobPage | None) -> dict[str, Any]:
    return {
        "do": verb,
        "jobs": [] if found else ids,
        "count": len(ids),
        "more": found is not None and found.older is not None,
        "all": found is not None,
    }


def _told(
    request: Request, verb: Verb, tag: str, outcome: Outcome, found: JobPage | None
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "do": verb,
        "done": len(outcome.done),
        "jobs": outcome.done,
        "refused": [{"jobID": one.job, "detail": one.why} for one in outcome.refused],
    }
    if tag:
        document["tag"] = tag
    if found is not None and found.older is not None:
        after = cursor(JOBS, place_of(found.jobs[-1]) if found.jobs else found.older)
        document["next"] = here(request, **{AFTER: after, BEFORE: None})
    return document


routes = [Route("/bulk/jobs", send_several, methods=["POST"])]
