"""kill -9 of the server at every place of a job's life on Docker, twice: cold, and in a container
that waited. The job says how often it began, in its own folder; nothing of it is left."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from openccp.core.failpoint import PLACES, VARIABLE
from openccp.infrastructures.place import digest_of
from openccp.testing.infrastructure import MIB
from openccp.testing.ledger import leftovers
from openccp.testing.platform import RunningPlatform, User, bash_method

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]
BETWEEN = [
    place
    for place in PLACES
    if place.split(".")[0] in ("claim", "intent", "submit", "collect", "undeploy", "reap")
]
NO_NETWORK: dict[str, Any] = {"x-ccp-network": False}
METHOD = bash_method(
    "told",
    "echo start >>told; sleep 0.5; echo end >>told",
    undeploy="echo undeployed >>told",
    outputs={"told": {"schema": {"type": "string"}, "x-ccp-path": "told"}},
    links=[{"rel": "compatibleWith", "href": "infrastructures/local", "title": "here"}],
    **NO_NETWORK,
)


@pytest.fixture(scope="module", params=["cold", "warm"])
def world(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    docker_address: str,
) -> Iterator[tuple[RunningPlatform, User, str]]:
    data = tmp_path_factory.mktemp("killed") / "data"
    data.mkdir()
    (data / "openccp.toml").write_text(
        f'infrastructure_names = {{ local = "box" }}\n[infrastructures.box]\nkind = "docker"\n'
        f'address = "{docker_address}"\nimages = ["bash"]\n'
        + ("warm = { bash = 1 }\n" if request.param == "warm" else "")
        + f"[limits]\ngrace = 1\nmemory_bytes = {128 * MIB}\n"
    )
    platform = RunningPlatform(data)
    platform.start()
    user = platform.user("ada")
    assert user.deploy(METHOD).status_code == 201
    assert user.finish("told")["status"] == "successful"
    yield platform, user, docker_address
    platform.stop()
    user.close()
    assert containers(docker_address, data, "-a") == []


def containers(address: str, data: Path, *more: str) -> list[str]:
    label = f"label=org.openccp.place={digest_of(data / 'infrastructures' / 'box')}"
    words = ["docker", "-H", address, "ps", *more, "--format", "{{.Names}}", "--filter", label]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.parametrize("place", BETWEEN)
def test_no_kill_starts_it_twice_or_leaves_anything(
    world: tuple[RunningPlatform, User, str], place: str
) -> None:
    platform, user, address = world
    platform.stop()
    platform.environment = {VARIABLE: f"{place}:kill9"}
    platform.start()
    job = user.run("told")["jobID"]
    assert platform.process is not None
    assert platform.process.wait(60) == -signal.SIGKILL
    platform.kill()
    platform.environment = {}
    platform.start()
    assert user.wait(job, 60)["status"] == "successful"
    assert user.http.get(f"/jobs/{job}/results/told").text == "start\nend\n"
    instance = user.http.get(f"/executions/{job}/metadata/instance.json").json()
    assert instance["attempt"] == 1
    assert leftovers(job, platform.data) == []
    assert [name for name in containers(address, platform.data, "-a") if job in name] == []
