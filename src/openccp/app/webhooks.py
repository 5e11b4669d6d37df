"""The secrets that callbacks are signed with, one for each owner."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from openccp.core.deliveries import DeliveryStore, Generation
from openccp.core.ports import Clock
from openccp.core.webhooks import ROTATION, SigningSecrets, derived


@dataclass(frozen=True)
class Webhooks:
    """Derives secrets from the platform's key, which is read when the first is asked for."""

    store: DeliveryStore
    read_key: Callable[[], bytes]
    clock: Clock

    @cached_property
    def _key(self) -> bytes:
        return self.read_key()

    async def secrets(self, owner: str) -> SigningSecrets:
        """What an owner's messages are signed with now."""
        return self._of(owner, await self.store.generation(owner))

    async def rotate(self, owner: str) -> SigningSecrets:
        """A new secret; for a day messages are signed with the one before as well."""
        return self._of(owner, await self.store.rotate(owner, self.clock()))

    def _of(self, owner: str, generation: Generation) -> SigningSecrets:
        current = derived(self._key, owner, generation.number)
        until = generation.since + ROTATION
        if generation.number == 1 or self.clock() >= until:
            return SigningSecrets((current,))
        return SigningSecrets((current, derived(self._key, owner, generation.number - 1)), until)
