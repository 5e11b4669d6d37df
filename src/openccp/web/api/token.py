"""The token endpoint and what describes it: discovery documents and the public keys."""

from typing import Any, Protocol, cast
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from openccp.app.authenticate import Authenticate
from openccp.app.devices import DEVICE_CODE, Devices
from openccp.app.sign_in import GrantRefused, SignIn, TokenRequest

MAX_FORM = 64 * 1024
MAX_FIELDS = 50
FORM = "application/x-www-form-urlencoded"
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
REPEATABLE = frozenset({"permission"})


class Identity(Protocol):
    """The part of the web app's services that these routes use."""

    @property
    def sign_in(self) -> SignIn:
        """Gives out tokens and sessions."""

    @property
    def devices(self) -> Devices:
        """Programs that sign in without a browser."""

    @property
    def authenticate(self) -> Authenticate:
        """Turns tokens and sessions into callers."""


def identity(request: Request) -> Identity:
    """The services of the app that serves a request."""
    return cast(Identity, request.app.state.services)


async def token(request: Request) -> Response:
    """POST /token."""
    try:
        answer = await identity(request).sign_in.token(await _wanted(request))
    except GrantRefused as refused:
        return _refusal(refused)
    return JSONResponse(answer, headers=NO_STORE)


async def device_authorization(request: Request) -> Response:
    """POST /device_authorization (RFC 8628)."""
    known, agent = identity(request), request.headers.get("user-agent", "")
    try:
        answer = await known.devices.ask(known.sign_in, await _wanted(request), agent)
    except GrantRefused as refused:
        return _refusal(refused)
    return JSONResponse(answer, headers=NO_STORE)


async def _wanted(request: Request) -> TokenRequest:
    return TokenRequest(
        form=await read_form(request),
        authorization=request.headers.get("authorization"),
        context=request.headers.get("x-d4science-context"),
        address=address_of(request),
    )


def address_of(request: Request) -> str:
    """Where a request comes from."""
    return request.client.host if request.client else ""


async def read_form(request: Request) -> dict[str, str]:
    """A small form body; GrantRefused if it is none. Parameters come once (RFC 6749, 3.2)."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != FORM:
        raise GrantRefused(415, "invalid_request", f"The body has to be {FORM}")
    try:
        pairs = parse_qsl(
            (await _small_body(request)).decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError as wrong:
        raise GrantRefused(400, "invalid_request", "The form cannot be read") from wrong
    form: dict[str, str] = {}
    for name, value in pairs:
        if name in form and name not in REPEATABLE:
            raise GrantRefused(400, "invalid_request", "A form parameter is repeated")
        form[name] = value
    return form


async def _small_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM:
            raise GrantRefused(413, "invalid_request", "The form is too large")
    return bytes(body)


def _refusal(refused: GrantRefused) -> Response:
    headers = dict(NO_STORE)
    if refused.status == 401:
        headers["WWW-Authenticate"] = f'Bearer realm="openccp", error="{refused.error}"'
    if refused.retry_after is not None:
        headers["Retry-After"] = str(refused.retry_after)
    body = {"error": refused.error, "error_description": refused.description}
    return JSONResponse(body, status_code=refused.status, headers=headers)


async def jwks(request: Request) -> Response:
    """GET /jwks."""
    keys = identity(request).sign_in.signer.jwks()
    return JSONResponse(keys, headers={"Cache-Control": "public, max-age=300"})


async def discovery(request: Request) -> Response:
    """The discovery documents of OpenID Connect, UMA and OAuth; here they are one."""
    desk = identity(request).sign_in
    return JSONResponse(_description(desk), headers={"Cache-Control": "public, max-age=300"})


def _description(desk: SignIn) -> dict[str, Any]:
    issuer = desk.signer.issuer
    devices = {"device_authorization_endpoint": f"{issuer}/device_authorization"}
    return {
        **(devices if DEVICE_CODE in desk.grants else {}),
        "issuer": issuer,
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/jwks",
        "grant_types_supported": list(desk.grants),
        "response_types_supported": [],
        "response_modes_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": [
            "none",
            "client_secret_basic",
            "client_secret_post",
        ],
        "scopes_supported": ["email", "profile", "d4s-context:<context>"],
        "claims_supported": ["aud", "sub", "iss", "exp", "iat", "preferred_username"],
    }


routes = [
    Route("/token", token, methods=["POST"]),
    Route("/auth/realms/{realm}/protocol/openid-connect/token", token, methods=["POST"]),
    Route("/device_authorization", device_authorization, methods=["POST"]),
    Route("/jwks", jwks, methods=["GET"]),
    Route("/.well-known/openid-configuration", discovery, methods=["GET"]),
    Route("/.well-known/uma2-configuration", discovery, methods=["GET"]),
    Route("/.well-known/oauth-authorization-server", discovery, methods=["GET"]),
]
