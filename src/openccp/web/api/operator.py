"""/operator: what administrators see of everybody, and callbacks that they send again."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from openccp.app.operator import Seen, overview, send_again
from openccp.core.deliveries import Delivery
from openccp.core.overview import Holding
from openccp.web.api.sign_in import prefix
from openccp.web.documents import link, moment
from openccp.web.media import HTML
from openccp.web.negotiate import caller, known_parameters, root, services
from openccp.web.render import chosen, render


async def get_operator(request: Request) -> Response:
    """GET /operator."""
    who = await caller(request)
    known_parameters(request)
    seen = await overview(services(request), who)
    return render(request, _document(seen, root(request)), "operator")


async def send_delivery_again(request: Request) -> Response:
    """POST /operator/deliveries/{delivery_id}/retry: from the page, back to it."""
    who, delivery_id = await caller(request), request.path_params["delivery_id"]
    delivery = await send_again(services(request), who, delivery_id)
    if chosen(request) is HTML:
        return RedirectResponse(f"{prefix(request)}/operator#dead", status_code=303)
    return render(request, _delivery(delivery), "resource")


def _document(seen: Seen, base: str) -> dict[str, Any]:
    used = seen.used
    return {
        "version": seen.version,
        "infrastructures": seen.infrastructures,
        "queues": [asdict(queue) for queue in seen.queues],
        "accounts": [_account(account) for account in seen.accounts],
        "numberOfAccounts": seen.account_count,
        "storage": None if used is None else {"at": moment(used.at), "bytes": dict(used.parts)},
        "deadDeliveries": [_delivery(delivery) for delivery in seen.dead],
        "links": [link(f"{base}/operator", "self", "This page")],
    }


def _account(account: Holding) -> Mapping[str, Any]:
    since = account.signed_in
    return {
        "name": account.name,
        "role": str(account.role),
        "created": moment(account.created),
        "signedIn": None if since is None else moment(since),
        "jobs": account.jobs,
    }


def _delivery(delivery: Delivery) -> dict[str, Any]:
    """Without the path of its address: what a subscriber wrote there may be a key."""
    return {
        "id": delivery.id,
        "jobID": delivery.job,
        "event": str(delivery.news),
        "target": delivery.target.rpartition("@")[2],
        "state": str(delivery.state),
        "attempts": delivery.attempts,
        "detail": delivery.detail,
        "created": moment(delivery.created),
        "tried": None if delivery.tried is None else moment(delivery.tried),
    }


routes = [
    Route("/operator", get_operator, methods=["GET"]),
    Route("/operator/deliveries/{delivery_id}/retry", send_delivery_again, methods=["POST"]),
]
