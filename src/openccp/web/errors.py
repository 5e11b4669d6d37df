"""The one place that turns refusals into RFC 9457 problem documents."""

import logging
import uuid
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from openccp.core.problems import (
    InvalidHost,
    NotAcceptable,
    NotAuthenticated,
    Problem,
)
from openccp.web.media import HTML, JSON, Offer, choose
from openccp.web.render import page

log = logging.getLogger(__name__)

LONGEST_INSTANCE = 300
PROBLEM_JSON = "application/problem+json"
OFFERS = (Offer("problem", PROBLEM_JSON), JSON, HTML)


def document(problem: Problem, path: str) -> dict[str, Any]:
    """The body: type, title, status, detail, instance, and `errors` with a pointer each."""
    body: dict[str, Any] = {
        "type": problem.type,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": path[:LONGEST_INSTANCE],
    }
    if problem.faults:
        body["errors"] = [{"pointer": f.pointer, "detail": f.detail} for f in problem.faults]
    return body


def render(problem: Problem, request: Request) -> Response:
    """An answer for a problem. The media type follows Accept (ogc-processes: 1.4).

    Whoever names no host gets no page: its links would have none either.
    """
    headers = dict(problem.headers)
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    if isinstance(problem, NotAuthenticated):
        headers.setdefault("WWW-Authenticate", 'Bearer realm="openccp"')
    offer, content = _offer(request), document(problem, request.url.path)
    if offer is HTML and not isinstance(problem, InvalidHost):
        return page(request, "problem", content, problem.status, headers)
    return Response(orjson.dumps(content), problem.status, headers, offer.media_type)


def _offer(request: Request) -> Offer:
    """How to tell it. Whoever accepts none of this is told all the same."""
    f = request.query_params.get("f")
    try:
        known = f if f in (JSON.f, HTML.f) else None
        return choose(OFFERS, request.headers.get("accept", ""), known)
    except NotAcceptable:
        return OFFERS[0]


def answered(request: Request, error: Exception) -> Response:
    """The answer to a request that ended in an error, whatever it was."""
    if isinstance(error, Problem):
        return render(error, request)
    if isinstance(error, HTTPException):
        return _refused_by_framework(request, error)
    return _crashed(request, error)


def _refused_by_framework(request: Request, error: HTTPException) -> Response:
    """What the framework itself refuses, as a form that cannot be read."""
    problem = Problem(error.detail)
    problem.status, problem.type, problem.title = error.status_code, "about:blank", error.detail
    return render(problem, request)


def _crashed(request: Request, error: Exception) -> Response:
    """A defect of ours: logged under a number, of which alone the client is told."""
    number = uuid.uuid4().hex[:12]
    log.error("request failed, number %s", number, exc_info=error)
    return render(Problem(f"An internal error happened; it is logged as {number}."), request)
