"""A whole platform whose methods run on a swarm of three nodes that share no files with it."""

import time
from collections.abc import Iterator

import pytest
from tests.engines.swarm import Swarm

from openccp.testing.ledger import leftovers
from openccp.testing.platform import RunningPlatform, User, bash_method

pytestmark = pytest.mark.sandbox
METHOD = bash_method(
    "on-the-swarm",
    'echo "hello {{name}}"; echo "$CCP_IN_name" >greeting.txt; cat /run/secrets/key | wc -c',
    deploy="echo deployed >&2",
    undeploy="cat greeting.txt",
    inputs={
        "name": {"schema": {"type": "string"}},
        "key": {"schema": {"type": "string", "format": "secret"}},
    },
    outputs={"greeting": {"schema": {"type": "string"}, "x-ccp-path": "greeting.txt"}},
    **{"x-ccp-network": False},
)
SETTINGS = """\
infrastructure_names = {{ local = "swarm" }}
[infrastructures.swarm]
kind = "docker-swarm"
title = "Three nodes"
address = "{address}"
images = ["bash"]
carrier_image = "python"
platform_url = "http://{host}:{port}"
node_folder = "/srv"
"""


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, swarm: Swarm) -> Iterator[RunningPlatform]:
    data = tmp_path_factory.mktemp("swarmed") / "data"
    data.mkdir()
    platform = RunningPlatform(data, arguments=("--host", "0.0.0.0"))
    (data / "openccp.toml").write_text(
        SETTINGS.format(address=swarm.nodes[0].address, host=swarm.host, port=platform.port)
    )
    platform.start()
    yield platform
    platform.stop()


@pytest.fixture(scope="module")
def user(platform: RunningPlatform) -> Iterator[User]:
    made = platform.user("ada")
    yield made
    made.close()


def test_a_method_runs_on_the_swarm(platform: RunningPlatform, user: User, swarm: Swarm) -> None:
    answer = user.deploy(METHOD)
    assert answer.status_code == 201, answer.text
    status = user.finish("on-the-swarm", {"name": "it's $(me)", "key": "s3cret"})
    assert status["status"] == "successful", (status, platform.log()[-3000:])
    job = status["jobID"]
    assert user.http.get(f"/jobs/{job}/results/greeting").text == "it's $(me)\n"
    assert user.http.get(f"/executions/{job}/logs/stdout").text == "hello it's $(me)\n6\n"
    assert user.http.get(f"/executions/{job}/logs/stderr").text == "deployed\n"
    assert leftovers(job, platform.data) == []
    assert left_on(swarm, job) == []


def starts(swarm: Swarm, job: str, stage: str) -> int:
    """How many containers of a stage were ever started, as the nodes' daemons recorded it."""
    asked = ("--since", "24h", "--until", "0s", "--filter", "event=start")
    shown = ("--format", "{{.Actor.Attributes.name}}")
    found = [node.docker("events", *asked, *shown) for node in swarm.nodes]
    lines = [line for text in found for line in text.splitlines()]
    return sum(f"{job}-" in line and f"-{stage}-" in line for line in lines)


def left_on(swarm: Swarm, job: str, seconds: float = 30) -> list[str]:
    """Everything of a job that the swarm or a node keeps: nodes remove containers on their own."""
    until = time.monotonic() + seconds
    while (found := _there(swarm, job)) and time.monotonic() < until:
        time.sleep(0.2)
    return found


def _there(swarm: Swarm, job: str) -> list[str]:
    first = swarm.nodes[0]
    objects = [
        f"{kind} {line}"
        for kind in ("service", "secret", "config", "network")
        for line in first.docker(kind, "ls", "--format", "{{.Name}}").splitlines()
        if job in line
    ]
    containers = [
        f"container {line}"
        for node in swarm.nodes
        for line in node.docker("ps", "-a", "--format", "{{.Names}}").splitlines()
        if job in line
    ]
    files = [str(path) for node in swarm.nodes for path in (node.place / "srv").glob(f"*/*{job}*")]
    return [*objects, *containers, *files]
