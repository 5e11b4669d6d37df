"""See one's callbacks, and send one again."""

from collections.abc import Sequence
from dataclasses import replace

from openccp.app.services import Services
from openccp.core.access import Who, may_see_delivery
from openccp.core.deliveries import Delivery, DeliveryFilter, NoSuchDelivery


async def visible_delivery(services: Services, who: Who, delivery_id: str) -> Delivery:
    """The delivery; NoSuchDelivery also when it is somebody else's."""
    delivery = await services.deliveries.get(delivery_id)
    if delivery is None or not may_see_delivery(who, delivery):
        raise NoSuchDelivery
    return delivery


async def list_deliveries(
    services: Services, wanted: DeliveryFilter
) -> tuple[Sequence[Delivery], bool]:
    """A page, newest first; says whether there are more."""
    page = await services.deliveries.page(replace(wanted, limit=wanted.limit + 1))
    return page[: wanted.limit], len(page) > wanted.limit


async def retry(services: Services, who: Who, delivery_id: str) -> Delivery:
    """Send it again, from the start of the schedule; AlreadyDelivered if it was."""
    await visible_delivery(services, who, delivery_id)
    return await services.deliveries.retry(delivery_id, services.clock())
