"""Who stands for a job: forged lines, lost answers, numbers that are somebody else's by now."""

from collections.abc import AsyncIterator, Sequence

import pytest
from tests.engines.slurm import USER, Cluster
from tests.engines.slurm_site import STARTED, alive, drained, number, on_cluster, starts

from openccp.core.ports import State, Task
from openccp.core.problems import Unavailable
from openccp.infrastructures.folders import handle_of
from openccp.infrastructures.slurm.controller import ControllerGone, Order
from openccp.infrastructures.slurm.infrastructure import SlurmInfrastructure
from openccp.testing.infrastructure import eventually, make_task, until, up

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]


@pytest.fixture(params=["commands", "rest"])
async def hpc(slurm: Cluster, request: pytest.FixtureRequest) -> AsyncIterator[SlurmInfrastructure]:
    settings = {"rest": slurm.rest_url} if request.param == "rest" else {}
    async with on_cluster(slurm, **settings) as made:
        yield made


def queued_by_a_stranger(cluster: Cluster, *more: str, begin: str = "now+1hour") -> str:
    quiet = ("--output=/dev/null", "--chdir=/", "--uid=daemon", "--gid=daemon", "--parsable")
    words = ("--mem=50M", f"--begin={begin}", *more, "--wrap=sleep 60")
    return cluster.command("sbatch", *quiet, *words).strip()


class LostOrders:
    """A way to the controller on which answers, or whole orders, are lost."""

    def __init__(self, made: SlurmInfrastructure, *, held: bool) -> None:
        self._submit = made._controller.submit
        self._held = held
        self.orders: list[Order] = []
        made._controller.submit = self.submit  # type: ignore[method-assign]

    async def submit(self, order: Order) -> int:
        """The first one is lost; the next ones come through."""
        self.orders.append(order)
        if len(self.orders) > 1:
            return await self._submit(order)
        if not self._held:
            await self._submit(order)
        raise ControllerGone("the answer was lost")

    async def comes_late(self) -> int:
        """The first order reaches the controller after all."""
        return await self._submit(self.orders[0])


async def test_what_others_write_is_not_read_as_ours(
    hpc: SlurmInfrastructure, slurm: Cluster
) -> None:
    one = make_task(STARTED)
    with drained(slurm):
        handle = await hpc.submit(one)
        mark, name, job = hpc._ground.mark, one.key.name, number(hpc, one.key)
        rows = (
            f"{job}|0|RUNNING|None|n1|1|{USER}|{mark}|{name}",
            f"{job}|{job}|0|RUNNING|None|n1|{USER}|{mark}|{name}",
        )
        written = "".join(f"\n{row}\n{'0' * 16}|{row}\n|{row}" for row in rows)
        theirs = queued_by_a_stranger(slurm, f"--comment=x{written}\n", f"--job-name=y{written}\n")
        try:
            told = await until(hpc, one.key, handle, lambda seen: bool(seen.message))
            assert told.state is State.PENDING
            assert "waiting in the queue" in (told.message or "")
        finally:
            slurm.command("scancel", theirs)
    assert (await until(hpc, one.key, handle)).failure is None
    await hpc.reap(handle)


async def ordered_twice(hpc: SlurmInfrastructure, cluster: Cluster, one: Task) -> tuple[str, str]:
    """The numbers of the second order, which waits, and of the first, which came late."""
    lost = LostOrders(hpc, held=True)
    with pytest.raises(Unavailable):
        await hpc.submit(one)
    with drained(cluster):
        await hpc.submit(one)
        second = number(hpc, one.key)
        cluster.command("scontrol", "hold", second)
    return second, str(await lost.comes_late())


async def test_of_two_orders_the_one_that_began_is_judged_and_ended(
    hpc: SlurmInfrastructure, slurm: Cluster
) -> None:
    one = make_task(STARTED + "while :; do sleep 0.1; done")
    second, late = await ordered_twice(hpc, slurm, one)
    handle = await up(hpc, one)
    assert (await hpc.observe({one.key: handle}))[one.key].state is State.RUNNING
    assert sorted(alive(slurm, one.key.name)) == sorted([second, late])
    await hpc.stop(handle, 0.5)
    seen = await until(hpc, one.key, handle)
    assert seen.failure is not None
    assert starts(hpc, handle) == 1
    await hpc.reap(handle)
    await until_none(slurm, one)


async def test_of_two_orders_one_runs_and_nothing_stays_in_the_queue(
    hpc: SlurmInfrastructure, slurm: Cluster
) -> None:
    one = make_task(STARTED)
    second, _ = await ordered_twice(hpc, slurm, one)
    handle = handle_of(one.key)
    assert (await until(hpc, one.key, handle)).failure is None
    assert starts(hpc, handle) == 1
    assert second in alive(slurm, one.key.name)
    await hpc.reap(handle)
    await until_none(slurm, one)


async def until_none(cluster: Cluster, one: Task) -> None:
    async def none() -> bool:
        return not alive(cluster, one.key.name)

    await eventually(none)


@pytest.mark.parametrize("replicas", [1, 3])
async def test_an_order_whose_answer_was_lost_is_adopted(
    hpc: SlurmInfrastructure, slurm: Cluster, replicas: int
) -> None:
    one = make_task(STARTED, replicas=replicas)
    lost = LostOrders(hpc, held=False)
    with pytest.raises(Unavailable):
        await hpc.submit(one)
    handle = await hpc.submit(one)
    assert (await until(hpc, one.key, handle)).failure is None
    assert starts(hpc, handle) == replicas
    assert len(lost.orders) == 1
    assert _names(slurm).count(one.key.name) == replicas
    await hpc.reap(handle)


def _names(cluster: Cluster) -> Sequence[str]:
    return cluster.command("squeue", "-h", "-r", "-t", "all", "-o", "%j").split()


async def test_a_number_that_was_given_to_somebody_else_ends_nothing_of_theirs(
    hpc: SlurmInfrastructure, slurm: Cluster
) -> None:
    one = make_task(STARTED)
    theirs = queued_by_a_stranger(slurm)
    try:
        with drained(slurm):
            handle = await hpc.submit(one)
            slurm.command("scancel", number(hpc, one.key))
            hpc._ground.number(hpc._running[one.key], int(theirs))
            await hpc.stop(handle, 0)
            await hpc.reap(handle)
        assert slurm.command("squeue", "-h", "-j", theirs, "-o", "%T").strip() == "PENDING"
    finally:
        slurm.command("scancel", theirs)
