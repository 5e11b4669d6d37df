"""In which language pages speak: the one chosen on a page, or else what the browser asks for."""

import re
from functools import lru_cache

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from openccp.core.problems import NotFound
from openccp.web.api.sign_in import check_own_page, is_secure, prefix

OWN = "en"
LANGUAGES = {"en": "English", "it": "Italiano"}
"""Each by its code, in its own words."""
CHOICE = "ccp-language"
YEAR = 365 * 24 * 3600
LONGEST = 500
_ASKED = re.compile(
    r"([A-Za-z]{1,8})(?:-[A-Za-z0-9-]+)?\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*(?:,|$)"
)
_INSIDE = re.compile(r"/(?![/\\])[!-\[\]-~]*")
"""A path on this server: no other host, no backslash that a browser reads as a slash."""


def wanted(request: Request) -> str:
    """The language code of this reader, one of LANGUAGES."""
    chosen = request.cookies.get(CHOICE)
    if chosen in LANGUAGES:
        return chosen
    return liked(request.headers.get("accept-language", "")[:LONGEST])


@lru_cache(maxsize=256)
def liked(accepted: str) -> str:
    """The language that `Accept-Language` likes best (RFC 9110, 12.5.4); ours where it has none."""
    asked = [(float(quality or 1), code.lower()) for code, quality in _ASKED.findall(accepted)]
    spoken = [(quality, code) for quality, code in asked if code in LANGUAGES and quality > 0]
    return max(spoken, key=lambda one: one[0])[1] if spoken else OWN


async def choose_language(request: Request) -> Response:
    """POST /language/{language}: pages speak it to this browser from now on; back to `next`."""
    check_own_page(request)
    language, back = request.path_params["language"], request.query_params.get("next", "")
    if language not in LANGUAGES:
        raise NotFound("The pages do not speak this language.")
    to = back if _INSIDE.fullmatch(back) else f"{prefix(request)}/"
    answer = RedirectResponse(to, status_code=303)
    secure = is_secure(request)
    answer.set_cookie(CHOICE, language, YEAR, secure=secure, httponly=True, samesite="lax")
    return answer


routes = [Route("/language/{language}", choose_language, methods=["POST"])]
