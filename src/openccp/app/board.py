"""What infrastructures last said of themselves: a slow one slows nobody who asks about it."""

import asyncio
import logging
import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from openccp.core.ports import Clock, Health, Infrastructure
from openccp.core.promises import Measurements

log = logging.getLogger(__name__)

FRESH = 5.0
PATIENCE = 2.0
SILENT = Health(False, "", "It has not answered in time.")


class Board:
    """One question at a time to each infrastructure; everybody gets the last answer.

    What was measured of it is looked up as often.
    """

    def __init__(
        self, places: Mapping[str, Infrastructure], clock: Clock, measurements: Measurements
    ) -> None:
        self._places, self._clock, self._measurements = places, clock, measurements
        self._broken = {name: self._found(name) for name in places}
        self._known: dict[str, Health] = {}
        self._asked: dict[str, float] = {}
        self._asking: dict[str, asyncio.Task[Health]] = {}

    def known(self, name: str) -> Health | None:
        """The last answer; None before the first."""
        return self._known.get(name)

    def broken(self, name: str) -> frozenset[str]:
        """The promises that did not hold when they were last tried; none if that never was."""
        return self._broken[name]

    def look(self) -> None:
        """Ask those whose answer is old, and wait for none; who has not answered is silent."""
        now = self._clock()
        for name in self._places:
            age = now - self._asked.get(name, -math.inf)
            if name in self._asking:
                if age >= PATIENCE:
                    self._known[name] = SILENT
            elif age >= FRESH:
                self._asked[name] = now
                self._broken[name] = self._found(name)
                self._asking[name] = asyncio.create_task(self._ask(name))
                self._asking[name].add_done_callback(partial(self._answered, name))

    async def all(self) -> Mapping[str, Health]:
        """What every one says, a few seconds old at most; who is silent counts as unreachable."""
        self.look()
        expected = {n: task for n, task in self._asking.items() if self._is_expected(n)}
        if expected:
            await asyncio.wait(expected.values(), timeout=PATIENCE)
        for name, task in expected.items():
            if not task.done():
                self._known[name] = SILENT
        return {name: self._known.get(name, SILENT) for name in self._places}

    def _is_expected(self, name: str) -> bool:
        """Whether its answer may still come in time."""
        return self._clock() - self._asked[name] < PATIENCE

    async def close(self) -> None:
        """Wait for no answer any more."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    def _found(self, name: str) -> frozenset[str]:
        measured = self._measurements.of(name)
        return measured.disproved if measured else frozenset()

    async def _ask(self, name: str) -> Health:
        health = await self._places[name].check()
        return replace(health, slots=health.slots or self._places[name].slots)

    def _answered(self, name: str, task: asyncio.Task[Health]) -> None:
        del self._asking[name]
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._known[name] = task.result()
            return
        self._known[name] = SILENT
        log.error("infrastructure %s: its check failed", name, exc_info=error)
