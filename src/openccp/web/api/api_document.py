"""/api: the API document in OpenAPI 3.0 and 3.1, and a page to read it and try it out.

It is open to everybody. Who is signed in also finds the processes that they may run, each with
the types of its inputs and outputs; a stranger learns no process's name.
"""

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openccp.app.describe import visible_methods
from openccp.core.method import Revision
from openccp.core.problems import NotAuthenticated
from openccp.web.assets import SWAGGER_UI, assets
from openccp.web.media import API, HTML, OPENAPI_31
from openccp.web.negotiate import LARGEST_LIMIT, caller, root, services
from openccp.web.ranges import not_modified
from openccp.web.render import chosen, page

if TYPE_CHECKING:
    from openccp.web.openapi.served import ApiDocuments

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; connect-src 'self'"
)
VARY = "Accept, Authorization, Cookie"


async def api_document(request: Request) -> Response:
    """GET /api."""
    offer = chosen(request, API)
    if offer is HTML:
        return _page(request)
    version = "3.1" if offer is OPENAPI_31 else "3.0"
    document = _documents().document(await _visible(request), root(request), version)
    headers = {"Vary": VARY, "ETag": document.etag}
    if not_modified(request.headers.get("if-none-match"), document.etag):
        return Response(status_code=304, headers=headers)
    return Response(document.body, headers=headers, media_type=offer.media_type)


def _page(request: Request) -> Response:
    """Every operation in plain HTML, which Swagger UI takes the place of where it can."""
    operations = _documents().operations()
    document = {"operations": operations, "scripts": all(name in assets() for name in SWAGGER_UI)}
    policy = f"{CONTENT_SECURITY_POLICY} {root(request)}"
    headers = {"Vary": VARY, "Content-Security-Policy": policy}
    return page(request, "api", document, headers=headers)


@cache
def _documents() -> "ApiDocuments":
    """Loaded with the first who asks (docs/decisions/0013): most programs never do."""
    made: ApiDocuments = import_module("openccp.web.openapi.served").ApiDocuments()
    return made


async def _visible(request: Request) -> Sequence[Revision]:
    """The processes of who is signed in; nobody's, also when a session has ended."""
    try:
        who = await caller(request)
    except NotAuthenticated:
        if "authorization" in request.headers:
            raise
        return ()
    current = await services(request).catalogue.current()
    return visible_methods(current, who, LARGEST_LIMIT).methods


routes = [Route("/api", api_document, methods=["GET"])]
