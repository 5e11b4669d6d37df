"""What has to be forgotten from time to time."""

import asyncio
import logging

from openccp.app.services import Services
from openccp.core.problems import Unavailable

log = logging.getLogger(__name__)

EVERY = 600.0


async def keep_tidy(services: Services) -> None:
    """Every ten minutes: forget secrets whose time is over."""
    while True:
        try:
            await services.accounts.forget_expired(services.clock())
        except Unavailable as error:
            log.warning("could not tidy up: %s", error)
        await asyncio.sleep(EVERY)
