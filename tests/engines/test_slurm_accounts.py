"""What the controller has forgotten is told from accounting, as truly as before."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.engines.daemons import NoEngine
from tests.engines.slurm import Cluster
from tests.engines.slurm_accounts import accounted_cluster
from tests.engines.slurm_site import STARTED, drained, ended, number, on_cluster, resume

from openccp.core.job import Blame
from openccp.core.ports import State
from openccp.infrastructures.slurm.infrastructure import SlurmInfrastructure
from openccp.testing.infrastructure import eventually, make_task, until, up

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]


@pytest.fixture(scope="module")
def accounted() -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="openccp-slurm-", dir="/var/tmp"))
    try:
        with accounted_cluster(folder) as cluster:
            yield cluster
    except NoEngine as reason:
        pytest.skip(f"Accounting was not tried: {reason}")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(params=["commands", "rest"])
async def hpc(
    accounted: Cluster, request: pytest.FixtureRequest
) -> AsyncIterator[SlurmInfrastructure]:
    settings = {"rest": accounted.rest_url} if request.param == "rest" else {}
    async with on_cluster(accounted, **settings) as made:
        yield made


async def test_how_it_ended_is_told_though_the_controller_forgot_it(
    hpc: SlurmInfrastructure, accounted: Cluster
) -> None:
    running, failing, waiting = (
        make_task(STARTED + "sleep 300"),
        make_task(STARTED + "sleep 300", replicas=2),
        make_task(STARTED),
    )
    handles = {one.key: await up(hpc, one) for one in (running, failing)}
    with drained(accounted):
        handles[waiting.key] = await hpc.submit(waiting)
        accounted.command("scancel", number(hpc, waiting.key))
        node = accounted.command("squeue", "-h", "-j", number(hpc, failing.key), "-o", "%N")
        for name in set(node.split()):
            accounted.command("scontrol", "update", f"nodename={name}", "state=down", "reason=test")
        accounted.command("scancel", number(hpc, running.key))

        async def forgotten() -> bool:
            words = ("squeue", "-h", "-t", "all", "-o", "%i")
            return not await asyncio.to_thread(accounted.command, *words)

        await eventually(forgotten, 90)
    told = {}
    for one in (running, failing, waiting):
        seen = await until(hpc, one.key, handles[one.key], ended)
        assert seen.failure is not None
        assert seen.failure.blame is Blame.PLATFORM
        told[one.key] = (seen.state, seen.failure.reason)
    assert told[waiting.key] == (State.EXITED, "cancelled")
    assert told[failing.key] == (State.LOST, "node-fail")
    assert told[running.key][1] in ("cancelled", "node-fail")
    for handle in handles.values():
        await hpc.reap(handle)
    resume(accounted)


async def test_a_context_is_charged_by_its_own_account(accounted: Cluster) -> None:
    by = {"/d4/ocean": "ocean"}
    async with on_cluster(accounted, account="ecology", accounts=by) as made:
        for context, account in (("/d4/ocean", "ocean"), ("/d4/other", "ecology")):
            one = make_task("true", environment={"ccpcontext": context})
            with drained(accounted):
                handle = await made.submit(one)
                shown = accounted.command("squeue", "-h", "-j", number(made, one.key), "-o", "%a")
                assert shown.strip() == account
                await made.reap(handle)
