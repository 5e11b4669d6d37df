"""/jobs/{id}/prov and metadata/provo.xml: W3C PROV in several serialisations."""

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openccp.app.jobs import visible_job
from openccp.app.provenance import provenance
from openccp.core.provenance import Form
from openccp.web.media import HTML, JSON, Offer
from openccp.web.negotiate import caller, root, services
from openccp.web.render import chosen, page

XML = Offer("xml", "application/provenance+xml")
OFFERS = {
    JSON: Form.JSON,
    Offer("provjson", "application/provenance+json"): Form.JSON,
    XML: Form.XML,
    Offer("plainxml", "application/xml"): Form.XML,
    Offer("provn", "text/provenance-notation; charset=utf-8"): Form.PROVN,
    Offer("jsonld", "application/ld+json"): Form.JSONLD,
    HTML: Form.JSON,
}


async def get_provenance(request: Request) -> Response:
    """GET /jobs/{id}/prov: PROV-JSON, unless another serialisation is asked for."""
    return await _answer(request, chosen(request, tuple(OFFERS)))


async def get_provo(request: Request) -> Response:
    """GET /executions/{id}/metadata/provo.xml: PROV-XML."""
    return await _answer(request, XML)


async def _answer(request: Request, offer: Offer) -> Response:
    job = await visible_job(services(request), await caller(request), request.path_params["job_id"])
    content = await provenance(services(request), job, root(request), OFFERS[offer])
    if offer is HTML:
        return page(request, "metadata", orjson.loads(content))
    return Response(content, headers={"Content-Type": offer.media_type})


routes = [
    Route("/jobs/{job_id}/prov", get_provenance, methods=["GET"]),
    Route("/executions/{job_id}/metadata/provo.xml", get_provo, methods=["GET"]),
]
