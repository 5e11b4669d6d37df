"""A daemon on another machine: the whole contract over TLS, and what only goes wrong there."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.engines.daemons import NoEngine
from tests.engines.daemons import _docker as docker
from tests.engines.elsewhere import Elsewhere, daemon_with_tls, ssh_to

from openccp.core.job import Blame
from openccp.core.ports import CannotStart, Limits, State
from openccp.files.walk import Walk
from openccp.infrastructures.docker import volumes
from openccp.infrastructures.docker.elsewhere import DockerElsewhere
from openccp.infrastructures.docker.filter import Policy
from openccp.infrastructures.docker.unpack import unpack
from openccp.infrastructures.docker.volumes import is_fetched
from openccp.infrastructures.folders import StageFolder, handle_of
from openccp.testing.infrastructure import (
    InfrastructureContract,
    eventually,
    log,
    make_task,
    output,
    run,
    until,
)

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elsewhere]:
    try:
        with daemon_with_tls(tmp_path_factory.mktemp("elsewhere")) as made:
            yield made
    except NoEngine as reason:
        pytest.skip(f"Docker elsewhere was not tried: {reason}")


@asynccontextmanager
async def opened(root: Path, place: Elsewhere) -> AsyncIterator[DockerElsewhere]:
    docker = DockerElsewhere(
        root,
        slots=4,
        address=place.address,
        images=("bash", "python:*"),
        credentials=place.credentials,
        network=Policy("open"),
    )
    try:
        yield docker
    finally:
        for key in [*docker._running, *docker._ended]:
            await docker.reap(handle_of(key))
        await docker.close()


@pytest.fixture
async def infrastructure(tmp_path: Path, elsewhere: Elsewhere) -> AsyncIterator[DockerElsewhere]:
    async with opened(tmp_path, elsewhere) as made:
        yield made


def left(place: Elsewhere) -> str:
    """Containers and volumes that are there."""
    return docker(place.socket, "ps", "-aq") + docker(place.socket, "volume", "ls", "-q")


def on_disk(infrastructure: DockerElsewhere) -> list[str]:
    """What is here of attempts."""
    return os.listdir(infrastructure._attempts.ground.disk)


class TestElsewhere(InfrastructureContract):
    @pytest.fixture
    async def infrastructure(
        self, tmp_path: Path, elsewhere: Elsewhere
    ) -> AsyncIterator[DockerElsewhere]:
        async with opened(tmp_path, elsewhere) as made:
            yield made


async def test_whoever_has_no_certificate_is_not_heard(
    tmp_path: Path, elsewhere: Elsewhere
) -> None:
    for credentials in (
        replace(elsewhere.credentials, cert=None, key=None),
        replace(elsewhere.credentials, ca=None),
    ):
        async with opened(tmp_path, replace(elsewhere, credentials=credentials)) as stranger:
            assert not (await stranger.check()).reachable


async def test_what_is_filtered_here_only_is_refused(tmp_path: Path, elsewhere: Elsewhere) -> None:
    one = DockerElsewhere(
        tmp_path, slots=1, address=elsewhere.address, credentials=elsewhere.credentials
    )
    assert (await one.check()).network_policy.startswith("none")
    task = make_task(network=True)
    with pytest.raises(CannotStart, match="on another machine"):
        await one.submit(task)
    await one.reap(handle_of(task.key))
    await one.close()


async def test_what_a_job_left_is_here_and_nothing_is_left_there(
    infrastructure: DockerElsewhere, elsewhere: Elsewhere
) -> None:
    """Also names that are strange, a second name, bytes without a line's end, and secrets."""
    script = (
        "mkdir -p a/b; printf x >'a/b/ é\"'; printf one >first; ln first second; chmod 0 a/b; "
        "chmod 400 first; : >empty; printf end; cat /run/secrets/key >&2"
    )
    task = make_task(script, secrets={"key": "canary-1"}, network=True)
    observation, handle = await run(infrastructure, task)
    assert observation.failure is None
    workspace = infrastructure.workspace(handle)
    assert workspace.sealed
    found = {
        str(path.relative_to(workspace.files)): path.read_bytes()
        for path in workspace.files.rglob("*")
        if path.is_file()
    }
    assert found == {'a/b/ é"': b"x", "first": b"one", "second": b"one", "empty": b""}
    assert workspace.logs["stdout"].read_bytes() == b"end"
    assert workspace.logs["stderr"].read_bytes() == b"canary-1"
    await infrastructure.reap(handle)
    assert left(elsewhere) == ""


