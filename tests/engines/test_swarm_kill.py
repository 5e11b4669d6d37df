"""The platform killed -9 at every place between intent and reap, in the life of one job on a swarm.

Twice: with files that are carried, and with files on a shared folder. One start an attempt.
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


@pytest.fixture(params=["carried", "shared"])
def at(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, swarm: Swarm
) -> Iterator[Swarmed]:
    if request.param == "carried":
        yield request.getfixturevalue("on_swarm")
    else:
        with swarmed(tmp_path_factory.mktemp("shared"), swarm, shared=True) as made:
            yield made


def test_a_job_outlives_a_kill_at_every_place(at: Swarmed, swarm: Swarm) -> None:
    job = ""
    for place in BETWEEN:
        at.start_anew(**{VARIABLE: f"{place}:kill9"})
        job = job or at.user.run("on-the-swarm", {"name": "often", "key": "s3cret"})["jobID"]
        assert at.platform.process is not None
        assert at.platform.process.wait(90) == -signal.SIGKILL, place
    at.start_anew()
    status = at.user.wait(job, 120)
    assert status["status"] == "successful", (status, at.platform.log()[-3000:])
    assert at.user.http.get(f"/jobs/{job}/results/greeting").text == "often\n"
    instance = at.user.http.get(f"/executions/{job}/metadata/instance.json").json()
    assert instance["attempt"] == 1
    assert at.left(job) == []
    assert (starts(swarm, job, "run"), starts(swarm, job, "undeploy")) == (1, 1)
