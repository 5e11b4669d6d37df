"""Answer with a resource in the representation that was asked for."""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from importlib import import_module
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from openccp.web.media import BOTH, HTML, Offer, choose
from openccp.web.ranges import not_modified

SMALL = 16 << 10
READING = ("GET", "HEAD")


def chosen(request: Request, offers: tuple[Offer, ...] = BOTH) -> Offer:
    """The representation this request wants."""
    f = request.query_params.get("f") if request.scope["query_string"] else None
    return choose(offers, request.headers.get("accept", ""), f)


def render(
    request: Request,
    document: Any,
    name: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A JSON document (bytes are rendered already), or the HTML page called `name` of the same.

    A document has an ETag, and 304 for who has it already. A page has none: what it shows
    depends on more than the document.
    """
    more = dict(headers or {})
    if chosen(request) is HTML:
        more.pop("ETag", None)
        content = orjson.loads(document) if isinstance(document, bytes) else document
        return page(request, name, content, status, more)
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    if request.method in READING:
        tag = more.setdefault("ETag", etag(body))
        if not_modified(request.headers.get("if-none-match"), tag):
            return Response(status_code=304, headers=more)
    return Response(body, status, more, "application/json")


def etag(body: bytes) -> str:
    """The ETag of a document: the same for the same bytes. Those kept rendered are known."""
    return _known_etag(body) if len(body) <= SMALL else _etag(body)


def _etag(body: bytes) -> str:
    return f'"{sha256(body).hexdigest()[:24]}"'


_known_etag = lru_cache(maxsize=1024)(_etag)


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
