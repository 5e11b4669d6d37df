"""Removing what an attempt has on a swarm, so that nothing is left, as often as it is asked."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from openccp.core.job import TaskKey
from openccp.infrastructures.docker.container import ATTEMPT
from openccp.infrastructures.folders import attempt_name
from openccp.infrastructures.swarm.carrying import Carrying
from openccp.infrastructures.swarm.cluster import Cluster, Seen, is_ours
from openccp.infrastructures.swarm.service import Ground, carrier_name

log = logging.getLogger(__name__)
PATIENCE = 20.0
"""Seconds for tasks to end after their grace, and for a carrier to hear that it may go."""
CLEANING = 600.0
"""Seconds that a carrier may need to clean its node: installed programs are many files."""
LOOK = 1.0
TICK = 0.1


@dataclass(frozen=True, slots=True)
class Remover:
    """Removes only what carries the attempt's labels."""

    ground: Ground
    cluster: Cluster
    carrying: Carrying

    async def remove_services(self, key: TaskKey, names: Sequence[str]) -> None:
        """End services: the swarm sends TERM to what runs, and KILL after the grace."""
        for name in names:
            if is_ours(await self.cluster.labels(name), self.ground.labels_of(key)):
                await self.cluster.remove("services", name)

    async def remove_attempt(self, key: TaskKey, *, carries: bool) -> None:
        """Replicas, then what their node keeps, then the carrier, secrets and the network.

        What a node that is not reached still has is removed by the swarm when it comes back, and
        its files by the next carrier that comes there.
        """
        carrier, mine = carrier_name(key), f"{ATTEMPT}={key.job}-{key.attempt}"
        seen = await self._seen(mine)
        await self.remove_services(key, sorted(seen.services - {carrier}))
        await self._until(lambda: self._have_ended(mine, carrier), self.ground.grace + PATIENCE)
        if carries and carrier in seen.services:
            await self._send_away(key, mine)
            await self.remove_services(key, [carrier])
        for found, _ in await self.cluster.ours("secrets", self.ground.label, mine):
            await self.cluster.remove("secrets", found)
        if not await self._until(lambda: self._without_network(key), PATIENCE):
            log.warning("%s: its network is still in use, it is removed later", key.name)

    async def _send_away(self, key: TaskKey, mine: str) -> None:
        """As long as it lives and is heard of, it is not ended in the midst of its work."""
        carrier, patience = carrier_name(key), PATIENCE
        leaving, began = self.carrying.send_away(key), time.monotonic()
        while time.monotonic() < began + patience and not await _within(leaving.gone, LOOK):
            patience = CLEANING if leaving.heard.is_set() else PATIENCE
            seen = await self._seen(mine)
            task = seen.tasks.get(carrier)
            if task is None or task.state != "running" or seen.is_cut_off(carrier):
                return

    async def _seen(self, mine: str) -> Seen:
        return await self.cluster.seen(self.ground.label, mine)

    async def _have_ended(self, mine: str, carrier: str) -> bool:
        seen = await self._seen(mine)
        others = (seen.services | seen.tasks.keys()) - {carrier}
        return all(seen.is_over(name) or seen.is_cut_off(name) for name in others)

    async def _without_network(self, key: TaskKey) -> bool:
        return await self.cluster.remove("networks", attempt_name(key))

    async def sweep(self, kept: Callable[[], set[str]]) -> None:
        """What could not be removed before, of attempts whose folders are not kept any more."""
        for kind in ("services", "networks", "secrets"):
            listed = await self.cluster.ours(kind, self.ground.label)
            names = kept()
            for found, labels in listed:
                if ATTEMPT in labels and f"ccp-{labels[ATTEMPT]}" not in names:
                    await self.cluster.remove(kind, found)

    async def _until(self, done: Callable[[], Awaitable[bool]], seconds: float) -> bool:
        until = time.monotonic() + seconds
        while not await done():
            if time.monotonic() > until:
                return False
            await asyncio.sleep(TICK)
        return True


async def _within(event: asyncio.Event, seconds: float) -> bool:
    """Whether it is set in that time."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()
