"""What ships gives the same in Docker as on the machine itself; a kill in mid-pull is no harm."""

import re
import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.acceptance.test_shipped_methods import check, example, run_example
from tests.engines.daemons import NoEngine, import_image
from tests.engines.images import docker
from tests.engines.registry import Registries, registries, small_image

from openccp.testing.ledger import leftovers
from openccp.testing.platform import RunningPlatform, User, bash_method

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]
NEEDS_R = pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
IMAGES = {"csv-summary": "python:3.11", "r-regression": "r-base"}
DRAWN = (".png",)
"""Two machines' fonts and libraries draw differently."""
BOX = """infrastructure_names = {{ local = "box" }}
[infrastructures.box]
kind = "docker"
address = "{address}"
network = "open"
"""
Start = Callable[[str], RunningPlatform]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    started = []

    def one(settings: str) -> RunningPlatform:
        data = tmp_path_factory.mktemp("shipped") / "data"
        data.mkdir()
        (data / "openccp.toml").write_text(settings)
        platform = RunningPlatform(data)
        platform.start()
        started.append(platform)
        return platform

    yield one
    for platform in started:
        platform.stop()


@pytest.fixture(scope="module")
def boxed(start: Start, docker_address: str) -> RunningPlatform:
    return start(BOX.format(address=docker_address))


@pytest.fixture(scope="module")
def in_docker(boxed: RunningPlatform) -> Iterator[User]:
    made = boxed.user("ada")
    yield made
    made.close()


@pytest.fixture(scope="module")
def on_the_machine(start: Start) -> Iterator[User]:
    made = start("").user("ada")
    yield made
    made.close()


def left_by(user: User, job: str) -> dict[str, bytes]:
    """Every file of a job that is not drawn; some are named by the job."""
    record = user.http.get(f"/executions/{job}").json()
    kept = [one for one in record["files"] if not one["path"].endswith(DRAWN)]
    return {one["path"].replace(job, "JOB"): user.http.get(one["href"]).content for one in kept}


@pytest.mark.parametrize(
    "name",
    [
        "count-words",
        "csv-summary",
        "echo",
        "hello-bash",
        pytest.param("r-regression", marks=[pytest.mark.r, NEEDS_R]),
        "sleeper",
    ],
)
def test_a_shipped_method_gives_the_same(
    in_docker: User, on_the_machine: User, docker_address: str, name: str
) -> None:
    import_image(docker_address, IMAGES.get(name, "bash"))
    job, other = run_example(in_docker, name), run_example(on_the_machine, name)
    instance = in_docker.http.get(f"/executions/{job}/metadata/instance.json").json()
    assert instance["infrastructure"] == "box"
    assert instance["imageId"].startswith("sha256:")
    assert left_by(in_docker, job) == left_by(on_the_machine, other)
    for output, facts in example(name, "expected.json").get("outputs", {}).items():
        for user, one in ((in_docker, job), (on_the_machine, other)):
            check(user.http.get(f"/jobs/{one}/results/{output}").content, facts)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, docker_address: str) -> Iterator[Registries]:
    try:
        with registries(tmp_path_factory.mktemp("registry"), docker_address) as found:
            small_image(docker_address, "small")
            found.push("small", "small")
            found.forget("small")
            yield found
    except NoEngine as reason:
        pytest.skip(f"registries were not tried: {reason}")


def test_a_kill_in_mid_pull_ends_in_one_start(
    boxed: RunningPlatform, in_docker: User, served: Registries, docker_address: str
) -> None:
    began = str(int(time.time()) - 1)
    image = f"{served.slow}/small"
    deploy(in_docker, bash_method("pulled", "echo it runs"), image)
    job = in_docker.run("pulled")["jobID"]
    message = await_message(in_docker, job, rf"pulling image {re.escape(image)}: [1-9]\d?%")
    assert message["status"] == "running"
    boxed.kill()
    boxed.start()
    ended = in_docker.wait(job)
    assert ended["status"] == "successful", ended
    instance = in_docker.http.get(f"/executions/{job}/metadata/instance.json").json()
    assert instance["attempt"] == 1
    assert instance["imageDigest"].startswith(f"{image}@sha256:")
    prov = in_docker.http.get(f"/jobs/{job}/prov").text
    assert instance["imageDigest"] in prov
    words = ["events", "--since", began, "--until", str(int(time.time()) + 1)]
    shown = ["--filter", "event=start", "--format", "{{.Actor.Attributes.name}}"]
    starts = docker(docker_address, *words, *shown).split()
    assert [name for name in starts if job in name] == [f"ccp-{job}-1-run-0"]
    assert leftovers(job, boxed.data) == []


def deploy(user: User, method: dict[str, Any], image: str) -> None:
    """For an image, without network, in the box."""
    method["inputs"]["ccpimage"]["schema"] = {"type": "string", "default": image}
    method["links"] = [{"rel": "compatibleWith", "href": "infrastructures/box", "title": "box"}]
    answer = user.deploy({**method, "x-ccp-network": False})
    assert answer.status_code == 201, answer.text


def await_message(user: User, job: str, pattern: str) -> dict[str, object]:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        status: dict[str, object] = user.http.get(f"/jobs/{job}").json()
        if re.fullmatch(pattern, str(status["message"])):
            return status
        time.sleep(0.05)
    raise AssertionError(f"the job says {status}")


def test_an_image_that_cannot_be_had_fails_the_job_in_words(
    in_docker: User, served: Registries
) -> None:
    image = f"{served.open}/nothing"
    deploy(in_docker, bash_method("missing", "echo it runs", undeploy="true"), image)
    ended = in_docker.finish("missing")
    assert ended["status"] == "failed"
    assert image in ended["message"]
    assert "misspelling" in ended["message"]
