"""How many requests a caller may send: a generous bucket each, so that one leaves room for all."""

import time
from collections.abc import Callable
from math import ceil

from openccp.core.problems import TooManyRequests

BURST_SECONDS = 300.0
REMEMBERED = 50_000


class Pace:
    """A bucket for every caller: `rate` requests a second, five minutes' worth of them at once.

    A bucket is kept as the moment at which it is full again, so most of them age by themselves.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds_each = 1 / rate if rate else 0.0
        self._clock = clock
        self._full_at: dict[str, float] = {}

    def charge(self, who: str) -> None:
        """Count a request; TooManyRequests if the bucket is empty."""
        now = self._clock()
        full_at = max(self._full_at.get(who, now), now) + self._seconds_each
        if full_at - now > BURST_SECONDS:
            raise TooManyRequests(retry_after=ceil(full_at - now - BURST_SECONDS))
        self._full_at[who] = full_at
        if len(self._full_at) > REMEMBERED:
            self._forget(now)

    def _forget(self, now: float) -> None:
        """Forget the full buckets, or all if a crowd of addresses empties them."""
        self._full_at = {who: at for who, at in self._full_at.items() if at > now}
        if len(self._full_at) > REMEMBERED:
            self._full_at.clear()

    def __len__(self) -> int:
        return len(self._full_at)
