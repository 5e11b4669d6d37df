"""/device: the page on which a signed-in person allows a program that asks (RFC 8628, 3.3)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openccp.app.sign_in import GrantRefused
from openccp.core.access import Who
from openccp.core.devices import DeviceRequest
from openccp.core.problems import Forbidden, NotAuthenticated
from openccp.web.api.sign_in import HEADERS, check_own_page, cookie_name
from openccp.web.api.token import address_of, identity, read_form
from openccp.web.render import page

CODE, DECISION = "user_code", "decision"


async def device_page(request: Request) -> Response:
    """GET /device: a field for the code; with a code, what asks and two buttons."""
    who, typed = await _person(request), request.query_params.get(CODE, "")
    if who is None or not typed:
        return _page(request, "anonymous" if who is None else "ask")
    try:
        found = await identity(request).devices.find(who, typed, address_of(request))
    except GrantRefused as refused:
        return _refused(request, refused)
    return _page(request, "unknown") if found is None else _confirm(request, who, typed, found)


async def decide(request: Request) -> Response:
    """POST /device: allow or deny."""
    try:
        check_own_page(request)
        form, who = await read_form(request), await _person(request)
        allow = form.get(DECISION) == "allow"
        done = who is not None and await _decided(request, who, form.get(CODE, ""), allow=allow)
    except Forbidden:
        return _page(request, "foreign", 403)
    except GrantRefused as refused:
        return _refused(request, refused)
    if who is None:
        return _page(request, "anonymous", 403)
    return _page(request, ("allowed" if allow else "denied") if done else "unknown")


async def _decided(request: Request, who: Who, typed: str, *, allow: bool) -> bool:
    devices = identity(request).devices
    found = await devices.find(who, typed, address_of(request))
    return found is not None and await devices.decide(who, found, allow=allow)


async def _person(request: Request) -> Who | None:
    """Who sits at this browser: a token is not a person, and a program allows no other."""
    cookie = request.cookies.get(cookie_name(request))
    try:
        return None if cookie is None else await identity(request).authenticate(None, cookie)
    except NotAuthenticated:
        return None


def _confirm(request: Request, who: Who, typed: str, found: DeviceRequest) -> Response:
    shown: dict[str, Any] = {
        "code": typed.strip().upper(),
        "name": who.name,
        "address": found.address,
        "agent": found.agent,
        "context": found.context,
        "closed": found.context not in (None, *who.contexts),
        "seconds": max(int(identity(request).sign_in.clock() - found.created), 0),
    }
    return _page(request, "confirm", **shown)


def _refused(request: Request, refused: GrantRefused) -> Response:
    answer = _page(request, "later" if refused.status == 429 else "unknown", refused.status)
    if refused.retry_after is not None:
        answer.headers["Retry-After"] = str(refused.retry_after)
    return answer


def _page(request: Request, state: str, status: int = 200, **shown: str | int | None) -> Response:
    document = {"title": "Allow a program", "state": state, **shown}
    return page(request, "device", document, status, HEADERS)


routes = [
    Route("/device", device_page, methods=["GET"]),
    Route("/device", decide, methods=["POST"]),
]