async def test_links_and_pipes_lead_nowhere(infrastructure: DockerElsewhere) -> None:
    script = (
        "ln -s /etc/passwd absolute; ln -s ../../../../etc up; ln -s . here; mkfifo pipe; "
        "mkdir real; ln -s real through; echo kept >through/kept; "
        'rm ~/.ccp-marks-run; ln -s /etc/passwd ~/.ccp-marks-run; ln -s /etc/passwd "$CCP_PROGRESS"'
    )
    _, handle = await run(infrastructure, make_task(script))
    files = infrastructure.workspace(handle).files
    assert (files / "real/kept").read_text() == "kept\n"
    assert {one.name for one in files.iterdir() if not one.is_symlink()} == {"real"}
    assert not any(one.exists() for one in files.iterdir() if one.is_symlink())


STRANGE = {
    "a path too long": f"for i in $(seq 20); do mkdir {'d' * 250}; cd {'d' * 250}; done; : >file",
    "a link that is told in a long header": "rm ~/.ccp-marks-run; "
    r"part=$(head -c 240 /dev/zero | tr '\0' '\1'); "
    'ln -s "$(for i in $(seq 16); do printf /%s "$part"; done)" ~/.ccp-marks-run',
    "a link to itself": "rm ~/.ccp-marks-run; ln -s .ccp-marks-run ~/.ccp-marks-run",
}


@pytest.mark.parametrize("what", STRANGE)
async def test_strange_files_do_not_keep_a_job_from_ending(
    infrastructure: DockerElsewhere, what: str
) -> None:
    task = make_task(f": >/ccp_data/kept; {STRANGE[what]}")
    observation, handle = await run(infrastructure, task)
    assert observation.state is State.EXITED
    workspace = infrastructure.workspace(handle)
    walk = Walk(workspace.files, 1000)
    assert [file.path for file in walk] == ["kept"]
    assert all("longer" in one.reason for one in walk.skipped)
    assert bool(walk.skipped) == ("path" in what)
    await infrastructure.reap(handle)
    assert on_disk(infrastructure) == []


async def test_containers_are_pruned_while_a_job_runs(
    infrastructure: DockerElsewhere, elsewhere: Elsewhere
) -> None:
    task = make_task("echo begun; until [ -e go ]; do sleep 0.05; done; echo over >file")
    handle = await infrastructure.submit(task)
    await eventually(lambda: log(infrastructure, handle))
    docker(elsewhere.socket, "container", "prune", "-f")
    docker(elsewhere.socket, "exec", f"{task.key.name}-0", "touch", "/ccp_data/go")
    observation = await until(infrastructure, task.key, handle)
    assert observation.failure is None
    assert (infrastructure.workspace(handle).files / "file").read_text() == "over\n"
    assert await log(infrastructure, handle) == {"stdout.0": b"begun\n"}
    await infrastructure.reap(handle)
    assert left(elsewhere) == ""


async def test_a_job_whose_volumes_are_gone_is_lost(
    infrastructure: DockerElsewhere, elsewhere: Elsewhere
) -> None:
    task = make_task("echo over >file")
    handle = await infrastructure.submit(task)
    started = infrastructure._running[task.key]

    async def over() -> bool:
        return started.all_ended

    await eventually(over)
    await infrastructure._volumes.forget(task.key)
    await until(infrastructure, task.key, handle, lambda seen: seen.state is State.LOST)
    await infrastructure.reap(handle)
    assert on_disk(infrastructure) == []


