"""Buckets of attempts: guessing passwords gets slow, and nobody can lock out somebody else."""

from dataclasses import dataclass
from math import ceil

from openccp.core.identity import Recent, network_of


@dataclass(frozen=True, slots=True)
class Allowance:
    """A bucket's size, and the seconds after which one attempt has come back."""

    burst: int
    seconds_each: float

    @property
    def full_after(self) -> float:
        """Seconds until an empty bucket is full: from then on it need not be remembered."""
        return self.burst * self.seconds_each


@dataclass(frozen=True, slots=True)
class Allowances:
    """How many attempts are free for a name from one address, an address, and a name."""

    pair: Allowance = Allowance(10, 30)
    address: Allowance = Allowance(100, 6)
    name: Allowance = Allowance(100, 3)
    trusted_seconds: float = 30 * 86400


NameAndAddress = tuple[str, str]


class Buckets:
    """A core.identity.Throttle in memory.

    A name's own bucket is what a crowd of addresses empties. It does not count where the
    owner has signed in from before, so that such a crowd does not keep the owner out.
    """

    def __init__(self, allowances: Allowances | None = None, size: int = 20_000) -> None:
        self._allowances = allowances or Allowances()
        self._spent: Recent[NameAndAddress, float] = Recent(size)
        self._trusted: Recent[NameAndAddress, bool] = Recent(size)

    def admit(self, name: str, address: str, now: float) -> int:
        """Take one attempt: 0, or the seconds to wait before the next."""
        buckets = self._buckets(name, network_of(address), now)
        wait = max(self._wait(key, allowance, now) for key, allowance in buckets)
        if wait > 0:
            return ceil(wait)
        for key, allowance in buckets:
            self._move(key, allowance, allowance.seconds_each, now)
        return 0

    def succeeded(self, name: str, address: str, now: float) -> None:
        """The attempt was the owner's: give it back and remember the address."""
        network = network_of(address)
        for key, allowance in self._buckets(name, network, now):
            self._move(key, allowance, -allowance.seconds_each, now)
        self._trusted.put((name, network), True, now + self._allowances.trusted_seconds)

    def __len__(self) -> int:
        return max(len(self._spent), len(self._trusted))

    def _buckets(
        self, name: str, network: str, now: float
    ) -> list[tuple[NameAndAddress, Allowance]]:
        buckets = [
            ((name, network), self._allowances.pair),
            (("", network), self._allowances.address),
        ]
        if not self._trusted.get((name, network), now):
            buckets.append(((name, ""), self._allowances.name))
        return buckets

    def _wait(self, key: NameAndAddress, allowance: Allowance, now: float) -> float:
        full_at = max(self._spent.get(key, now) or now, now)
        return full_at + allowance.seconds_each - now - allowance.full_after

    def _move(self, key: NameAndAddress, allowance: Allowance, by: float, now: float) -> None:
        """A bucket is kept as the moment at which it is full again: that ages by itself."""
        full_at = max(self._spent.get(key, now) or now, now) + by
        self._spent.put(key, full_at, full_at)
