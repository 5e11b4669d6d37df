"""Signing in with a browser: a page whose button spends a short-lived secret for a session."""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from openccp.app.authenticate import check_own_origin
from openccp.app.sign_in import GrantRefused
from openccp.core.access import Who
from openccp.core.problems import Forbidden
from openccp.web.api.token import identity, read_form
from openccp.web.render import page

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
WANTED = frozenset(
    {
        b"authorization",
        b"cookie",
        b"x-d4science-context",
        b"sec-fetch-site",
        b"origin",
        b"host",
    }
)
HEADERS = {
    "Cache-Control": "no-store",
    # The address of this page may hold a secret: also our own log of referrers is not told.
    "Referrer-Policy": "strict-origin",
}


async def authenticated(request: Request, *, changes: bool = False) -> Who:
    """The caller of a request; NotAuthenticated or Forbidden otherwise.

    `changes`: it does more than look, whatever its method. Each request comes through here, so
    its headers are walked once.
    """
    sent = {name: value for name, value in request.scope["headers"] if name in WANTED}
    cookie = request.cookies.get(cookie_name(request)) if b"cookie" in sent else None
    return await identity(request).authenticate(
        _text(sent.get(b"authorization")),
        cookie,
        _text(sent.get(b"x-d4science-context")),
        unsafe=changes or request.method not in SAFE,
        fetch_site=_text(sent.get(b"sec-fetch-site")),
        origin=_text(sent.get(b"origin")),
        host=_text(sent.get(b"host")),
    )


def _text(header: bytes | None) -> str | None:
    return None if header is None else header.decode("latin-1")


async def sign_in_page(request: Request) -> Response:
    """GET /sign-in: shows the button and spends nothing, so previews and prefetches may come."""
    secret = request.query_params.get("secret", "")
    return page(request, "sign_in", {"title": "Sign in", "secret": secret}, headers=HEADERS)


async def sign_in(request: Request) -> Response:
    """POST /sign-in: spends the secret for a session."""
    try:
        check_own_page(request)
        form = await read_form(request)
    except Forbidden:
        return _not_signed_in(request, 403, "foreign")
    except GrantRefused:
        return _not_signed_in(request, 400, "wrong")
    session = await identity(request).sign_in.open_session(
        form.get("secret", ""), replaced=request.cookies.get(cookie_name(request))
    )
    if session is None:
        return _not_signed_in(request, 403, "wrong")
    return _signed_in(request, session)


def _signed_in(request: Request, session: str) -> Response:
    answer = RedirectResponse(f"{prefix(request)}/", status_code=303, headers=HEADERS)
    answer.set_cookie(
        cookie_name(request),
        session,
        max_age=identity(request).sign_in.lifetimes.session_seconds,
        path=_cookie_path(request),
        secure=is_secure(request),
        httponly=True,
        samesite="strict",
    )
    return answer


async def sign_out(request: Request) -> Response:
    """POST /sign-out: ends the session here and in the store."""
    check_own_page(request)
    name = cookie_name(request)
    session = request.cookies.get(name)
    if session is not None and await identity(request).sign_in.close_session(session):
        identity(request).authenticate.forget()
    answer = RedirectResponse(f"{prefix(request)}/", status_code=303, headers=HEADERS)
    answer.delete_cookie(
        name,
        path=_cookie_path(request),
        secure=is_secure(request),
        httponly=True,
        samesite="strict",
    )
    # What the browser kept of this account's pages goes too, and what was typed into them.
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


def prefix(request: Request) -> str:
    """The path below which the outside knows this service: empty, or like `/ccp`."""
    return urlsplit(identity(request).sign_in.signer.issuer).path.rstrip("/")


def cookie_name(request: Request) -> str:
    """`__Host-` keeps neighbouring hosts from planting one; browsers want https for that."""
    return "__Host-ccp-session" if is_secure(request) else "ccp-session"


def _cookie_path(request: Request) -> str:
    """Browsers take a `__Host-` cookie for the whole host only."""
    return "/" if is_secure(request) else f"{prefix(request)}/"


def is_secure(request: Request) -> bool:
    """Whether the platform's public address is https, also behind a proxy."""
    return identity(request).sign_in.signer.issuer.startswith("https://")


def check_own_page(request: Request) -> None:
    """Forbidden unless a browser sends this from a page of ours."""
    headers = request.headers
    check_own_origin(headers.get("sec-fetch-site"), headers.get("origin"), headers.get("host"))


def _not_signed_in(request: Request, status: int, trouble: str) -> Response:
    document = {"title": "Not signed in", "trouble": trouble}
    return page(request, "sign_in", document, status, HEADERS)


routes = [
    Route("/sign-in", sign_in_page, methods=["GET"]),
    Route("/sign-in", sign_in, methods=["POST"]),
    Route("/sign-out", sign_out, methods=["POST"]),
]
