"""Read what requests say besides their body: limits and addresses; and answer in JSON."""

import re
from collections.abc import AsyncIterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.requests import Request
from starlette.responses import Response

from openccp.app.services import Services
from openccp.app.shares import guest
from openccp.core.access import Who
from openccp.core.identity import network_of
from openccp.core.problems import (
    BodyTooLarge,
    InvalidHost,
    InvalidQueryParameter,
    NotAuthenticated,
    UnsupportedMediaType,
)
from openccp.web.api.sign_in import authenticated
from openccp.web.media import HTML
from openccp.web.outside import HOST
from openccp.web.pace import Pace
from openccp.web.render import chosen

LARGEST_LIMIT = 10_000
LARGEST_PAGE = 200
"""People read no more, and a page costs a hundred times what its document costs."""
EVERYWHERE = ("f", "profile")
_NO_PLACES: dict[str, str] = {}
JSON_TYPE = re.compile(r"application/([\w.-]+\+)?json\s*(;.*)?$", re.IGNORECASE)


def services(request: Request) -> Services:
    """What the application was composed of."""
    found: Services = request.app.state.services
    return found


async def caller(request: Request, *, changes: bool = False) -> Who:
    """The authenticated caller; NotAuthenticated otherwise. `changes`: not only a look.

    Below a link that shares a job it is whoever has the link; only GET is served there.
    """
    pace: Pace = request.app.state.pace
    share = request.scope["path_params"].get("share")
    if share is not None:
        pace.charge(network_of(request.client.host if request.client else ""))
        who, _ = await guest(services(request), share)
        return who
    try:
        who = await authenticated(request, changes=changes)
    except NotAuthenticated:
        pace.charge(network_of(request.client.host if request.client else ""))
        raise
    pace.charge(who.id)
    request.scope["who"] = who
    return who


def root(request: Request) -> str:
    """The absolute address below which this request finds jobs, without a slash at the end.

    That of the service; for a guest that of his link, so that what he is told leads on below it.
    """
    share = request.scope.get("path_params", _NO_PLACES).get("share")
    return site(request) if share is None else f"{site(request)}/shared/{share}"


def site(request: Request) -> str:
    """The absolute address of this service, without a slash at the end."""
    public = services(request).rules.public_url
    if public:
        return public.rstrip("/")
    return _address(request.scope["scheme"], request.headers.get("host", "localhost"))


@lru_cache(maxsize=256)
def _address(scheme: str, host: str) -> str:
    if not HOST.fullmatch(host):
        raise InvalidHost
    return f"{scheme}://{host}"


def here(request: Request, **changes: str | None) -> str:
    """The address of this resource as the outside knows it, with some parameters changed.

    Without `f`: a link names the resource, and who follows it says which representation.
    """
    asked = request.query_params.multi_items()
    pairs = [pair for pair in asked if pair[0] != "f" and pair[0] not in changes]
    query = urlencode(pairs + [(name, value) for name, value in changes.items() if value])
    return f"{site(request)}{request.url.path}" + (f"?{query}" if query else "")


def answer(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer; bytes are taken as rendered already."""
    body = content if isinstance(content, bytes) else orjson.dumps(content)
    return Response(body, status, dict(headers or {}), "application/json")


async def json_body(request: Request) -> bytes:
    """The body of a JSON request, bounded; refuses other media types (415) and sizes (413)."""
    kind = request.headers.get("content-type", "")
    if not JSON_TYPE.match(kind):
        raise UnsupportedMediaType("Send the request as application/json.")
    return await whole_body(request)


async def whole_body(request: Request) -> bytes:
    """The body of a request, bounded (413)."""
    return await bounded(request.stream(), services(request).rules.body_bytes, _length(request))


async def bounded(stream: AsyncIterable[bytes], most: int, declared: int | None) -> bytes:
    """All of a stream, or BodyTooLarge as soon as it is known to be longer than `most`."""
    if declared is not None and declared > most:
        raise BodyTooLarge(f"The body is larger than the {most} bytes this server takes.")
    parts: list[bytes] = []
    size = 0
    async for part in stream:
        size += len(part)
        if size > most:
            raise BodyTooLarge(f"The body is larger than the {most} bytes this server takes.")
        parts.append(part)
    return b"".join(parts)


def _length(request: Request) -> int | None:
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isdigit() else None


def limit(request: Request, default: int = 10) -> int:
    """`?limit=`, from 1 to 10,000 or a page's 200; larger values are cut, as the standard says."""
    text = request.query_params.get("limit")
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 18 or int(text) < 1:
        raise InvalidQueryParameter("limit must be a whole number from 1.")
    return min(int(text), LARGEST_PAGE if chosen(request) is HTML else LARGEST_LIMIT)


def known_parameters(request: Request, *names: str) -> None:
    """Refuse query parameters that would silently do nothing."""
    for name in request.query_params:
        if name not in names and name not in EVERYWHERE:
            raise InvalidQueryParameter(f"There is no query parameter {name[:64]!r} here.")
