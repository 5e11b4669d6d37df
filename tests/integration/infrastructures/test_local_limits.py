"""Jobs that misbehave: contained, explained, cleaned up."""

import asyncio
import base64
import os
import time
from pathlib import Path

import pytest

from openccp.core.job import Blame
from openccp.core.ports import Limits, Observation, Task
from openccp.infrastructures import machine
from openccp.infrastructures.cgroups import NoGroups
from openccp.infrastructures.local import LocalInfrastructure
from openccp.testing.infrastructure import MIB, make_task, run, until, up

pytestmark = pytest.mark.sandbox
SMALL = Limits(
    wall_seconds=60, memory_bytes=64 * MIB, pids=24, output_bytes=8 * MIB, output_files=200,
    log_bytes=MIB,
)  # fmt: skip
HOG = "x=x; while :; do x=$x$x; done"
BOMB = "f() { f & f & wait; }; f"


def limited(script: str) -> Task:
    return make_task(script, limits=SMALL)


async def ends_by_limit(local: LocalInfrastructure, task: Task, reason: str) -> Observation:
    begun = time.monotonic()
    observation, handle = await run(local, task)
    assert observation.failure is not None, observation
    assert (observation.failure.blame, observation.failure.reason) == (Blame.LIMIT, reason)
    assert time.monotonic() - begun < 12
    await local.reap(handle)
    return observation


async def test_a_memory_hog(infrastructure: LocalInfrastructure) -> None:
    observation = await ends_by_limit(infrastructure, limited(HOG), "memory")
    if observation.facts["oom_kills"]:
        assert observation.facts["peak_memory_bytes"] <= SMALL.memory_bytes


async def test_a_fork_bomb(infrastructure: LocalInfrastructure) -> None:
    await ends_by_limit(infrastructure, limited(BOMB), "pids")


async def test_an_endless_log(infrastructure: LocalInfrastructure) -> None:
    one = limited("yes 0123456789")
    observation, handle = await run(infrastructure, one)
    assert observation.failure is not None
    assert observation.failure.reason == "log"
    text = infrastructure.workspace(handle).logs["stdout"].read_bytes()
    assert len(text) < SMALL.log_bytes + 200
    assert b"bytes: " in text.splitlines()[-1]
    await infrastructure.reap(handle)


async def test_one_endless_line(infrastructure: LocalInfrastructure) -> None:
    await ends_by_limit(infrastructure, limited("cat /dev/zero >&2"), "log")


async def test_a_huge_output(infrastructure: LocalInfrastructure) -> None:
    script = "for i in 1 2 3 4 5 6; do head -c 3M /dev/urandom >f$i; done; sleep 30"
    await ends_by_limit(infrastructure, limited(script), "disk")


async def test_one_huge_file_stops_at_the_kernel(infrastructure: LocalInfrastructure) -> None:
    await ends_by_limit(infrastructure, limited("exec head -c 1G /dev/zero >f"), "disk")


async def test_a_huge_home(infrastructure: LocalInfrastructure) -> None:
    script = "for i in 1 2 3 4 5 6; do head -c 3M /dev/urandom >~/f$i; done; sleep 30"
    await ends_by_limit(infrastructure, limited(script), "disk")


async def test_many_files(infrastructure: LocalInfrastructure) -> None:
    script = "i=0; while :; do : >f$i; i=$((i+1)); done"
    await ends_by_limit(infrastructure, limited(script), "files")


async def test_folders_without_end(infrastructure: LocalInfrastructure) -> None:
    script = "n=$(printf '%0200d' 0); while mkdir $n && cd $n; do :; done; sleep 30"
    await ends_by_limit(infrastructure, make_task(script), "files")


async def test_a_sparse_file_counts_what_it_holds(infrastructure: LocalInfrastructure) -> None:
    observation, handle = await run(infrastructure, limited("truncate -s 7M f; sleep 1.2"))
    assert observation.failure is None
    await infrastructure.reap(handle)


async def test_what_a_script_leaves_running_is_ended(infrastructure: LocalInfrastructure) -> None:
    one = limited("setsid sh -c 'trap \"\" TERM HUP; while :; do sleep 1; done' & echo up; wait")
    handle = await up(infrastructure, one)
    running = infrastructure._running[one.key]
    assert len(running.members()) >= 4
    await infrastructure.stop(handle, 0.2)
    await until(infrastructure, one.key, handle, patience=10)
    assert running.members() == []
    assert running.inits() == []


async def test_children_do_not_outlive_the_script(infrastructure: LocalInfrastructure) -> None:
    one = limited("(setsid sleep 600 &) ; (while :; do date >>still; sleep 0.01; done) & sleep 0.2")
    observation, handle = await run(infrastructure, one)
    assert observation.failure is None
    written = (infrastructure.workspace(handle).files / "still").read_bytes()
    await asyncio.sleep(0.1)
    assert (infrastructure.workspace(handle).files / "still").read_bytes() == written


async def test_hostile_names_and_permissions_are_reaped(
    infrastructure: LocalInfrastructure,
) -> None:
    script = r"""
        mkfifo pipe; ln -s /etc/passwd link; ln -s . loop; mkdir -p d/e; touch -- -rf 'a
b' $'\xff\xfe' d/e/f; chmod 0 d; chmod 1777 .; i=0; mkdir deep; cd deep
        while [ $i -lt 300 ]; do mkdir d; cd d; i=$((i+1)); done
    """
    observation, handle = await run(infrastructure, make_task(script))
    assert observation.failure is None
    files = infrastructure.workspace(handle).files
    await infrastructure.reap(handle)
    assert not files.exists()
    assert not any(name.startswith(files.name) for name in os.listdir(files.parent))


async def test_a_job_cannot_mislead_by_its_control_files(
    infrastructure: LocalInfrastructure, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("50 secret")
    script = f'ln -s {secret} "$CCP_PROGRESS"; echo up; sleep 60'
    one = make_task(script)
    handle = await up(infrastructure, one)
    seen = (await infrastructure.observe({one.key: handle}))[one.key]
    assert (seen.progress, seen.message) == (None, None)
    await infrastructure.reap(handle)
    for trick in ("mkfifo", "mkdir"):
        one = make_task(f'{trick} "$CCP_PROGRESS"; echo up; sleep 60')
        handle = await up(infrastructure, one)
        seen = (await infrastructure.observe({one.key: handle}))[one.key]
        assert (seen.progress, seen.message) == (None, None)
        await infrastructure.reap(handle)


async def test_large_inputs_lie_on_disk_and_are_removed(
    infrastructure: LocalInfrastructure,
) -> None:
    content = os.urandom(3 * MIB)
    one = make_task(
        "cmp /ccp_in/doc doc",
        'printf %s "$CCP_IN_doc" | base64 -d >doc',
        files={"doc": content},
        values={"doc": base64.b64encode(content).decode()},
    )
    observation, handle = await run(infrastructure, one)
    assert observation.failure is None
    files = infrastructure.workspace(handle).files
    assert len([name for name in os.listdir(files.parent) if ".large." in name]) == 2
    await infrastructure.reap(handle)
    assert os.listdir(files.parent) == []


@pytest.mark.parametrize(("script", "reason"), [(HOG, "memory"), (BOMB, "pids"), ("yes", "log")])
async def test_limits_hold_without_control_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    monkeypatch.setattr(machine, "detect", lambda _folder: NoGroups())
    local = LocalInfrastructure(tmp_path, slots=1)
    await ends_by_limit(local, limited(script), reason)
    await local.close()
