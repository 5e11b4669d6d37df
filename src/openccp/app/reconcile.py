"""The reconciler: claims jobs, looks at them in batches, and does what `decide` says.

It alone starts, stops and finishes jobs. Level-triggered: what it knows is in the store and on
the infrastructures, so a crash at any line is repaired by the next round.
"""

import asyncio
import errno
import logging
import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from openccp.app.changes import pause
from openccp.app.perform import Performer, Surroundings
from openccp.app.stage import Case
from openccp.core.decide import Action, Collect, Finish, Submit, Wait, decide
from openccp.core.failpoint import failpoint
from openccp.core.job import Job, Phase, Stage, TaskKey
from openccp.core.ports import Observation
from openccp.core.problems import Problem, Unavailable
from openccp.core.queue import Room, Waiting, next_up
from openccp.core.stores import Conflict

log = logging.getLogger(__name__)

LEASE = 15.0
RENEW = 5.0
LOOK = 1.0
LATER = math.inf
"""Due when the look that is under way at its infrastructure has ended."""
PARTING = 10.0
"""Seconds that a stop waits for what is under way: cut off, it is done again by the next start."""
AHEAD = 3
ENDING = 8
BEGUN = 1000
"""How many jobs under way are claimed at once: they are looked after, however many they are."""
IDLE = 5.0
LONGEST_BACKOFF = 30.0
HOPELESS = 8
PASSING = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
UNREADABLE = (LookupError, ValueError, TypeError, Problem)


@dataclass(slots=True)
class Owned:
    """A job under this reconciler's lease, due at `due`."""

    job: Job
    case: Case | None = None
    due: float = 0.0
    stale: bool = False
    slot: bool = False
    waiting: bool = False
    errors: int = 0
    work: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def ends(self) -> bool:
        """Whether its run is over: it needs no slot any more."""
        return not self.slot and self.job.phase not in (Phase.QUEUED, Phase.STARTING)


@dataclass(slots=True)
class Look:
    """A look at one infrastructure; what came due there meanwhile is looked at after it."""

    work: asyncio.Task[None]
    after: list[Owned] = field(default_factory=list)


