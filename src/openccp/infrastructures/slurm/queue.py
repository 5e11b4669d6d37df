"""What the controller listed last: one call for all who ask at the same time."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from openccp.infrastructures.slurm.controller import BatchJob, Controller, Listed


@dataclass(frozen=True, slots=True)
class Listing:
    """Our jobs as they were at `taken` (epoch seconds), by name."""

    taken: float
    ours: dict[str, list[BatchJob]]
    ranks: dict[int, int]
    """Job -> its place among all that wait, from 1, by priority."""

    def of(self, name: str) -> Sequence[BatchJob]:
        """All of a name: more than one a replica, if an answer to a submission was lost."""
        return self.ours.get(name, ())

    def told(self, job: BatchJob) -> str:
        """Where it stands, in words."""
        if job.state != "PENDING":
            return f"being started on {job.node}" if job.node else "being started"
        place = f", place {self.ranks[job.id]}" if job.id in self.ranks else ""
        return f"waiting in the queue{place} ({job.reason})"


class Queue:
    """Asks the controller once for everybody."""

    def __init__(self, controller: Controller, ours: Callable[[BatchJob], bool]) -> None:
        self._controller = controller
        self._is_ours = ours
        self._asking: asyncio.Task[Listing] | None = None
        self._asked = 0.0
        self._last: Listing | None = None

    async def listing(self, since: float) -> Listing:
        """A list that was asked for at `since` or later; ControllerGone if there is none."""
        if self._last is not None and self._last.taken >= since:
            return self._last
        if self._asking is None or self._asking.done() or self._asked < since:
            self._asked = time.time()
            self._asking = asyncio.create_task(self._ask(self._asked))
        return await asyncio.shield(self._asking)

    async def _ask(self, taken: float) -> Listing:
        listing = _listing(taken, await self._controller.listed(), self._is_ours)
        self._last = listing
        return listing


def _listing(taken: float, listed: Listed, ours: Callable[[BatchJob], bool]) -> Listing:
    named: dict[str, list[BatchJob]] = defaultdict(list)
    for job in filter(ours, listed.jobs):
        named[job.name].append(job)
    line = dict.fromkeys(listed.line)
    return Listing(taken, dict(named), {id: place for place, id in enumerate(line, 1)})
