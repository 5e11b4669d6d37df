"""Signing in with a browser: a page whose button spends a short-lived secret for a session."""

from base64 import b64encode
from hashlib import sha256
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from openccp.app.authenticate import check_own_origin
from openccp.app.sign_in import GrantRefused
from openccp.core.access import Who
from openccp.core.problems import Forbidden
from openccp.web.api.token import identity, read_form

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
STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1rem}"
    "button,input{font:inherit;padding:.5em 1em;margin:.5em 0}input{width:100%}"
    "@media(prefers-color-scheme:dark){body{background:#16181d;color:#eee}}"
)
STYLE_DIGEST = b64encode(sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{STYLE_DIGEST}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    # With no-referrer a browser would send `Origin: null` with the form, and we could not
    # tell our own page from a foreign one. This sends nobody more than our address.
    "Referrer-Policy": "strict-origin",
}
WRONG = (
    "<p>This sign-in address does not work any more: it is good once and for a few minutes."
    "<p>For a new one, run <code>ccp login --data DIR</code> on the machine of the platform, "
    "where DIR is its data folder."
)
FOREIGN = "<p>This form has to be sent from the sign-in page itself. Open that page and try again."


async def authenticated(request: Request) -> Who:
    """The caller of a request; NotAuthenticated or Forbidden otherwise.

    Each request comes through here, so its headers are walked once.
    """
    sent = {name: value for name, value in request.scope["headers"] if name in WANTED}
    cookie = request.cookies.get(cookie_name(request)) if b"cookie" in sent else None
    return await identity(request).authenticate(
        _text(sent.get(b"authorization")),
        cookie,
        _text(sent.get(b"x-d4science-context")),
        unsafe=request.method not in SAFE,
        fetch_site=_text(sent.get(b"sec-fetch-site")),
        origin=_text(sent.get(b"origin")),
        host=_text(sent.get(b"host")),
    )


def _text(header: bytes | None) -> str | None:
    return None if header is None else header.decode("latin-1")


async def sign_in_page(request: Request) -> Response:
    """GET /sign-in: shows the button and spends nothing, so previews and prefetches may come."""
    secret = request.query_params.get("secret", "")
    kind = "hidden" if secret else "text"
    label = "" if secret else '<label for="secret">The secret of your sign-in address</label>'
    return page(
        200,
        "Sign in",
        f'<form method="post" action="/sign-in">{label}'
        f'<input type="{kind}" id="secret" name="secret" value="{escape(secret)}" '
        'required autocomplete="off"><button>Sign in</button></form>',
    )


async def sign_in(request: Request) -> Response:
    """POST /sign-in: spends the secret for a session."""
    try:
        _check_own_page(request)
        form = await read_form(request)
    except Forbidden:
        return page(403, "Not signed in", FOREIGN)
    except GrantRefused:
        return page(400, "Not signed in", WRONG)
    session = await identity(request).sign_in.open_session(
        form.get("secret", ""), replaced=request.cookies.get(cookie_name(request))
    )
    return page(403, "Not signed in", WRONG) if session is None else _signed_in(request, session)


def _signed_in(request: Request, session: str) -> Response:
    answer = RedirectResponse("/", status_code=303, headers=HEADERS)
    answer.set_cookie(
        cookie_name(request),
        session,
        max_age=identity(request).sign_in.lifetimes.session_seconds,
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="strict",
    )
    return answer


async def sign_out(request: Request) -> Response:
    """POST /sign-out: ends the session here and in the store."""
    _check_own_page(request)
    name = cookie_name(request)
    session = request.cookies.get(name)
    if session is not None and await identity(request).sign_in.close_session(session):
        identity(request).authenticate.forget()
    answer = RedirectResponse("/", status_code=303, headers=HEADERS)
    answer.delete_cookie(
        name, path="/", secure=is_secure(request), httponly=True, samesite="strict"
    )
    return answer


def cookie_name(request: Request) -> str:
    """`__Host-` keeps neighbouring hosts from planting one; browsers want https for that."""
    return "__Host-ccp-session" if is_secure(request) else "ccp-session"


def is_secure(request: Request) -> bool:
    """Whether the platform's public address is https, also behind a proxy."""
    return identity(request).sign_in.signer.issuer.startswith("https://")


def _check_own_page(request: Request) -> None:
    headers = request.headers
    check_own_origin(headers.get("sec-fetch-site"), headers.get("origin"), headers.get("host"))


def page(status: int, title: str, body: str) -> Response:
    """A page that needs no script, no other file and no network."""
    return HTMLResponse(
        f'<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title>'
        f"<style>{STYLE}</style><main><h1>{title}</h1>{body}</main></html>",
        status_code=status,
        headers=HEADERS,
    )


routes = [
    Route("/sign-in", sign_in_page, methods=["GET"]),
    Route("/sign-in", sign_in, methods=["POST"]),
    Route("/sign-out", sign_out, methods=["POST"]),
]
