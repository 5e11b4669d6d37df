"""The platform killed -9 between intent and reap, with jobs on a swarm: one start an attempt."""

import signal
from collections.abc import Iterator

import pytest
from tests.engines.swarm import Swarm
from tests.engines.test_swarm_path import METHOD, SETTINGS, left_on, starts

from openccp.core.failpoint import VARIABLE
from openccp.testing.ledger import leftovers
from openccp.testing.platform import RunningPlatform, User

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]
PLACES = (
    "claim.after",
    "intent.after",
    "submit.after",
    "submit.saved",
    "collect.before",
    "collect.after",
    "collect.saved",
    "undeploy.after",
    "undeploy.saved",
    "reap.before",
    "reap.after",
)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, swarm: Swarm) -> Iterator[RunningPlatform]:
    data = tmp_path_factory.mktemp("killed") / "data"
    data.mkdir()
    made = RunningPlatform(data, arguments=("--host", "0.0.0.0"))
    (data / "openccp.toml").write_text(
        SETTINGS.format(address=swarm.nodes[0].address, host=swarm.host, port=made.port)
    )
    made.start()
    yield made
    made.kill()


@pytest.fixture(scope="module")
def user(platform: RunningPlatform) -> Iterator[User]:
    made = platform.user("ada")
    assert made.deploy(METHOD).status_code == 201
    yield made
    made.close()


@pytest.mark.parametrize("place", PLACES)
def test_no_kill_loses_a_job_or_starts_it_twice(
    platform: RunningPlatform, user: User, swarm: Swarm, place: str
) -> None:
    platform.stop()
    platform.environment = {VARIABLE: f"{place}:kill9"}
    platform.start()
    job = str(user.run("on-the-swarm", {"name": place, "key": "s3cret"})["jobID"])
    assert platform.process is not None
    assert platform.process.wait(90) == -signal.SIGKILL
    platform.kill()
    platform.environment = {}
    platform.start()
    status = user.wait(job, 120)
    assert status["status"] == "successful", (status, platform.log()[-3000:])
    assert user.http.get(f"/jobs/{job}/results/greeting").text == f"{place}\n"
    assert (starts(swarm, job, "run"), starts(swarm, job, "undeploy")) == (1, 1)
    instance = user.http.get(f"/executions/{job}/metadata/instance.json").json()
    assert instance["attempt"] == 1
    assert leftovers(job, platform.data) == []
    assert left_on(swarm, job) == []
