"""What has to be forgotten from time to time."""

import asyncio
import logging

from openccp.app.services import Services
from openccp.core.problems import Problem

log = logging.getLogger(__name__)

EVERY = 600.0
DAY = 86400.0


async def keep_tidy(services: Services) -> None:
    """Every ten minutes: forget secrets, callbacks, uploads, keys and created jobs that are old."""
    while True:
        await tidy(services)
        await asyncio.sleep(EVERY)


async def tidy(services: Services) -> None:
    """Once; what cannot be done now keeps nothing else from it, and is tried the next time."""
    for step in (_accounts, _deliveries, _uploads, _keys, _created):
        try:
            await step(services, services.clock())
        except (Problem, OSError, ValueError):
            log.exception("could not forget all that is old: %s", step.__name__.strip("_"))


async def _accounts(services: Services, now: float) -> None:
    await services.accounts.forget_expired(now)


async def _deliveries(services: Services, now: float) -> None:
    await services.deliveries.forget(now - services.rules.callback_days * DAY)


async def _uploads(services: Services, now: float) -> None:
    await asyncio.to_thread(services.uploads.forget, now - services.rules.uploads.seconds)


async def _keys(services: Services, now: float) -> None:
    while await services.jobs.forget_keys(now - DAY):
        pass


async def _created(services: Services, now: float) -> None:
    """Many are forgotten in several short changes."""
    while await services.jobs.forget_created(now - services.rules.created_seconds):
        pass
