"""/infrastructures: where methods can run."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openccp.app.health import infrastructure_document
from openccp.web.documents import link
from openccp.web.negotiate import caller, root, services
from openccp.web.render import render


async def list_infrastructures(request: Request) -> Response:
    """GET /infrastructures."""
    await caller(request)
    base, names = root(request), services(request).infrastructures
    documents = [
        {
            **await infrastructure_document(services(request), name),
            "links": [link(f"{base}/infrastructures/{name}", "self", "This infrastructure")],
        }
        for name in names
    ]
    links = [link(f"{base}/infrastructures", "self", "This list")]
    return render(request, {"infrastructures": documents, "links": links}, "infrastructures")


async def get_infrastructure(request: Request) -> Response:
    """GET /infrastructures/{id}."""
    await caller(request)
    name = request.path_params["infrastructure_id"]
    return render(request, await infrastructure_document(services(request), name), "infrastructure")


routes = [
    Route("/infrastructures", list_infrastructures, methods=["GET"]),
    Route("/infrastructures/{infrastructure_id}", get_infrastructure, methods=["GET"]),
]
