"""What holds for every request and every answer, whatever the resource: one plain ASGI layer."""

import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openccp.app.services import Rules
from openccp.core.identity import network_of
from openccp.core.problems import InvalidQueryParameter, NotFound
from openccp.web.compress import (
    SUFFIX,
    compressed,
    wants_gzip,
    with_variant,
    without_variants,
    worth_compressing,
)
from openccp.web.cross_origin import Origins, Pairs
from openccp.web.errors import answered
from openccp.web.negotiate import root
from openccp.web.operations import OPERATIONS
from openccp.web.operations.shape import HTML
from openccp.web.outside import Outside
from openccp.web.pace import Pace
from openccp.web.table import Table, first_word
from openccp.web.tus import offered

NOSNIFF = (b"x-content-type-options", b"nosniff")
PRIVATE = (b"cache-control", b"private, no-cache")
VARY = (b"vary", b"Accept, Accept-Encoding, Authorization, Cookie, Origin")
PUBLIC_VARY = (b"vary", b"Accept, Accept-Encoding, Origin")
CREDENTIALS = frozenset({b"authorization", b"cookie"})
ASKING = frozenset(first_word(operation.path) for operation in OPERATIONS if not operation.open)
"""Where routes look at credentials and count whose they are. Elsewhere made-up ones would do."""
_PLACE = re.compile(r"\{[^}]+\}")
REPRESENTED = frozenset(
    _PLACE.sub("{}", operation.path)
    for operation in OPERATIONS
    if any(parameter.name == "f" for parameter in operation.parameters)
    or any(HTML in answer.content for answer in operation.answers)
)


class Front:
    """Goes before the application: limits, preflights, proxies; headers and compression."""

    def __init__(self, app: ASGIApp, table: Table, rules: Rules, pace: Pace) -> None:
        self._app, self._table, self._pace = app, table, pace
        self._outside = Outside(rules.public_url, rules.trusted_proxies)
        self._origins = Origins(rules.origins)
        self._uploads = offered(rules.uploads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = self._outside.seen(scope)
        asked = _asked(scope)
        if b"if-none-match" in asked or b"if-match" in asked:
            scope = {**scope, "headers": without_variants(scope["headers"])}
        origin = asked.get(b"origin")
        own = [] if origin is None else self._origins.answered(origin)
        answering = _Answering(send, own, asked)
        scope["app"] = self._app
        request = Request(scope, receive)
        try:
            response = await self._answer(request, asked)
            await response(scope, receive, answering)
        except Exception as error:
            if answering.begun:
                raise
            await answered(request, error)(scope, receive, answering)

    async def _answer(self, request: Request, asked: Mapping[bytes, bytes]) -> Response:
        """What the route of a request answers, or what holds whatever the route."""
        scope = request.scope
        root(request)  # refuses a host that is none
        if not (asked.keys() & CREDENTIALS and first_word(scope["path"]) in ASKING):
            self._pace.charge(network_of((scope.get("client") or ("",))[0]))
        if scope["method"] == "OPTIONS":
            return self._options(scope, asked)
        if b"f=" in scope["query_string"]:
            self._check_representation(request)
        route, scope["path_params"] = self._table.find(scope["path"], scope["method"])
        response: Response = await route.endpoint(request)
        return response

    def _options(self, scope: Scope, asked: Mapping[bytes, bytes]) -> Response:
        """204 with what this address knows."""
        allow = ", ".join(self._table.methods(scope["path"]))
        if not allow:
            raise NotFound
        more = self._uploads if first_word(scope["path"]) == "uploads" else {}
        response = Response(status_code=204, headers={"Allow": allow} | more)
        if b"access-control-request-method" in asked and b"origin" in asked:
            response.raw_headers += self._origins.asked_before(asked[b"origin"], allow.encode())
        return response

    def _check_representation(self, request: Request) -> None:
        """`f` chooses among representations: where there is one only it would do nothing."""
        if "f" not in request.query_params:
            return
        for route in self._table.at(request.scope["path"]):
            if _PLACE.sub("{}", route.path) in REPRESENTED:
                return
            raise InvalidQueryParameter("There is one representation here: leave out f.")


def _asked(scope: Scope) -> dict[bytes, bytes]:
    """The few request headers that matter here."""
    return {name: value for name, value in scope["headers"] if name in _LOOKED_AT}


_LOOKED_AT = CREDENTIALS | {
    b"origin",
    b"accept-encoding",
    b"if-none-match",
    b"if-match",
    b"access-control-request-method",
}


class _Answering:
    """Sends an answer on, with the headers of all answers, in gzip where that is worth it."""

    def __init__(self, send: Send, own: Pairs, asked: Mapping[bytes, bytes]) -> None:
        self._send, self._own = send, own
        self._gzip = wants_gzip(asked.get(b"accept-encoding", b""))
        self._known = asked.get(b"if-none-match", b"")
        self._start: Message | None = None
        self.begun = False

    async def __call__(self, message: Message) -> None:
        """One message of the application."""
        self.begun = True
        if message["type"] == "http.response.start":
            self._complete(message["headers"])
            if self._gzip and worth_compressing(message):
                self._start = message
                return
            if message["status"] == 304 and SUFFIX in self._known:
                message = with_variant(message, self._known)
        elif self._start is not None:
            start, self._start = self._start, None
            if not message.get("more_body"):
                start, message = await compressed(start, message)
            await self._send(start)
        await self._send(message)

    def _complete(self, headers: Pairs) -> None:
        """Add what every answer carries, unless its route gave its own."""
        there = dict(headers)
        if b"x-content-type-options" not in there:
            headers.append(NOSNIFF)
        if (kept := there.get(b"cache-control")) is None:
            headers.append(PRIVATE)
        headers.append(PUBLIC_VARY if kept and kept.startswith(b"public") else VARY)
        headers += self._own
