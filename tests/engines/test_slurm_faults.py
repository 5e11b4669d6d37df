"""What goes wrong on a cluster: one start an attempt, nothing left behind, the truth told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.engines.slurm import FAR, NODES, Cluster
from tests.engines.slurm_site import (
    STARTED,
    alive,
    comes_back,
    drained,
    ended,
    nothing_left,
    number,
    on_cluster,
    resume,
    starts,
)

from openccp.core.job import Blame
from openccp.core.ports import Limits, State
from openccp.core.problems import Unavailable
from openccp.infrastructures.slurm.infrastructure import SlurmInfrastructure
from openccp.testing.infrastructure import MIB, log, make_task, until, up
from openccp.testing.ledger import processes_of

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]
NODE_LOST = 60


@pytest.fixture(params=["commands", "rest"])
async def both(
    slurm: Cluster, request: pytest.FixtureRequest
) -> AsyncIterator[SlurmInfrastructure]:
    """What matters most goes both ways."""
    settings = {"rest": slurm.rest_url} if request.param == "rest" else {}
    async with on_cluster(slurm, **settings) as made:
        yield made


@pytest.fixture
async def hpc(slurm: Cluster) -> AsyncIterator[SlurmInfrastructure]:
    async with on_cluster(slurm) as made:
        yield made


@pytest.mark.parametrize("queued", [True, False])
async def test_the_controller_is_killed_half_a_second_after_a_submit(
    both: SlurmInfrastructure, slurm: Cluster, queued: bool
) -> None:
    one = make_task(STARTED + "sleep 3")
    with drained(slurm) if queued else contextlib.nullcontext():
        handle = await both.submit(one)
        await asyncio.sleep(0.5)  # what a controller that is killed forgets
        slurm.kill("slurmctld")
        away = (await both.observe({one.key: handle}))[one.key]
        assert away.state in (State.PENDING, State.RUNNING)
        await comes_back(slurm)
    seen = await until(both, one.key, handle, ended, 60)
    if seen.state is State.LOST:
        known = both._known(one.key)
        assert known is not None
        assert known.forbid_start() == 0
        assert starts(both, handle) <= (0 if queued else 1)
    else:
        assert seen.failure is None
        assert starts(both, handle) == 1
    await nothing_left(both, one.key, handle)
    assert alive(slurm, one.key.name) == []
    resume(slurm)


async def test_while_the_controller_is_away_ends_are_seen_and_new_jobs_wait(
    both: SlurmInfrastructure, slurm: Cluster
) -> None:
    one, other = make_task(STARTED + "until [ -e end ]; do sleep 0.1; done"), make_task("echo x")
    handle = await up(both, one)
    kept, name = slurm.folder / "state/job_state", one.key.name.encode()
    slurm.await_true(lambda: kept.exists() and name in kept.read_bytes())
    slurm.kill("slurmctld")
    try:
        assert not (await both.check()).reachable
        with pytest.raises(Unavailable):
            await both.submit(other)
        (both.workspace(handle).files / "end").touch()
        seen = await until(both, one.key, handle)
        assert seen.failure is None
    finally:
        await comes_back(slurm)
    again = await both.submit(other)
    assert (await until(both, other.key, again, ended, 60)).failure is None
    listed = slurm.command("squeue", "-h", "-t", "all", "-o", "%j").split()
    assert listed.count(other.key.name) == 1


def node_of(made: SlurmInfrastructure, cluster: Cluster, job: str) -> str:
    return cluster.command("squeue", "-h", "-j", job, "-o", "%N").strip()


async def test_a_node_daemon_is_killed(hpc: SlurmInfrastructure, slurm: Cluster) -> None:
    one = make_task(STARTED + "sleep 300")
    handle = await up(hpc, one)
    node = node_of(hpc, slurm, number(hpc, one.key))
    slurm.kill(node)
    try:
        seen = await until(hpc, one.key, handle, ended, NODE_LOST)
        assert seen.state is State.LOST
        assert seen.failure is not None
        assert seen.failure.reason == "node-fail"
        assert processes_of(one.key.job), "its processes live on until its folder is gone"
        assert starts(hpc, handle) == 1
        await nothing_left(hpc, one.key, handle)
    finally:
        slurm.start_node(node)
    resume(slurm)


async def test_a_node_is_cut_off(slurm: Cluster) -> None:
    """Seen through slurmrestd; the folder is shared as it was."""
    near = [name for name in NODES if name != FAR]
    async with on_cluster(slurm, rest=slurm.rest_url) as made:
        one, other = make_task(STARTED + "sleep 300"), make_task(STARTED)
        for name in near:
            slurm.command("scontrol", "update", f"nodename={name}", "state=drain", "reason=test")
        handle = await up(made, one)
        assert node_of(made, slurm, number(made, one.key)) == FAR
        slurm.cable.cut()
        try:
            for name in near:
                slurm.command("scontrol", "update", f"nodename={name}", "state=resume")
            elsewhere = await made.submit(other)
            assert (await until(made, other.key, elsewhere)).failure is None
            seen = await until(made, one.key, handle, ended, NODE_LOST)
            assert seen.state is State.LOST
            assert seen.failure is not None
            # slurmrestd 22.05 does not pass on that a job must not be queued again.
            assert seen.failure.reason in ("node-fail", "requeued")
            assert starts(made, handle) == 1
            await nothing_left(made, one.key, handle)
        finally:
            slurm.cable.mend()
        resume(slurm)


async def test_a_node_goes_down(hpc: SlurmInfrastructure, slurm: Cluster) -> None:
    one = make_task(STARTED + "sleep 300")
    handle = await up(hpc, one)
    node = node_of(hpc, slurm, number(hpc, one.key))
    slurm.command("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
    seen = await until(hpc, one.key, handle, ended)
    assert seen.state is State.LOST
    assert starts(hpc, handle) == 1
    await nothing_left(hpc, one.key, handle)
    resume(slurm)


async def test_an_operator_cancels_a_running_job(both: SlurmInfrastructure, slurm: Cluster) -> None:
    one = make_task(f"trap 'echo bye; exit 3' TERM; {STARTED} while :; do sleep 0.1; done")
    handle = await up(both, one)
    slurm.command("scancel", number(both, one.key))
    seen = await until(both, one.key, handle)
    assert seen.failure is not None
    assert (seen.failure.blame, seen.failure.reason) == (Blame.PLATFORM, "cancelled")
    assert b"bye" in (await log(both, handle))["stdout.0"]
    await nothing_left(both, one.key, handle)


async def test_an_operator_cancels_a_queued_job(both: SlurmInfrastructure, slurm: Cluster) -> None:
    one = make_task(STARTED)
    with drained(slurm):
        handle = await both.submit(one)
        seen = await until(both, one.key, handle, lambda o: bool(o.message))
        assert seen.state is State.PENDING
        assert "waiting in the queue, place 1" in (seen.message or "")
        slurm.command("scancel", number(both, one.key))
        seen = await until(both, one.key, handle)
    assert seen.failure is not None
    assert seen.failure.reason == "cancelled"
    assert starts(both, handle) == 0


async def test_a_requeue_by_hand_starts_nothing_again(
    both: SlurmInfrastructure, slurm: Cluster
) -> None:
    one = make_task(STARTED + "sleep 300")
    handle = await up(both, one)
    job = number(both, one.key)
    slurm.command("scontrol", "update", f"jobid={job}", "requeue=1")
    slurm.command("scontrol", "requeue", job)
    slurm.command("scontrol", "update", f"jobid={job}", "StartTime=now", check=False)
    seen = await until(both, one.key, handle, lambda o: o.state is not State.RUNNING, 30)
    assert starts(both, handle) == 1, seen
    await nothing_left(both, one.key, handle)


async def test_two_copies_start_one(hpc: SlurmInfrastructure, slurm: Cluster) -> None:
    one = make_task(STARTED + "sleep 2")
    handle = await hpc.submit(one)
    folder = hpc._running[one.key].folder.path
    script = f"/bin/sh {hpc._ground.program} {folder}"
    for _ in range(3):
        quiet = ("--output=/dev/null", "--chdir=/", "--uid=nobody", "--gid=nogroup")
        slurm.command("sbatch", *quiet, "--export=LANG", "--mem=50M", f"--wrap={script}")
    await until(hpc, one.key, handle)
    assert starts(hpc, handle) == 1


async def test_a_strangers_job_of_the_same_name_is_left_alone(
    hpc: SlurmInfrastructure, slurm: Cluster
) -> None:
    one = make_task(STARTED + "echo mine")
    words = (f"--job-name={one.key.name}", f"--comment={hpc._ground.mark}", "--mem=50M")
    quiet = ("--output=/dev/null", "--chdir=/", "--uid=daemon", "--gid=daemon", "--parsable")
    theirs = slurm.command("sbatch", *quiet, *words, "--wrap=sleep 60").strip()
    try:
        assert await hpc.find(one.key) is None
        handle = await hpc.submit(one)
        assert (await until(hpc, one.key, handle)).failure is None
        await nothing_left(hpc, one.key, handle)
        assert slurm.command("squeue", "-h", "-j", theirs, "-o", "%T").strip() != ""
    finally:
        slurm.command("scancel", theirs)


async def test_an_image_without_a_system_cannot_start(hpc: SlurmInfrastructure) -> None:
    one = make_task("echo never", image="broken")
    handle = await hpc.submit(one)
    seen = await until(hpc, one.key, handle)
    assert seen.failure is not None
    assert seen.failure.blame is Blame.PLATFORM, seen


async def test_limits_are_held_on_nodes(hpc: SlurmInfrastructure) -> None:
    limits = Limits(60, 128 * MIB, pids=40, log_bytes=MIB, output_bytes=64 * MIB)
    greedy = "import time; kept = []\nwhile True: kept.append(bytearray(1 << 22)); time.sleep(0.05)"
    tasks = {
        "memory": make_task(f"python3 -c '{greedy}'", image="python:3", limits=limits),
        "pids": make_task("f() { f | f & }; f; sleep 30", limits=limits),
        "log": make_task("yes", limits=limits),
        "disk": make_task("cat /dev/zero >x; sleep 30", limits=limits),
    }
    handles = {name: await hpc.submit(task) for name, task in tasks.items()}
    for name, task in tasks.items():
        seen = await until(hpc, task.key, handles[name], patience=60)
        assert seen.failure is not None, name
        assert (seen.failure.blame, seen.failure.reason) == (Blame.LIMIT, name), seen.failure
        await nothing_left(hpc, task.key, handles[name])


async def test_no_value_or_secret_is_seen_by_others_of_the_cluster(
    hpc: SlurmInfrastructure, slurm: Cluster
) -> None:
    secret, value = "s3cret-canary", "v4lue-canary"
    task = make_task(
        STARTED + "sleep 60", values={"name": value}, secrets={"token": secret}, files={"f": b""}
    )
    handle = await up(hpc, task)
    job = number(hpc, task.key)
    shown = slurm.command("scontrol", "show", "job", "-dd", job)
    shown += slurm.command("scontrol", "write", "batch_script", job, "-")
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if task.key.job.encode() in (entry / "cmdline").read_bytes():
                shown += (entry / "cmdline").read_text() + (entry / "environ").read_text()
    assert one_of(shown, secret, value) == ""
    await hpc.reap(handle)


def one_of(text: str, *words: str) -> str:
    return next((word for word in words if word in text), "")