async def test_a_removal_in_the_middle_of_a_fetch_leaves_nothing(
    infrastructure: DockerElsewhere, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacking, go_on = threading.Event(), threading.Event()

    def slowly(*words: Any) -> None:
        unpacking.set()
        assert go_on.wait(20)
        unpack(*words)

    monkeypatch.setattr(volumes, "unpack", slowly)
    task = make_task("echo over >file")
    handle = await infrastructure.submit(task)

    async def half_here() -> bool:
        await infrastructure.observe({task.key: handle})
        return unpacking.is_set()

    await eventually(half_here)
    reaping = asyncio.ensure_future(infrastructure.reap(handle))
    asyncio.get_running_loop().call_later(0.2, go_on.set)
    await reaping
    assert on_disk(infrastructure) == []
    assert left(elsewhere) == ""


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("head -c 3000000 /dev/zero >big", "disk"),
        ("for i in 1 2 3 4 5 6 7 8 9 10 11 12; do : >$i; done", "files"),
        ("yes | head -c 3000000", "log"),
        ("yes; sleep 30", "log"),
        ("tail /dev/zero", "memory"),
    ],
)
async def test_limits_bite(infrastructure: DockerElsewhere, script: str, reason: str) -> None:
    limits = Limits(
        memory_bytes=64 << 20, output_bytes=2_000_000, output_files=10, log_bytes=100_000
    )
    observation, handle = await run(infrastructure, make_task(script, limits=limits))
    assert observation.failure is not None
    assert (observation.failure.blame, observation.failure.reason) == (Blame.LIMIT, reason)
    assert infrastructure.workspace(handle).logs["stdout"].stat().st_size < 101_000


async def test_results_are_fetched_again_after_a_kill(tmp_path: Path, elsewhere: Elsewhere) -> None:
    """The platform dies before the end, then while what it fetched is half in place."""
    task = make_task("echo one; echo result >file")
    first = DockerElsewhere(
        tmp_path, slots=1, address=elsewhere.address, credentials=elsewhere.credentials
    )
    handle = await first.submit(task)
    await first.close()
    folder = StageFolder(first._attempts.ground, task.key)
    (Path(folder.data) / "half").touch()
    (Path(folder.data).parent / f"{Path(folder.data).name}.large.tar").write_bytes(b"half a tar")
    assert not is_fetched(folder)
    async with opened(tmp_path, elsewhere) as second:
        observation = await until(second, task.key, handle)
        assert observation.failure is None
        assert [path.name for path in second.workspace(handle).files.iterdir()] == ["file"]
        assert await log(second, handle) == {"stdout.0": b"one\n"}
        await second.reap(handle)
    assert left(elsewhere) == ""


async def test_a_killed_submit_and_a_killed_reap_are_done_again(
    tmp_path: Path, elsewhere: Elsewhere
) -> None:
    """Brought and not begun; and volumes of an attempt that nobody knows any more."""
    task, gone = make_task("cat /ccp_in/inputs.json"), make_task()
    async with opened(tmp_path, elsewhere) as first:
        image = await first._images.here("bash")
        assert image is not None
        for one in (task, gone):
            started = first._prepared(one, StageFolder(first._attempts.ground, one.key))
            await first._volumes.bring(one, started, image)
        first._attempts.remove(gone.key)
    async with opened(tmp_path, elsewhere) as second:
        await second.check()
        assert gone.key.job not in left(elsewhere)
        assert await output(second, task) == "{}"
    assert left(elsewhere) == ""


async def test_a_daemon_that_is_away_for_a_while_fails_nothing(
    infrastructure: DockerElsewhere, elsewhere: Elsewhere
) -> None:
    """Its connection is cut while a job runs."""
    task = make_task("echo begun; sleep 1; echo over")
    handle = await infrastructure.submit(task)
    await infrastructure._daemon.close()
    observation = await until(infrastructure, task.key, handle)
    assert observation.failure is None
    assert await log(infrastructure, handle) == {"stdout.0": b"begun\nover\n"}


async def test_a_path_through_ssh(tmp_path: Path, elsewhere: Elsewhere) -> None:
    with ssh_to(elsewhere.socket, tmp_path) as place:
        async with opened(tmp_path, place) as infrastructure:
            assert (await infrastructure.check()).reachable
            tasks = [make_task(f"echo {number} >file; cat file") for number in range(4)]
            texts = await asyncio.gather(*(output(infrastructure, task) for task in tasks))
            assert texts == ["0\n", "1\n", "2\n", "3\n"]
        place.credentials.known_hosts.write_text("")  # type: ignore[union-attr]
        async with opened(tmp_path, place) as stranger:
            assert not (await stranger.check()).reachable
    assert left(elsewhere) == ""


async def test_a_task_is_seen_while_it_runs(infrastructure: DockerElsewhere) -> None:
    task = make_task("echo so far; sleep 30", "echo deploying")
    handle = await infrastructure.submit(task)
    await eventually(lambda: log(infrastructure, handle))
    seen = (await infrastructure.observe({task.key: handle}))[task.key]
    assert seen.state is State.RUNNING
    await infrastructure.reap(handle)
