"""Answer with a resource in the representation that was asked for."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from openccp.web.media import BOTH, HTML, Offer, choose

VARY = {"Vary": "Accept"}


def chosen(request: Request, offers: tuple[Offer, ...] = BOTH) -> Offer:
    """The representation this request wants."""
    return choose(offers, request.headers.get("accept", ""), request.query_params.get("f"))


def render(
    request: Request,
    document: Any,
    name: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A JSON document (bytes are rendered already), or the HTML page called `name` of the same."""
    more = {**VARY, **(headers or {})}
    if chosen(request) is HTML:
        content = orjson.loads(document) if isinstance(document, bytes) else document
        return page(request, name, content, status, more)
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    return Response(body, status, more, "application/json")


def page(
    request: Request,
    name: str,
    document: Any,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The HTML page called `name` of a document.

    Pages come with a template engine, which is loaded with the first of them: the platform is
    ready sooner, and programs never need it (docs/decisions/0013).
    """
    pages = import_module("openccp.web.pages.page")
    answer: Response = pages.Page(request, name, document, status, headers)
    return answer
