"""What has to be forgotten from time to time."""

import asyncio
import logging

from openccp.app.services import Services
from openccp.core.problems import Unavailable

log = logging.getLogger(__name__)

EVERY = 600.0
DAY = 86400.0


async def keep_tidy(services: Services) -> None:
    """Every ten minutes: forget secrets, callbacks, uploads and created jobs whose time is over."""
    while True:
        try:
            await tidy(services)
        except Unavailable as error:
            log.warning("could not tidy up: %s", error)
        await asyncio.sleep(EVERY)


async def tidy(services: Services) -> None:
    """Once; many jobs are forgotten in several short changes."""
    now = services.clock()
    await services.accounts.forget_expired(now)
    await services.deliveries.forget(now - services.rules.callback_days * DAY)
    await asyncio.to_thread(services.uploads.forget, now - services.rules.uploads.seconds)
    while await services.jobs.forget_created(now - services.rules.created_seconds):
        pass
