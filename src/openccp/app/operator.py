"""The operator's view: everything at once, and callbacks that were given up sent again."""

from dataclasses import dataclass
from importlib.metadata import version

from openccp.app.health import infrastructure_document
from openccp.app.services import Services
from openccp.app.storage import Used
from openccp.core.access import Who, may_operate
from openccp.core.deliveries import Delivery
from openccp.core.overview import Holding, Queue
from openccp.core.problems import Forbidden

MOST = 200
"""Lines of each table."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What an operator sees; `used` is None while it is measured for the first time."""

    version: str
    infrastructures: list[dict[str, object]]
    queues: list[Queue]
    accounts: list[Holding]
    account_count: int
    used: Used | None
    dead: list[Delivery]


async def overview(services: Services, who: Who) -> Seen:
    """Everything at once; Forbidden for all but operators."""
    _check(who)
    kept = services.overview
    return Seen(
        version=version("openccp"),
        infrastructures=[
            await infrastructure_document(services, name) for name in services.infrastructures
        ],
        queues=list(await kept.queues(MOST)),
        accounts=list(await kept.accounts(MOST)),
        account_count=await kept.account_count(),
        used=await services.storage.used(),
        dead=list(await kept.dead(MOST)),
    )


async def send_again(services: Services, who: Who, delivery_id: str) -> Delivery:
    """Try somebody's callback again; NoSuchDelivery, AlreadyDelivered, Forbidden."""
    _check(who)
    return await services.deliveries.retry(delivery_id, services.clock())


def _check(who: Who) -> None:
    if not may_operate(who):
        raise Forbidden("Only administrators of this platform may see this.")
