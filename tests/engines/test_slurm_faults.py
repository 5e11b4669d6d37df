"""What goes wrong on a cluster: one start an attempt, nothing left behind, the truth told."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.engines.daemons import NoEngine
from tests.engines.places import shared_folder
from tests.engines.slurm import NODES, USER, Cluster, slurm_cluster

from openccp.core.job import Blame, TaskKey
from openccp.core.ports import Handle, Limits, Observation, State
from openccp.core.problems import Unavailable
from openccp.core.site import Site
from openccp.infrastructures.folders import handle_of
from openccp.infrastructures.slurm.build import build
from openccp.infrastructures.slurm.infrastructure import SlurmInfrastructure
from openccp.infrastructures.slurm.kind import SlurmSettings
from openccp.testing.infrastructure import MIB, eventually, log, make_task, until, up
from openccp.testing.ledger import processes_of

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]
NODE_LOST = 60


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="openccp-slurm-", dir="/var/tmp"))
    try:
        with slurm_cluster(folder) as made:
            yield made
    except NoEngine as reason:
        pytest.skip(f"Slurm was not tried: {reason}")
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def shared() -> Iterator[Path]:
    with shared_folder() as folder:
        shutil.copytree("/usr/share/doc/bash", folder / "image")
        yield folder


@pytest.fixture
async def slurm(
    cluster: Cluster, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SlurmInfrastructure]:
    monkeypatch.setenv("SLURM_CONF", str(cluster.conf))
    site = Site("slurm", "Slurm", shared / "place", {}, "http://127.0.0.1:1", Limits())
    settings = SlurmSettings(kind="slurm", user=USER, images={"broken": shared / "image"})
    made = build(site, settings, USER)
    yield made
    for key in [*made._running, *made._ended]:
        await made.reap(handle_of(key))
    await made.close()


def ended(seen: Observation) -> bool:
    return seen.state in (State.EXITED, State.LOST)


def starts(made: SlurmInfrastructure, handle: Handle) -> int:
    """Each start adds a line, whatever the platform believes."""
    file = made.workspace(handle).files / "starts"
    return file.read_text().count("\n") if file.exists() else 0


def number(made: SlurmInfrastructure, key: TaskKey) -> str:
    return str(made._running[key].job)


async def nothing_left(made: SlurmInfrastructure, key: TaskKey, handle: Handle) -> None:
    files = made.workspace(handle).files
    await made.reap(handle)
    assert not files.exists()

    async def quiet() -> bool:
        return not processes_of(key.job)

    await eventually(quiet)


@pytest.fixture
def drained(cluster: Cluster) -> Iterator[Cluster]:
    """No node takes jobs."""
    cluster.command("scontrol", "update", "nodename=n[1-3]", "state=drain", "reason=test")
    yield cluster
    resume(cluster)


def resume(cluster: Cluster) -> None:
    """All nodes take jobs again, whatever a controller that was killed thought of them."""

    def idle() -> bool:
        if cluster.nodes_are_idle():
            return True
        for node in NODES:
            cluster.command("scontrol", "update", f"nodename={node}", "state=resume", check=False)
        return False

    cluster.await_true(idle)


STARTED = "echo start >>starts; echo up; "


@pytest.mark.parametrize("queued", [True, False])
async def test_the_controller_is_killed_half_a_second_after_a_submit(
    slurm: SlurmInfrastructure, cluster: Cluster, queued: bool
) -> None:
    if queued:
        cluster.command("scontrol", "update", "nodename=n[1-3]", "state=drain", "reason=test")
    one = make_task(STARTED + "sleep 3")
    handle = await slurm.submit(one)
    await asyncio.sleep(0.5)  # what a controller that is killed forgets
    cluster.kill("slurmctld")
    away = (await slurm.observe({one.key: handle}))[one.key]
    assert away.state in (State.PENDING, State.RUNNING)
    cluster.start_controller()
    await eventually(lambda: asyncio.to_thread(cluster.answers))
    if queued:
        resume(cluster)
    seen = await until(slurm, one.key, handle, ended, 60)
    if seen.state is State.LOST:
        assert slurm._known(one.key) is not None
        assert slurm._known(one.key).forbid_start() == 0  # type: ignore[union-attr]
        assert starts(slurm, handle) <= (0 if queued else 1)
    else:
        assert seen.failure is None
        assert starts(slurm, handle) == 1
    await nothing_left(slurm, one.key, handle)
    resume(cluster)


async def test_while_the_controller_is_away_ends_are_seen_and_new_jobs_wait(
    slurm: SlurmInfrastructure, cluster: Cluster
) -> None:
    one, other = make_task(STARTED + "sleep 12"), make_task("echo other")
    handle = await up(slurm, one)
    kept, name = cluster.folder / "state/job_state", one.key.name.encode()
    cluster.await_true(lambda: kept.exists() and name in kept.read_bytes())
    cluster.kill("slurmctld")
    try:
        assert not (await slurm.check()).reachable
        with pytest.raises(Unavailable):
            await slurm.submit(other)
        seen = await until(slurm, one.key, handle)
        assert seen.failure is None
    finally:
        cluster.start_controller()
    await eventually(lambda: asyncio.to_thread(cluster.answers))
    again = await slurm.submit(other)
    assert (await until(slurm, other.key, again, ended, 60)).failure is None
    listed = cluster.command("squeue", "-h", "-t", "all", "-o", "%j").split()
    assert listed.count(other.key.name) == 1


async def test_a_node_daemon_is_killed(slurm: SlurmInfrastructure, cluster: Cluster) -> None:
    one = make_task(STARTED + "sleep 300")
    handle = await up(slurm, one)
    node = cluster.command("squeue", "-h", "-j", number(slurm, one.key), "-o", "%N").strip()
    cluster.kill(node)
    try:
        seen = await until(slurm, one.key, handle, ended, NODE_LOST)
        assert seen.state is State.LOST
        assert seen.failure is not None
        assert seen.failure.reason == "node-fail"
        assert processes_of(one.key.job), "its processes live on until its folder is gone"
        await nothing_left(slurm, one.key, handle)
    finally:
        cluster.start_node(node)
    resume(cluster)


async def test_a_node_goes_down(slurm: SlurmInfrastructure, cluster: Cluster) -> None:
    one = make_task(STARTED + "sleep 300")
    handle = await up(slurm, one)
    node = cluster.command("squeue", "-h", "-j", number(slurm, one.key), "-o", "%N").strip()
    cluster.command("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
    seen = await until(slurm, one.key, handle, ended)
    assert seen.state is State.LOST
    assert starts(slurm, handle) == 1
    await nothing_left(slurm, one.key, handle)
    resume(cluster)


async def test_an_operator_cancels_a_running_job(
    slurm: SlurmInfrastructure, cluster: Cluster
) -> None:
    one = make_task(f"trap 'echo bye; exit 3' TERM; {STARTED} while :; do sleep 0.1; done")
    handle = await up(slurm, one)
    cluster.command("scancel", number(slurm, one.key))
    seen = await until(slurm, one.key, handle)
    assert seen.failure is not None
    assert (seen.failure.blame, seen.failure.reason) == (Blame.PLATFORM, "cancelled")
    assert b"bye" in (await log(slurm, handle))["stdout.0"]
    await nothing_left(slurm, one.key, handle)


async def test_an_operator_cancels_a_queued_job(
    slurm: SlurmInfrastructure, drained: Cluster
) -> None:
    one = make_task(STARTED)
    handle = await slurm.submit(one)
    seen = await until(slurm, one.key, handle, lambda o: bool(o.message))
    assert seen.state is State.PENDING
    assert "waiting in the queue, place 1" in (seen.message or "")
    drained.command("scancel", number(slurm, one.key))
    seen = await until(slurm, one.key, handle)
    assert seen.failure is not None
    assert seen.failure.reason == "cancelled"
    assert starts(slurm, handle) == 0


async def test_a_requeue_by_hand_starts_nothing_again(
    slurm: SlurmInfrastructure, cluster: Cluster
) -> None:
    one = make_task(STARTED + "sleep 300")
    handle = await up(slurm, one)
    job = number(slurm, one.key)
    cluster.command("scontrol", "update", f"jobid={job}", "requeue=1")
    cluster.command("scontrol", "requeue", job)
    cluster.command("scontrol", "update", f"jobid={job}", "StartTime=now", check=False)
    seen = await until(slurm, one.key, handle, lambda o: o.state is not State.RUNNING, 30)
    assert starts(slurm, handle) == 1, seen
    await nothing_left(slurm, one.key, handle)


async def test_two_copies_start_one(slurm: SlurmInfrastructure, cluster: Cluster) -> None:
    one = make_task(STARTED + "sleep 2")
    handle = await slurm.submit(one)
    folder = slurm._running[one.key].folder.path
    script = f"/bin/sh {slurm._ground.program} {folder}"
    for _ in range(3):
        quiet = ("--output=/dev/null", "--chdir=/", "--uid=nobody", "--gid=nogroup")
        cluster.command("sbatch", *quiet, "--export=LANG", "--mem=50M", f"--wrap={script}")
    await until(slurm, one.key, handle)
    assert starts(slurm, handle) == 1


async def test_a_strangers_job_of_the_same_name_is_left_alone(
    slurm: SlurmInfrastructure, cluster: Cluster
) -> None:
    one = make_task(STARTED + "echo mine")
    words = (f"--job-name={one.key.name}", f"--comment={slurm._ground.mark}", "--mem=50M")
    quiet = ("--output=/dev/null", "--chdir=/", "--uid=daemon", "--gid=daemon", "--parsable")
    theirs = cluster.command("sbatch", *quiet, *words, "--wrap=sleep 60").strip()
    try:
        assert await slurm.find(one.key) is None
        handle = await slurm.submit(one)
        assert (await until(slurm, one.key, handle)).failure is None
        await nothing_left(slurm, one.key, handle)
        assert cluster.command("squeue", "-h", "-j", theirs, "-o", "%T").strip() != ""
    finally:
        cluster.command("scancel", theirs)


async def test_an_image_without_a_system_cannot_start(slurm: SlurmInfrastructure) -> None:
    one = make_task("echo never", image="broken")
    handle = await slurm.submit(one)
    seen = await until(slurm, one.key, handle)
    assert seen.failure is not None
    assert seen.failure.blame is Blame.PLATFORM, seen


async def test_limits_are_held_on_nodes(slurm: SlurmInfrastructure) -> None:
    limits = Limits(60, 128 * MIB, pids=40, log_bytes=MIB, output_bytes=64 * MIB)
    greedy = "import time; kept = []\nwhile True: kept.append(bytearray(1 << 22)); time.sleep(0.05)"
    tasks = {
        "memory": make_task(f"python3 -c '{greedy}'", image="python:3", limits=limits),
        "pids": make_task("f() { f | f & }; f; sleep 30", limits=limits),
        "log": make_task("yes", limits=limits),
        "disk": make_task("cat /dev/zero >x; sleep 30", limits=limits),
    }
    handles = {name: await slurm.submit(task) for name, task in tasks.items()}
    for name, task in tasks.items():
        seen = await until(slurm, task.key, handles[name], patience=60)
        assert seen.failure is not None, name
        assert seen.failure.blame is Blame.LIMIT or name == "pids", (name, seen.failure)
        if name != "pids":
            assert seen.failure.reason == name, seen.failure
        await nothing_left(slurm, task.key, handles[name])


async def test_no_value_or_secret_is_seen_by_others_of_the_cluster(
    slurm: SlurmInfrastructure, cluster: Cluster
) -> None:
    secret, value = "s3cret-canary", "v4lue-canary"
    task = make_task(
        STARTED + "sleep 60", values={"name": value}, secrets={"token": secret}, files={"f": b""}
    )
    handle = await up(slurm, task)
    job = number(slurm, task.key)
    shown = cluster.command("scontrol", "show", "job", "-dd", job)
    shown += cluster.command("scontrol", "write", "batch_script", job, "-")
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if task.key.job.encode() in (entry / "cmdline").read_bytes():
                shown += (entry / "cmdline").read_text() + (entry / "environ").read_text()
    assert one_of(shown, secret, value) == ""
    await slurm.reap(handle)


def one_of(text: str, *words: str) -> str:
    return next((word for word in words if word in text), "")
