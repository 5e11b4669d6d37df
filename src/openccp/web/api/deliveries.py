"""/deliveries, /account/webhook-secret: the caller's callbacks, and what signs them."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openccp.app.deliveries import list_deliveries, retry, visible_delivery
from openccp.core.access import Who
from openccp.core.deliveries import Delivery, DeliveryFilter, DeliveryState
from openccp.core.problems import InvalidQueryParameter
from openccp.core.webhooks import SigningSecrets, written
from openccp.web.documents import link, moment
from openccp.web.negotiate import (
    caller,
    known_parameters,
    limit,
    root,
    services,
)
from openccp.web.paging import DELIVERIES, cursor, list_links, places
from openccp.web.render import render

NO_STORE = {"Cache-Control": "no-store"}


async def get_deliveries(request: Request) -> Response:
    """GET /deliveries."""
    who = await caller(request)
    known_parameters(request, "limit", "after", "state", "jobID")
    wanted = _filter(request, who)
    page, more = await list_deliveries(services(request), wanted)
    following = (page[-1].created, page[-1].id) if more else None
    links = list_links(request, cursor(DELIVERIES, following), None)
    found = [_document(delivery, root(request)) for delivery in page]
    return render(request, {"deliveries": found, "links": links}, "deliveries")


def _filter(request: Request, who: Who) -> DeliveryFilter:
    query = request.query_params
    after, _ = places(request, DELIVERIES)
    return DeliveryFilter(
        owner=who.id,
        limit=limit(request),
        after=after,
        state=_state(query.get("state")),
        job=query.get("jobID"),
    )


def _state(text: str | None) -> DeliveryState | None:
    try:
        return DeliveryState(text) if text is not None else None
    except ValueError:
        words = ", ".join(DeliveryState)
        raise InvalidQueryParameter(f"state is one of {words}.") from None


async def get_delivery(request: Request) -> Response:
    """GET /deliveries/{id}."""
    who, delivery_id = await caller(request), request.path_params["delivery_id"]
    delivery = await visible_delivery(services(request), who, delivery_id)
    return render(request, _document(delivery, root(request)), "delivery")


async def retry_delivery(request: Request) -> Response:
    """POST /deliveries/{id}/retry."""
    who, delivery_id = await caller(request), request.path_params["delivery_id"]
    delivery = await retry(services(request), who, delivery_id)
    return render(request, _document(delivery, root(request)), "delivery")


def _document(delivery: Delivery, base: str) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": delivery.id,
        "jobID": delivery.job,
        "event": str(delivery.news),
        "url": delivery.url,
        "state": str(delivery.state),
        "attempts": delivery.attempts,
        "detail": delivery.detail,
        "created": moment(delivery.created),
    }
    for name, seconds in (("tried", delivery.tried), ("due", delivery.due)):
        if seconds is not None:
            document[name] = moment(seconds)
    own = f"{base}/deliveries/{delivery.id}"
    document["links"] = [
        link(own, "self", "This delivery"),
        link(f"{base}/jobs/{delivery.job}", "monitor", "The job it tells of"),
    ]
    return document


async def get_secret(request: Request) -> Response:
    """GET /account/webhook-secret."""
    secrets = await services(request).webhooks.secrets((await caller(request)).id)
    return render(request, _secret(secrets), "webhook-secret", headers=NO_STORE)


async def rotate_secret(request: Request) -> Response:
    """POST /account/webhook-secret."""
    secrets = await services(request).webhooks.rotate((await caller(request)).id)
    return render(request, _secret(secrets), "webhook-secret", headers=NO_STORE)


def _secret(secrets: SigningSecrets) -> dict[str, Any]:
    document: dict[str, Any] = {"secret": written(secrets.keys[0])}
    if secrets.until is not None:
        document["before"] = {"secret": written(secrets.keys[1]), "until": moment(secrets.until)}
    return document


routes = [
    Route("/deliveries", get_deliveries, methods=["GET"]),
    Route("/deliveries/{delivery_id}", get_delivery, methods=["GET"]),
    Route("/deliveries/{delivery_id}/retry", retry_delivery, methods=["POST"]),
    Route("/account/webhook-secret", get_secret, methods=["GET"]),
    Route("/account/webhook-secret", rotate_secret, methods=["POST"]),
]
