"""/processes/{id}/versions: those that were, and what changed; and the page of a method."""

from typing import Any
from urllib.parse import quote

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openccp.app.describe import visible_method
from openccp.app.method_runs import Runs, my_runs
from openccp.app.versions import changes, versions
from openccp.core.access import Who, may_change_method
from openccp.core.method import Revision
from openccp.core.problems import InvalidQueryParameter
from openccp.web.documents import as_page, link, moment, status_info
from openccp.web.negotiate import caller, known_parameters, root, services
from openccp.web.profiles import Profile
from openccp.web.render import page, render

ON_THE_PAGE = 5


async def list_versions(request: Request) -> Response:
    """GET /processes/{id}/versions: the newest first."""
    who = await caller(request)
    current = await visible_method(services(request), who, request.path_params["process_id"])
    known_parameters(request)
    known = await versions(services(request), who, current)
    here = _address(request, current)
    links = [
        link(f"{here}/versions", "self", "The versions of this process"),
        as_page(f"{here}/versions"),
        link(here, "up", "The process"),
        link(f"{here}/versions/changes", "related", "What changed last"),
    ]
    document = {"id": current.method.id, "versions": [_told(one) for one in known], "links": links}
    return render(request, document, "versions")


async def show_changes(request: Request) -> Response:
    """GET /processes/{id}/versions/changes: from one to another, by default the last two."""
    who, process_id = await caller(request), request.path_params["process_id"]
    await visible_method(services(request), who, process_id)
    known_parameters(request, "from", "to")
    first, second = _number(request, "from"), _number(request, "to")
    found = await changes(services(request), who, process_id, first, second)
    document: dict[str, Any] = {
        "id": process_id,
        "from": _told(found.first) if found.first else None,
        "to": _told(found.second),
        "changes": [{"name": one.name, "lines": one.lines} for one in found.changes],
    }
    return render(request, document, "changes")


def _number(request: Request, name: str) -> int | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InvalidQueryParameter(f"{name} is the number of a version.")
    return int(text)


def _told(revision: Revision) -> dict[str, Any]:
    method = revision.method
    return {
        "number": revision.number,
        "version": method.version,
        "title": method.title,
        "created": moment(revision.created),
    }


def _address(request: Request, revision: Revision) -> str:
    return f"{root(request)}/processes/{quote(revision.method.id)}"


async def method_page(
    request: Request, who: Who, revision: Revision, description: bytes
) -> Response:
    """The page of a method: its description, and what people want to know beside it."""
    known = await versions(services(request), who, revision, ON_THE_PAGE)
    runs = await my_runs(services(request), who, revision.method.id)
    more = {
        "versions": [_told(one) for one in known],
        "year": moment(revision.created)[:4],
        "address": _address(request, revision),
        "changes": may_change_method(who, revision) and revision.mutable,
        **_runs(request, runs),
    }
    document = {**orjson.loads(description), "more": more}
    headers = Profile.PROCESS_DESCRIPTION.header
    return page(request, "process", document, headers=headers)


def _runs(request: Request, runs: Runs) -> dict[str, Any]:
    jobs = [status_info(job, root(request)) for job in runs.jobs]
    return {"runs": jobs, "seconds": runs.seconds, "counted": runs.counted}


routes = [
    Route("/processes/{process_id}/versions", list_versions, methods=["GET"]),
    Route("/processes/{process_id}/versions/changes", show_changes, methods=["GET"]),
]
