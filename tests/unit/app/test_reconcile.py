"""The reconciler against kills at every call, lost replies, dismissals and lost tasks."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.app.surrounded import surrounded

from openccp.app.reconcile import LEASE, LOOK, Reconciler
from openccp.app.services import Rules
from openccp.core.callback import KINDS
from openccp.core.deliveries import News
from openccp.core.job import FINAL, Blame, Event, Failure, Job, Phase, Stage, Status, TaskKey
from openccp.core.job_list import JobFilter
from openccp.core.ports import Observation, State
from openccp.core.request import ExecuteRequest
from openccp.core.stores import Conflict
from openccp.core.validate import to_stored
from openccp.testing.memory import MemoryJobs, NoFiles, ScriptedInfrastructure, TestClock

BROKEN = Failure(Blame.METHOD, "exit", "it ended with 7", 7)
SUBSCRIBER = {kind: ["https://a.example/"] for kind in KINDS}
ENDS = {
    "well": Observation(State.EXITED),
    "badly": Observation(State.EXITED, failure=BROKEN),
    "lost": Observation(State.LOST),
}


class Killed(BaseException):
    """The process was killed at this call."""


class Deadly:
    """Passes calls on, and kills before or after the one whose number comes up."""

    def __init__(self, target: Any, fate: "Fate") -> None:
        self._target, self._fate = target, fate

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if not asyncio.iscoroutinefunction(found):
            return found
        return self._fate.around(found)


class Fate:
    """Counts calls down to a kill; `after` loses the reply instead of the request."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.after = False

    def around(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def called(*args: Any, **kwargs: Any) -> Any:
            if self.left is None:
                return await call(*args, **kwargs)
            self.left -= 1
            if self.left < 0 and not self.after:
                raise Killed
            result = await call(*args, **kwargs)
            if self.left < 0:
                raise Killed
            return result

        return called


class World:
    """What survives a kill: the store, the infrastructure, and the clock."""

    def __init__(self, undeploy: bool = True) -> None:
        self.clock, self.fate = TestClock(), Fate()
        self.jobs, self.place = MemoryJobs(), ScriptedInfrastructure(slots=3)
        self.files = NoFiles()
        self.undeploy = undeploy
        self.made = self.killed = 0
        self.reconcilers = 0
        self.finals: dict[str, Status] = {}
        self.reconciler = self.started()

    def started(self) -> Reconciler:
        self.fate.left = None
        self.reconcilers += 1
        around = surrounded(
            Deadly(self.jobs, self.fate),
            {"local": Deadly(self.place, self.fate)},
            self.clock,
            undeploy=self.undeploy,
            files=self.files,
        )
        self.outbox = replace(around.outbox, jobs=self.jobs)
        return Reconciler(around, f"r{self.reconcilers}")

    async def add(self) -> str:
        self.made += 1
        now = self.clock()
        job = Job(f"j{self.made}", "m", 1, "o", "default", "local", now, now, subscriber=SUBSCRIBER)
        await self.jobs.add(job, to_stored(ExecuteRequest({}, {})), {})
        self.reconciler.wake(job.id)
        return job.id

    async def dismiss(self, job_id: str) -> None:
        job = await self.jobs.get(job_id)
        assert job is not None
        if not job.final:
            phase = Phase.STOPPING if job.attempt else Phase.DONE
            stopped = replace(job, status=Status.DISMISSED, phase=phase, finished=self.clock())
            told = await self.outbox.about(job, stopped, self.clock())
            await self.jobs.save(stopped, [Event("status", self.clock())], told)
            self.reconciler.wake(job_id)

    async def round(self) -> None:
        """Claims and one round; a kill ends this reconciler, another starts after its lease."""
        for _ in range(2):
            self.reconciler.round()
            await self.reconciler.settle()
            if self.fate.left is not None and self.fate.left < 0:
                self.killed += 1
                self.reconciler = self.started()
                self.clock.pass_(LEASE)
                break
        await self.check()

    async def check(self) -> None:
        for job in (await self.jobs.page(JobFilter("o", limit=1000))).jobs:
            if job.id in self.finals:
                assert job.status is self.finals[job.id], "final is final"
            if job.final:
                self.finals[job.id] = job.status
        assert all(count == 1 for count in self.place.starts.values()), "started twice"
        running = [key.job for key, seen in self.place.alive.items() if seen.state is State.RUNNING]
        assert len(running) == len(set(running)), "two tasks of one job alive"
        runs = [key for key in self.place.alive if key.stage is Stage.RUN]
        live = [key for key in runs if self.place.alive[key].state is State.RUNNING]
        assert len(live) <= self.place.slots + self.killed, "more runs than slots"

    def end(self, key: TaskKey, how: str) -> None:
        self.place.end(key, ENDS[how])

    async def calm(self) -> None:
        """No more faults: every job must come to an end, and leave nothing behind."""
        self.fate.left = None
        for _ in range(60):
            for key, seen in list(self.place.alive.items()):
                if seen.state is State.RUNNING:
                    self.end(key, "well")
            self.clock.pass_(LOOK)
            await self.round()
        for job in (await self.jobs.page(JobFilter("o", limit=1000))).jobs:
            assert job.phase is Phase.DONE, job
            told = [it for it in self.jobs.outbox if it.job == job.id]
            ends = [it.news for it in told if it.news is not News.PROGRESS]
            success = job.status is Status.SUCCESSFUL
            assert ends == [News.SUCCESS if success else News.FAILURE], "told once how it ended"
            assert told[-1].news is ends[0], "nothing is told after the end"
        assert not self.place.alive, "left behind"


STEPS = st.one_of(
    st.tuples(st.just("add")),
    st.tuples(st.just("round")),
    st.tuples(st.just("pass"), st.sampled_from([0.5, LOOK, 30.0])),
    st.tuples(st.just("end"), st.integers(0, 5), st.sampled_from(sorted(ENDS))),
    st.tuples(st.just("dismiss"), st.integers(0, 5)),
    st.tuples(st.just("kill"), st.integers(0, 6), st.booleans()),
)


async def play(steps: list[tuple[Any, ...]], undeploy: bool) -> None:
    world = World(undeploy)
    for step in steps:
        match step:
            case ("add",):
                await world.add()
            case ("round",):
                await world.round()
            case ("pass", seconds):
                world.clock.pass_(seconds)
            case ("end", number, how) if world.place.alive:
                alive = sorted(world.place.alive, key=str)
                world.end(alive[number % len(alive)], how)
            case ("dismiss", number) if world.made:
                await world.dismiss(f"j{number % world.made + 1}")
            case ("kill", number, after):
                world.fate.left, world.fate.after = number, after
                await world.round()
    await world.calm()


@given(st.lists(STEPS, max_size=40), st.booleans())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_happens_every_job_is_decided_once_and_leaves_nothing(
    steps: list[tuple[Any, ...]], undeploy: bool
) -> None:
    asyncio.run(play(steps, undeploy))


async def test_undeploy_runs_once_after_success_failure_and_cancel() -> None:
    for how in ("well", "badly", "dismiss"):
        world = World()
        job_id = await world.add()
        await world.round()
        await world.round()
        run = TaskKey(job_id, 1, Stage.RUN)
        if how == "dismiss":
            await world.dismiss(job_id)
            await world.round()
            await world.round()
            assert world.place.stops == [run]
        world.end(run, "well" if how == "dismiss" else how)
        await world.calm()
        assert world.place.starts[TaskKey(job_id, 1, Stage.UNDEPLOY)] == 1
        expected = {"well": "successful", "badly": "failed", "dismiss": "dismissed"}
        assert world.finals[job_id] == expected[how]


async def test_two_reconcilers_start_each_job_once_and_the_stale_one_is_fenced() -> None:
    world = World()
    first, job_id = world.reconciler, await world.add()
    await world.round()
    world.clock.pass_(LEASE * 2)
    second = world.started()
    for _ in range(2):
        second.round()
        await second.settle()
    stale = next(iter(first._owned.values())).job
    try:
        await world.jobs.save(replace(stale, message="stale"))
        raise AssertionError("the stale reconciler could write")
    except Conflict:
        pass
    assert world.place.starts[TaskKey(job_id, 1, Stage.RUN)] == 1


async def test_a_job_that_cannot_be_started_fails_with_the_words_of_the_infrastructure() -> None:
    world = World()
    world.place.broken = True
    job_id = await world.add()
    await world.round()
    await world.round()
    job = await world.jobs.get(job_id)
    assert job is not None
    assert job.status in FINAL
    assert job.failure is not None
    assert "broken on purpose" in job.failure.detail


async def test_waiting_for_a_slot_is_not_run_time() -> None:
    world = World(undeploy=False)
    jobs = [await world.add() for _ in range(world.place.slots + 1)]
    for _ in range(3):
        await world.round()
    world.clock.pass_(Rules().limits.wall_seconds - 1)
    for job_id in jobs[:-1]:
        world.end(TaskKey(job_id, 1, Stage.RUN), "well")
    for _ in range(4):
        await world.round()
    world.clock.pass_(LOOK * 2)
    await world.round()
    last = await world.jobs.get(jobs[-1])
    assert last is not None
    assert (last.status, last.phase) == (Status.RUNNING, Phase.EXECUTING)


async def test_a_job_that_is_given_up_leaves_nothing_running() -> None:
    world = World()
    job_id = await world.add()
    for _ in range(3):
        await world.round()
    assert world.place.alive
    world.jobs._rows[job_id].request = b"{"
    world.reconciler = world.started()
    world.clock.pass_(LEASE)
    for _ in range(3):
        await world.round()
    job = await world.jobs.get(job_id)
    assert job is not None
    assert job.failure is not None
    assert job.failure.reason == "internal"
    assert not world.place.alive
