"""/processes: list, describe, deploy, replace, undeploy."""

from collections.abc import Mapping
from urllib.parse import quote

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openccp.app.choose import where
from openccp.app.deploy import Deployed, deploy, package, undeploy
from openccp.app.describe import visible_method, visible_methods
from openccp.app.packages import Sent
from openccp.core.access import Who
from openccp.core.method import Revision
from openccp.core.packages.media import ACCEPTED
from openccp.core.problems import InvalidQueryParameter, UnsupportedMediaType
from openccp.web.api.catalogue import is_search, search_processes
from openccp.web.api.versions import method_page
from openccp.web.documents import Processes
from openccp.web.kept_lists import KeptLists
from openccp.web.media import HTML
from openccp.web.negotiate import (
    answer,
    caller,
    known_parameters,
    limit,
    root,
    services,
    whole_body,
)
from openccp.web.paging import (
    AFTER,
    BEFORE,
    list_links,
    method_cursor,
    method_places,
)
from openccp.web.profiles import Profile
from openccp.web.render import chosen, render


def _processes(request: Request) -> Processes:
    found: Processes = request.app.state.processes
    return found


async def list_processes(request: Request) -> Response:
    """GET /processes."""
    if is_search(request):
        return await search_processes(request)
    who = await caller(request)
    known_parameters(request, "limit", AFTER, BEFORE)
    current = await services(request).catalogue.current()
    lists: KeptLists = request.app.state.lists
    asked = request.scope["query_string"]
    question = (who.id, who.contexts, root(request), asked, chosen(request))
    kept = lists.get(current, question) or lists.put(question, _list(request, who, current))
    headers = {**Profile.PROCESS_LIST.header, "ETag": kept[1]}
    return render(request, kept[0], "processes", headers=headers)


def _list(request: Request, who: Who, current: dict[str, Revision]) -> bytes:
    after, before = method_places(request)
    page = visible_methods(current, who, limit(request), after, before)
    links = list_links(request, method_cursor(page.following), method_cursor(page.previous))
    return _processes(request).list(page.methods, links, root(request))


async def describe_process(request: Request) -> Response:
    """GET /processes/{id}."""
    who = await caller(request)
    revision = await visible_method(services(request), who, request.path_params["process_id"])
    found = where(services(request), who, revision.method)
    description = _processes(request).description(revision, root(request), found)
    if chosen(request) is HTML:
        return await method_page(request, who, revision, description)
    return render(request, description, "process", headers=Profile.PROCESS_DESCRIPTION.header)


async def deploy_process(request: Request) -> Response:
    """POST /processes with a package."""
    who = await caller(request)
    deployed = await deploy(services(request), who, await _sent(request), public=_public(request))
    return _kept(request, deployed, 201)


async def replace_process(request: Request) -> Response:
    """PUT /processes/{id} with a package: a new revision.

    Answers 204; with `Prefer: return=representation` what POST answers.
    """
    who, process_id = await caller(request), request.path_params["process_id"]
    sent = await _sent(request)
    deployed = await deploy(
        services(request), who, sent, public=_public(request), expect=process_id
    )
    if not _wants_representation(request):
        return Response(status_code=204)
    return _kept(request, deployed, 200, {"Preference-Applied": "return=representation"})


async def undeploy_process(request: Request) -> Response:
    """DELETE /processes/{id}."""
    await undeploy(services(request), await caller(request), request.path_params["process_id"])
    return Response(status_code=204)


async def get_package(request: Request) -> Response:
    """GET /processes/{id}/package: the body that was deployed."""
    who = await caller(request)
    body, media_type = await package(services(request), who, request.path_params["process_id"])
    return Response(body, media_type=media_type)


async def _sent(request: Request) -> Sent:
    """The package in a request; what it is decides before anything else is looked at."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ACCEPTED:
        raise UnsupportedMediaType(f"Send the package as one of {', '.join(ACCEPTED)}.")
    body = await whole_body(request)
    return Sent(body, kind, request.query_params.get("w"))


def _wants_representation(request: Request) -> bool:
    lines = request.headers.getlist("prefer")
    wishes = (part.strip().lower() for line in lines for part in line.split(","))
    return "return=representation" in wishes


def _public(request: Request) -> bool:
    known_parameters(request, "visibility", "w")
    visibility = request.query_params.get("visibility", "private")
    if visibility not in ("private", "public"):
        raise InvalidQueryParameter("visibility is private or public.")
    return visibility == "public"


def _kept(
    request: Request, deployed: Deployed, status: int, more: Mapping[str, str] | None = None
) -> Response:
    base = root(request)
    summary = _processes(request).summary(deployed.revision, base)
    address = f"{base}/processes/{quote(deployed.revision.method.id)}"
    headers = {"Location": address, **(more or {})}
    if not deployed.warnings:
        return answer(summary, status, headers)
    warnings = [{"pointer": w.pointer, "detail": w.detail} for w in deployed.warnings]
    return answer({**orjson.loads(summary), "warnings": warnings}, status, headers)


routes = [
    Route("/processes", list_processes, methods=["GET"]),
    Route("/processes", deploy_process, methods=["POST"]),
    Route("/processes/{process_id}", describe_process, methods=["GET"]),
    Route("/processes/{process_id}", replace_process, methods=["PUT"]),
    Route("/processes/{process_id}", undeploy_process, methods=["DELETE"]),
    Route("/processes/{process_id}/package", get_package, methods=["GET"]),
]
