"""Images: pulled with progress, refused in words, run whatever they declare."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.engines.daemons import NoEngine, docker_daemon
from tests.engines.images import docker
from tests.engines.registry import (
    NAME,
    PASSWORD,
    Registries,
    image_for,
    image_from,
    image_without_shell,
    registries,
    small_image,
)

from openccp.core.job import Blame, TaskKey
from openccp.core.ports import CannotStart, Observation, State
from openccp.infrastructures.docker.infrastructure import DockerInfrastructure
from openccp.infrastructures.docker.privileges import Privileges
from openccp.infrastructures.docker.reference import Login
from openccp.infrastructures.folders import handle_of
from openccp.testing.infrastructure import eventually, log, make_task, run, until

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory, docker_address: str) -> Iterator[Registries]:
    try:
        with registries(tmp_path_factory.mktemp("registry"), docker_address) as found:
            small_image(docker_address, "small")
            found.push("small", "small")
            yield found
    except NoEngine as reason:
        pytest.skip(f"registries were not tried: {reason}")


@pytest.fixture
def served(serving: Registries) -> Registries:
    serving.forget("small")
    return serving


@pytest.fixture
async def place(tmp_path: Path, docker_address: str) -> AsyncIterator[DockerInfrastructure]:
    place = make_place(tmp_path, docker_address)
    yield place
    await end(place)


def make_place(folder: Path, address: str, **more: Any) -> DockerInfrastructure:
    return DockerInfrastructure(folder, slots=4, address=address, **more)


async def end(place: DockerInfrastructure) -> None:
    for key in [*place._running, *place._ended]:
        await place.reap(handle_of(key))
    await place.close()


async def refusal(place: DockerInfrastructure, image: str) -> Observation:
    seen, _ = await run(place, make_task(image=image))
    assert seen.failure is not None
    assert image in seen.failure.detail
    return seen


async def test_a_pull_shows_how_far_it_is_and_serves_all_who_wait(
    place: DockerInfrastructure, served: Registries, docker_address: str
) -> None:
    image = f"{served.slow}/small"
    tasks = [make_task('echo "it runs"', image=image) for _ in range(3)]
    handles = {task.key: await place.submit(task) for task in tasks}
    told: set[str] = set()

    async def over() -> bool:
        seen = await place.observe(handles)
        told.update(one.message or "" for one in seen.values() if one.state is State.PENDING)
        return all(one.state is State.EXITED for one in seen.values())

    await eventually(over)
    seen = await place.observe(handles)
    percents = sorted(int(words.split(": ")[1][:-1]) for words in told if words.endswith("%"))
    assert len([percent for percent in percents if 0 < percent < 100]) > 3
    assert all(words.startswith((f"pulling image {image}", "unpacking")) for words in told - {""})
    for one in seen.values():
        assert one.failure is None
        assert one.facts["runtime"]["imageId"].startswith("sha256:")
        assert one.facts["runtime"]["imageDigest"].startswith(f"{image}@sha256:")


async def test_other_jobs_go_on_during_a_pull_and_a_stop_ends_the_wait(
    place: DockerInfrastructure, served: Registries
) -> None:
    waiting = make_task(image=f"{served.slow}/small")
    handle = await place.submit(waiting)
    seen, _ = await run(place, make_task())
    assert seen.failure is None
    assert (await place.observe({waiting.key: handle}))[waiting.key].state is State.PENDING
    await place.stop(handle, 5)
    assert (await place.observe({waiting.key: handle}))[waiting.key].state is State.LOST
    await place.reap(handle)


async def test_a_later_process_goes_on_with_a_pull(
    tmp_path: Path, served: Registries, docker_address: str
) -> None:
    first = make_place(tmp_path, docker_address)
    task = make_task("echo once", image=f"{served.slow}/small", deploy="true")
    handle = await first.submit(task)
    await first.observe({task.key: handle})
    await first.close()
    second = make_place(tmp_path, docker_address)
    seen = await until(second, task.key, handle)
    assert seen.failure is None
    assert len(docker(docker_address, "ps", "-aq", "-f", f"name={task.key.name}").split()) == 1
    await end(second)


async def test_labels_may_be_long_and_do_not_tell_how_a_job_ended(
    place: DockerInfrastructure, serving: Registries, docker_address: str
) -> None:
    """The daemon repeats them with every event, in place of what it says itself."""
    long = [f"LABEL many-{number}={'x' * 60_000}" for number in range(12)]
    small_image(docker_address, "plain")
    image_from(docker_address, "labelled", ["FROM plain", *long, "LABEL exitCode=0"])
    serving.push("labelled", "labelled")
    for _ in range(2):
        told: asyncio.Queue[TaskKey] = asyncio.Queue()
        place.on_change(told.put_nowait)
        task = make_task("exit 3", image=f"{serving.open}/labelled")
        handle = await place.submit(task)
        assert await asyncio.wait_for(told.get(), 60) == task.key
        seen = (await place.observe({task.key: handle}))[task.key]
        assert seen.failure is not None
        assert (seen.failure.reason, seen.failure.exit_code) == ("exit", 3)
    serving.forget("labelled")


@pytest.mark.parametrize(
    ("image", "reason", "blame"),
    [
        ("{open}/nothing", "image-missing", Blame.METHOD),
        ("{open}/small:nothing", "image-missing", Blame.METHOD),
        ("{closed}/small", "image-refused", Blame.METHOD),
        ("{slow}/limited", "image-rate-limited", Blame.PLATFORM),
        ("localhost:5999/small", "image-unreachable", Blame.PLATFORM),
    ],
)
async def test_each_refusal_has_its_own_words(
    place: DockerInfrastructure, served: Registries, image: str, reason: str, blame: Blame
) -> None:
    hosts = {"open": served.open, "closed": served.closed, "slow": served.slow}
    seen = await refusal(place, image.format(**hosts))
    assert seen.failure
    assert (seen.failure.reason, seen.failure.blame) == (reason, blame)


async def test_a_password_opens_a_registry_and_is_told_nobody(
    tmp_path: Path, served: Registries, docker_address: str, caplog: pytest.LogCaptureFixture
) -> None:
    right = Login(NAME, lambda: PASSWORD)
    place = make_place(tmp_path / "a", docker_address, logins={served.closed: right})
    seen, handle = await run(place, make_task(image=f"{served.closed}/small"))
    assert seen.failure is None
    told = docker(
        docker_address, "inspect", f"ccp-{handle['job']}-1-run-0", f"{served.closed}/small"
    )
    assert PASSWORD not in told + str(seen) + caplog.text
    await end(place)
    served.forget("small")
    wrong = Login(NAME, lambda: "wrong words")
    place = make_place(tmp_path / "b", docker_address, logins={served.closed: wrong})
    seen = await refusal(place, f"{served.closed}/small")
    assert seen.failure
    assert seen.failure.reason == "image-refused"
    assert "wrong words" not in str(seen) + caplog.text
    await end(place)


async def test_an_image_for_another_processor_is_refused(
    place: DockerInfrastructure, served: Registries, docker_address: str
) -> None:
    image_for(docker_address, "elsewhere", "s390x")
    served.push("elsewhere", "elsewhere")
    seen = await refusal(place, f"{served.open}/elsewhere")
    assert seen.failure
    assert seen.failure.reason == "image-architecture"
    with pytest.raises(CannotStart, match="processor"):
        await place.submit(make_task(image=f"{served.open}/elsewhere"))


async def test_a_full_disk_is_told_from_a_missing_image(tmp_path: Path, served: Registries) -> None:
    setup = f"mkdir -p {tmp_path}/data; mount -t tmpfs -o size=4m none {tmp_path}/data"
    with (
        docker_daemon(tmp_path, images=(), setup=setup, subnet="172.30.9.1/24") as address,
        registries(tmp_path, address, served.storage) as full,
    ):
        place = make_place(tmp_path / "place", address)
        seen = await refusal(place, f"{full.open}/small")
        assert seen.failure
        assert (seen.failure.reason, seen.failure.blame) == ("image-disk-full", Blame.PLATFORM)
        await end(place)


async def test_a_name_that_moves_changes_no_attempt(
    place: DockerInfrastructure, docker_address: str
) -> None:
    small_image(docker_address, "moving", ["ENV WHICH=first"])
    seen, handle = await run(place, make_task("echo $WHICH", image="moving"))
    first = seen.facts["runtime"]
    small_image(docker_address, "moving", ["ENV WHICH=second"])
    job = str(handle["job"])
    undeploy, _ = await run(
        place, make_task(image="moving", job=job, undeploy='test "$WHICH" = first')
    )
    assert undeploy.failure is None
    assert undeploy.facts["runtime"] == first
    other, _ = await run(place, make_task('test "$WHICH" = second', image="moving"))
    assert other.failure is None


@pytest.mark.parametrize(
    "change",
    [
        'ENTRYPOINT ["/bin/cat"]',
        'CMD ["/nothing"]',
        "USER root",
        "USER nobody-knows",
        "WORKDIR /data",
        "VOLUME /ccp_data",
        "HEALTHCHECK --interval=1s CMD false",
    ],
)
async def test_any_image_runs_whatever_it_declares(
    place: DockerInfrastructure, docker_address: str, change: str
) -> None:
    name = f"any-{uuid.uuid4().hex[:8]}"
    small_image(docker_address, name, [change])
    script = 'cat /data/table >table; test "$(cat table)" = "of the image"; ! : >/data/new'
    seen, _ = await run(place, make_task(f"({script}) 2>/dev/null", image=name))
    assert seen.failure is None, seen


async def test_a_volume_of_an_image_is_bounded(
    place: DockerInfrastructure, docker_address: str
) -> None:
    small_image(docker_address, "volumes", ["VOLUME /data"])
    task = make_task("echo more >/data/new && cat /data/new", image="volumes")
    seen, handle = await run(place, task)
    assert seen.failure is None, await log(place, handle)
    assert docker(docker_address, "volume", "ls", "-q") == ""


async def test_an_image_without_a_shell_is_refused_by_name(
    place: DockerInfrastructure, docker_address: str
) -> None:
    image_without_shell(docker_address, "shell-less")
    seen = await refusal(place, "shell-less")
    assert seen.failure
    assert (seen.failure.reason, seen.failure.blame) == ("image-no-shell", Blame.METHOD)


async def test_root_only_where_the_operator_allows_it(
    tmp_path: Path, docker_address: str, place: DockerInfrastructure
) -> None:
    small_image(docker_address, "rooted")
    script = (
        'while read -r name value; do case "$name" in Uid:|CapEff:) echo "$value" >>told;; esac; '
        "done </proc/self/status; cat told"
    )
    task = make_task(script, image="rooted", root=True)
    with pytest.raises(CannotStart, match="root"):
        await place.submit(task)
    allowing = make_place(
        tmp_path / "root", docker_address, privileges=Privileges(True, ("CHOWN",))
    )
    seen, handle = await run(allowing, task)
    assert seen.failure is None, seen
    told = (allowing.workspace(handle).files / "told").read_text().split("\n")
    assert told[0].split()[0] == "0"
    assert int(told[1], 16) == 1
    await end(allowing)


async def test_gpus_are_asked_of_the_daemon_where_a_job_may_have_them(
    tmp_path: Path, docker_address: str, place: DockerInfrastructure
) -> None:
    with pytest.raises(CannotStart, match="GPU"):
        await place.submit(make_task(gpus=1))
    allowing = make_place(tmp_path / "gpus", docker_address, privileges=Privileges(gpus=2))
    with pytest.raises(CannotStart, match="gpu"):
        await allowing.submit(make_task(gpus=2))
    await end(allowing)
