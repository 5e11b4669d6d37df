"""An infrastructure that hangs in a call holds up its own jobs only."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.app.surrounded import surrounded

from openccp.app import reconcile
from openccp.app.board import PATIENCE, Board
from openccp.app.reconcile import ENDING, LEASE, LOOK, RENEW, Reconciler
from openccp.core.job import Job, Phase, Stage, Status, TaskKey
from openccp.core.ports import Observation, State
from openccp.core.promises import Measured, Measurement
from openccp.core.request import ExecuteRequest
from openccp.core.validate import to_stored
from openccp.files.measurements import KeptMeasurements
from openccp.testing.memory import MemoryJobs, NoFiles, ScriptedInfrastructure, TestClock
from openccp.testing.misbehaving import FreezingInfrastructure


class World:
    """A reconciler that runs, on `local` and on `far`, which may freeze."""

    def __init__(self) -> None:
        self.clock, self.jobs = TestClock(), MemoryJobs()
        self.local, self.far = ScriptedInfrastructure(slots=2), FreezingInfrastructure(slots=2)
        places = {"local": self.local, "far": self.far}
        self.around = surrounded(self.jobs, places, self.clock, undeploy=False, files=NoFiles())
        self.reconciler = Reconciler(self.around, "one")

    async def add(self, job_id: str, place: str, owner: str = "o") -> None:
        now = self.clock()
        await self.jobs.add(
            Job(job_id, "m", 1, owner, "default", place, now, now),
            to_stored(ExecuteRequest({}, {})),
            {},
        )
        self.reconciler.wake(job_id)

    async def until(self, job_id: str, phase: Phase) -> Job:
        """The job, when it is so far."""
        with self.around.changes.follow(job_id) as changed:
            while True:
                changed.clear()
                job = await self.jobs.get(job_id)
                assert job is not None
                if job.phase is phase:
                    return job
                await asyncio.wait_for(changed.wait(), 5)

    def pass_(self, seconds: float) -> None:
        """Time goes on, and the reconciler sees that it does."""
        self.clock.pass_(seconds)
        self.reconciler.wake("nobody")

    def end(self, place: ScriptedInfrastructure, job_id: str) -> None:
        place.end(TaskKey(job_id, 1, Stage.RUN), Observation(State.EXITED))

    async def whole(self, job_id: str) -> None:
        """A job on `local` from its beginning to its end."""
        await self.add(job_id, "local")
        await self.until(job_id, Phase.EXECUTING)
        self.end(self.local, job_id)
        job = await self.until(job_id, Phase.DONE)
        assert job.status is Status.SUCCESSFUL

    async def dismiss(self, job_id: str) -> None:
        job = await self.until(job_id, Phase.EXECUTING)
        await self.jobs.save(replace(job, status=Status.DISMISSED, phase=Phase.STOPPING))
        self.reconciler.wake(job_id)


@asynccontextmanager
async def running() -> AsyncIterator[World]:
    world = World()
    going = asyncio.create_task(world.reconciler.run())
    try:
        yield world
    finally:
        world.reconciler.stop()
        await asyncio.wait_for(going, 5)


async def look(world: World) -> None:
    world.pass_(LOOK)


async def hanging_look(world: World) -> None:
    world.far.freeze("observe")
    await look(world)
    await asyncio.wait_for(world.far.hung.wait(), 5)


async def start(world: World) -> None:
    await world.add("new", "far")


async def end(world: World) -> None:
    world.end(world.far, "old")


async def dismiss(world: World) -> None:
    await world.dismiss("old")


@pytest.mark.parametrize(
    ("call", "provoke"),
    [("observe", look), ("submit", start), ("stop", dismiss), ("reap", end)],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_call_that_hangs_holds_up_no_other_infrastructure(
    call: str, provoke: Callable[[World], Awaitable[None]]
) -> None:
    async with running() as world:
        await world.add("old", "far")
        await world.until("old", Phase.EXECUTING)
        world.far.freeze(call)
        await provoke(world)
        await asyncio.wait_for(world.far.hung.wait(), 5)
        for number in range(5):
            await world.whole(f"local-{number}")
        world.far.thaw()
        world.end(world.far, "old")
        await world.until("old", Phase.DONE)
    assert set(world.far.starts.values()) == {1}


async def test_many_users_on_a_full_infrastructure_take_no_place_of_another() -> None:
    async with running() as world:
        world.far.freeze("submit")
        for number in range(100):
            await world.add(f"far-{number}", "far", owner=f"user-{number}")
        await asyncio.wait_for(world.far.hung.wait(), 5)
        await world.whole("local")
        assert len(world.reconciler._owned) == ENDING * world.far.slots
        world.far.thaw()


async def test_leases_of_what_is_looked_at_are_renewed() -> None:
    async with running() as world:
        await world.add("old", "far")
        await world.until("old", Phase.EXECUTING)
        await hanging_look(world)
        for number in range(5):
            world.pass_(RENEW)
            await world.whole(f"local-{number}")
        assert await world.jobs.claim("another", world.clock(), LEASE, 10) == []
        world.far.thaw()


async def test_an_end_that_is_told_during_a_look_is_seen_after_it() -> None:
    async with running() as world:
        await world.add("old", "far")
        await world.add("other", "far")
        for job_id in ("old", "other"):
            await world.until(job_id, Phase.EXECUTING)
        await hanging_look(world)
        world.end(world.far, "old")
        await world.whole("local")
        world.far.thaw()
        assert (await world.until("old", Phase.DONE)).status is Status.SUCCESSFUL


async def test_a_look_that_fails_is_one_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as world:
        await world.add("old", "far")
        await world.until("old", Phase.EXECUTING)
        await hanging_look(world)
        world.far.fail(OSError("the cable was cut"))
        await world.whole("local")
        world.end(world.far, "old")
        assert (await world.until("old", Phase.DONE)).status is Status.SUCCESSFUL
    assert "infrastructure far: a look at its jobs failed" in caplog.text


async def test_what_hangs_holds_up_no_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "PARTING", 0.01)
    async with running() as world:
        await world.add("old", "far")
        await world.until("old", Phase.EXECUTING)
        world.far.freeze("observe", "submit")
        await look(world)
        await world.add("new", "far")
        await asyncio.wait_for(world.far.hung.wait(), 5)
    job = await world.until("old", Phase.EXECUTING)
    assert job.status is Status.RUNNING


async def test_who_is_silent_is_waited_for_once(tmp_path: Path) -> None:
    clock, far = TestClock(), FreezingInfrastructure()
    board = Board(
        {"local": ScriptedInfrastructure(), "far": far}, clock, KeptMeasurements(tmp_path)
    )
    assert all(health.reachable for health in (await board.all()).values())
    far.freeze("check")
    clock.pass_(60)
    board.look()
    clock.pass_(PATIENCE)
    board.look()
    known = board.known("far")
    assert known is not None
    assert not known.reachable
    async with asyncio.timeout(PATIENCE / 2):
        for _ in range(10):
            assert not (await board.all())["far"].reachable
        far.thaw()
        await asyncio.gather(*board._asking.values())
    assert (await board.all())["far"].reachable
    await board.close()


async def test_what_is_measured_meanwhile_is_known_at_the_next_look(tmp_path: Path) -> None:
    def keep(*, holds: bool) -> None:
        found = (
            Measurement("pids", holds, "cgroup v2", "60 processes"),
            Measurement("seccomp", False, "", "never promised"),
            Measurement("cpus", False, "cgroup v2", "no end", tried=False),
        )
        kept.keep("local", Measured(1.0, "1", found))

    clock, kept = TestClock(), KeptMeasurements(tmp_path)
    keep(holds=False)
    board = Board({"local": ScriptedInfrastructure()}, clock, kept)
    assert board.broken("local") == {"pids"}
    keep(holds=True)
    board.look()
    assert board.broken("local") == frozenset()
    await board.close()
