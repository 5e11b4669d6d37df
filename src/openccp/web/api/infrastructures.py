"""/infrastructures: where methods can run."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openccp.app.health import usable_infrastructure, usable_infrastructures
from openccp.web.documents import link
from openccp.web.negotiate import caller, root, services
from openccp.web.render import render


async def list_infrastructures(request: Request) -> Response:
    """GET /infrastructures."""
    who, base = await caller(request), root(request)
    documents = [
        {
            **one,
            "links": [link(f"{base}/infrastructures/{one['id']}", "self", "This infrastructure")],
        }
        for one in await usable_infrastructures(services(request), who)
    ]
    links = [link(f"{base}/infrastructures", "self", "This list")]
    return render(request, {"infrastructures": documents, "links": links}, "infrastructures")


async def get_infrastructure(request: Request) -> Response:
    """GET /infrastructures/{id}."""
    who, name = await caller(request), request.path_params["infrastructure_id"]
    document = await usable_infrastructure(services(request), who, name)
    return render(request, document, "infrastructure")


routes = [
    Route("/infrastructures", list_infrastructures, methods=["GET"]),
    Route("/infrastructures/{infrastructure_id}", get_infrastructure, methods=["GET"]),
]
