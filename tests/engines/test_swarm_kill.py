"""The platform killed -9 between intent and reap, with jobs on a swarm: one start an attempt.

Twice at each place: with files that are carried, and with files on a shared folder.
"""

import signal
from collections.abc import Iterator

import pytest
from tests.engines.swarm import Swarm
from tests.engines.swarmed import Swarmed, starts, swarmed

from openccp.core.failpoint import PLACES, VARIABLE

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]
BETWEEN = [
    place
    for place in PLACES
    if place.split(".")[0] in ("claim", "intent", "submit", "collect", "undeploy", "reap")
]


@pytest.fixture(scope="module", params=["carried", "shared"])
def killed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, swarm: Swarm
) -> Iterator[Swarmed]:
    if request.param == "carried":
        yield request.getfixturevalue("on_swarm")
    else:
        with swarmed(tmp_path_factory.mktemp("shared"), swarm, shared=True) as made:
            yield made


@pytest.mark.parametrize("place", BETWEEN)
def test_no_kill_loses_a_job_or_starts_it_twice(killed: Swarmed, swarm: Swarm, place: str) -> None:
    platform, user = killed.platform, killed.user
    killed.start_anew(**{VARIABLE: f"{place}:kill9"})
    job = str(user.run("on-the-swarm", {"name": place, "key": "s3cret"})["jobID"])
    assert platform.process is not None
    assert platform.process.wait(90) == -signal.SIGKILL
    killed.start_anew()
    status = user.wait(job, 120)
    assert status["status"] == "successful", (status, platform.log()[-3000:])
    assert user.http.get(f"/jobs/{job}/results/greeting").text == f"{place}\n"
    assert (starts(swarm, job, "run"), starts(swarm, job, "undeploy")) == (1, 1)
    instance = user.http.get(f"/executions/{job}/metadata/instance.json").json()
    assert instance["attempt"] == 1
    assert killed.left(job) == []
