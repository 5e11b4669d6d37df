"""The open resources: landing page, conformance, health."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openccp.app.health import health
from openccp.web.conformance import CONFORMANCE
from openccp.web.documents import REL, as_page, link
from openccp.web.media import HTML, OPENAPI_30
from openccp.web.negotiate import root, services
from openccp.web.render import render


async def landing_page(request: Request) -> Response:
    """GET /."""
    base = root(request)
    links = [
        link(f"{base}/", "self", "This document"),
        as_page(f"{base}/"),
        link(f"{base}/api", "service-desc", "The API document", OPENAPI_30.media_type),
        link(f"{base}/api?f=html", "service-doc", "The API as a page", HTML.media_type),
        link(f"{base}/conformance", f"{REL}conformance", "The conformance classes"),
        link(f"{base}/processes", f"{REL}processes", "The processes"),
        link(f"{base}/jobs", f"{REL}job-list", "Your jobs"),
        link(f"{base}/infrastructures", "related", "Where processes run"),
        link(f"{base}/.well-known/openid-configuration", "related", "How to get a token"),
    ]
    document = {
        "title": "OpenCCP",
        "description": "Methods that anybody here can run, watch and repeat.",
        "links": links,
    }
    return render(request, document, "landing")


async def conformance(request: Request) -> Response:
    """GET /conformance."""
    address = f"{root(request)}/conformance"
    links = [link(address, "self", "This document"), as_page(address)]
    return render(request, {"conformsTo": CONFORMANCE, "links": links}, "conformance")


async def get_health(request: Request) -> Response:
    """GET /health: 200 when jobs can be taken and run, 503 otherwise."""
    state = await health(services(request))
    status = 200 if state.ready else 503
    headers = {"Cache-Control": "no-store"}
    return render(request, state.document, "health", status=status, headers=headers)


routes = [
    Route("/", landing_page, methods=["GET"]),
    Route("/conformance", conformance, methods=["GET"]),
    Route("/health", get_health, methods=["GET"]),
]