class Reconciler:
    """Runs until `stop()`; stopping it never stops jobs.

    It waits for no infrastructure: each look and each action is a task of its own, and a look
    that hangs holds up the jobs of its own infrastructure only.
    """

    def __init__(self, around: Surroundings, name: str, *, hold: bool = False) -> None:
        self._around = around
        self._name = name
        self._hold = hold
        self._owned: dict[str, Owned] = {}
        self._looks: dict[str, Look] = {}
        self._news = asyncio.Event()
        self._stopped = False
        self._renewed = 0.0
        self._claimed = 0.0
        self._more = True
        self._leasing: asyncio.Task[None] | None = None
        self._performer = Performer(around)
        for infrastructure in around.infrastructures.values():
            infrastructure.on_change(self._task_changed)

    def wake(self, job_id: str) -> None:
        """There is news of a job: look at it, or claim it, in the next round."""
        owned = self._owned.get(job_id)
        if owned is None:
            self._more = True
        else:
            owned.stale, owned.due = True, 0.0
        self._news.set()

    def look_again(self) -> None:
        """Another process has news of some job: look at every one."""
        for owned in self._owned.values():
            owned.stale, owned.due = True, 0.0
        self._more = True
        self._news.set()

    def stop(self) -> None:
        """End `run` after the current round."""
        self._stopped = True
        self._news.set()

    async def run(self) -> None:
        """Round after round; after `stop()` the work under way is done and the leases given up."""
        while not self._stopped:
            self._news.clear()
            try:
                self.round()
            except Exception:
                log.exception("a reconcile round failed; the next one tries again")
                await pause(self._news, LOOK)
            await pause(self._news, self._until_due())
        await self.settle(PARTING)
        await self._around.jobs.renew(self._name, list(self._owned), self._around.clock())

    async def settle(self, seconds: float | None = None) -> None:
        """Wait until the work under way is done; what takes longer than `seconds` is cut off."""
        work = [o.work for o in self._owned.values() if o.work]
        work += [look.work for look in self._looks.values()]
        work += [self._leasing] if self._leasing else []
        if work:
            _, late = await asyncio.wait(work, timeout=seconds)
            for one in late:
                one.cancel()
            await asyncio.gather(*work, return_exceptions=True)

    def round(self) -> None:
        """Claim, start to look at what is due, and start the work that needs no look."""
        now = self._around.clock()
        self._lease(now)
        wanted: defaultdict[str, dict[TaskKey, Owned]] = defaultdict(dict)
        for owned in self._owned.values():
            if owned.work is not None or owned.due > now:
                continue
            key = self._to_see(owned)
            if key is None:
                self._act(owned, None, now)
            else:
                owned.due = LATER
                wanted[owned.job.infrastructure][key] = owned
        for name, jobs in wanted.items():
            if name in self._looks:
                self._looks[name].after += jobs.values()
            else:
                look = asyncio.create_task(self._look(name, jobs))
                self._looks[name] = Look(look)
                look.add_done_callback(partial(self._looked, name, jobs))

    def _to_see(self, owned: Owned) -> TaskKey | None:
        """The task that has to be looked at before there is something to decide."""
        job = owned.job
        known = job.handle is not None and job.infrastructure in self._around.infrastructures
        return self._performer.watched(job) if known and owned.case and not owned.stale else None

    async def _look(self, name: str, wanted: Mapping[TaskKey, Owned]) -> None:
        handles = {key: o.job.handle for key, o in wanted.items() if o.job.handle is not None}
        seen = await self._around.infrastructures[name].observe(handles)
        now = self._around.clock()
        for key, owned in wanted.items():
            # What was read, done or claimed anew meanwhile may have left this task behind.
            ours = self._owned.get(key.job) is owned and not self._stopped
            if ours and owned.work is None and self._to_see(owned) == key:
                self._act(owned, seen.get(key), now)

    def _looked(self, name: str, wanted: Mapping[TaskKey, Owned], look: asyncio.Task[None]) -> None:
        after = self._looks.pop(name).after
        again = self._around.clock() + LOOK
        for owned in wanted.values():
            if owned.due == LATER:
                owned.due = again
        for owned in after:
            owned.due = 0.0
        self._news.set()
        error = None if look.cancelled() else look.exception()
        if error is not None:
            log.error("infrastructure %s: a look at its jobs failed", name, exc_info=error)

    def _act(self, owned: Owned, seen: Observation | None, now: float) -> None:
        """Start what `decide` says; first of all a job has to be read."""
        owned.due = now + LOOK
        action = None
        if owned.case is not None and not owned.stale:
            action = decide(owned.job, seen, owned.case.plan, now)
        if not isinstance(action, Wait):
            owned.work = asyncio.create_task(self._work(owned, action))

    async def _work(self, owned: Owned, action: Action | None) -> None:
        try:
            await self._perform(owned, action)
            owned.errors = 0
        except Conflict:
            owned.stale = True
        except Exception as error:
            # What passes, like a full disk, fails no job however long it lasts.
            owned.errors = min(owned.errors + 1, HOPELESS - 1 if _passes(error) else HOPELESS)
            owned.stale = True
            log.exception("job %s: an action failed; it will be decided anew", owned.job.id)
        finally:
            owned.work = None
            if owned.stale:
                owned.due = self._around.clock() + _backoff(owned.errors)
            self._news.set()

    async def _perform(self, owned: Owned, action: Action | None) -> None:
        if action is None:
            if not await self._read(owned):
                return
            action = self._next(owned)
        while not isinstance(action, Wait) and self._admitted(owned, action):
            before = owned.job
            assert owned.case is not None
            after = await self._performer.perform(before, owned.case, action)
            if owned.job is not before:
                raise Conflict(f"{before.id} was claimed anew meanwhile")
            owned.job = after
            if after is before or owned.stale or self._released(owned):
                return
            action = self._next(owned)

    def _admitted(self, owned: Owned, action: Action) -> bool:
        """Whether to go on: a run starts only in a free slot, and gives it up when it has ended."""
        place = owned.job.infrastructure
        if isinstance(action, Collect | Finish) and owned.slot:
            owned.slot = False
            self._grant(place)
        if isinstance(action, Submit) and action.stage is Stage.RUN and not owned.slot:
            owned.waiting = True
            self._grant(place)
            return owned.slot
        return True

    def _grant(self, place: str) -> None:
        """Give the free slots of an infrastructure to those who are next."""
        if place not in self._around.infrastructures:
            return
        here = [o for o in self._owned.values() if o.job.infrastructure == place]
        free = self._around.infrastructures[place].slots - sum(o.slot for o in here)
        if free <= 0:
            return
        running = Counter(o.job.owner for o in here if o.slot)
        waiting = (Waiting(o.job.id, o.job.owner, o.job.created) for o in here if o.waiting)
        for job_id in next_up(waiting, running, free):
            owned = self._owned[job_id]
            owned.slot, owned.waiting, owned.due = True, False, 0.0
        self._news.set()

    def _next(self, owned: Owned) -> Action:
        assert owned.case is not None
        return decide(owned.job, None, owned.case.plan, self._around.clock())

    async def _read(self, owned: Owned) -> bool:
        """Read the job anew; says whether it is still ours to work on."""
        owned.stale, owned.due = False, 0.0
        job = await self._around.jobs.get(owned.job.id)
        if job is None or job.fence != owned.job.fence:
            del self._owned[owned.job.id]
            self._grant(owned.job.infrastructure)
            return False
        owned.job = job
        granted = owned.slot and job.phase in (Phase.QUEUED, Phase.STARTING)
        started = job.handle is not None and job.phase not in (Phase.UNDEPLOYING, Phase.DONE)
        owned.slot, owned.waiting = granted or started, False
        if owned.errors >= HOPELESS or job.infrastructure not in self._around.infrastructures:
            owned.job = await self._performer.give_up(job)
        elif owned.case is None:
            await self._understand(owned)
        return not self._released(owned)

    async def _understand(self, owned: Owned) -> None:
        """A record that cannot be read will not be better the next time."""
        try:
            owned.case = await self._performer.case(owned.job)
        except UNREADABLE:
            log.exception("job %s: its record cannot be read", owned.job.id)
            owned.job = await self._performer.give_up(owned.job)

    def _released(self, owned: Owned) -> bool:
        if owned.job.phase is not Phase.DONE:
            return False
        self._owned.pop(owned.job.id, None)
        self._more = True
        self._grant(owned.job.infrastructure)
        return True

    def _lease(self, now: float) -> None:
        """Renew and claim beside the round: what is observed must not wait for their commits."""
        if self._leasing is not None:
            if not self._leasing.done():
                return
            ended, self._leasing = self._leasing, None
            ended.result()
        renew = bool(self._owned) and now - self._renewed >= RENEW
        claim = not self._hold and (self._more or now - self._claimed >= IDLE)
        if renew or claim:
            self._leasing = asyncio.create_task(self._take_leases(now, renew, claim))

    def _rooms(self) -> dict[str, Room]:
        """How many jobs to hold: some ahead of the slots, and some that end and hold none.

        Of those that are ending there may be many where they cannot be freed: then it is they
        that are waited for, on that infrastructure alone.
        """
        places = self._around.infrastructures
        held: dict[str, Counter[str]] = {name: Counter() for name in places}
        ending = Counter(o.job.infrastructure for o in self._owned.values() if o.ends)
        for owned in self._owned.values():
            if owned.job.infrastructure in held and not owned.ends:
                held[owned.job.infrastructure][owned.job.owner] += 1
        return {
            name: Room(AHEAD * place.slots, held[name], ENDING * place.slots - ending[name])
            for name, place in places.items()
        }

    async def _take_leases(self, now: float, renew: bool, claim: bool) -> None:
        try:
            if renew:
                self._renewed = now
                await self._around.jobs.renew(self._name, list(self._owned), now + LEASE)
            if claim:
                await self._claim(now)
        finally:
            self._news.set()

    async def _claim(self, now: float) -> None:
        self._more, self._claimed = False, now
        claimed = await self._around.jobs.claim(self._name, now, LEASE, BEGUN, self._rooms())
        if claimed:
            failpoint("claim.after")
        if len(claimed) >= BEGUN:
            self._more = True
        for job in claimed:
            self._owned.setdefault(job.id, Owned(job)).job = job

    def _task_changed(self, key: TaskKey) -> None:
        owned = self._owned.get(key.job)
        if owned is not None:
            owned.due = 0.0
            self._news.set()

    def _until_due(self) -> float:
        now = self._around.clock()
        dues = [o.due for o in self._owned.values() if o.work is None]
        return max(0.0, min([*dues, now + IDLE]) - now)


def _passes(error: Exception) -> bool:
    """Whether it is the machine's trouble, not the job's."""
    return isinstance(error, Unavailable) or (isinstance(error, OSError) and error.errno in PASSING)


def _backoff(errors: int) -> float:
    return min(LONGEST_BACKOFF, LOOK * 2.0**errors) if errors else 0.0
