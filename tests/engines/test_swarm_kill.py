"""The platform killed -9 between intent and reap, with jobs on a swarm: one start an attempt.

Twice at each place: a job each with files that are carried, and all of them in the life of one job
with files on a shared folder.
"""

import signal

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


@pytest.mark.parametrize("place", BETWEEN)
def test_no_kill_loses_a_job_or_starts_it_twice(on_swarm: Swarmed, place: str) -> None:
    on_swarm.start_anew(**{VARIABLE: f"{place}:kill9"})
    job = str(on_swarm.user.run("on-the-swarm", {"name": place, "key": "s3cret"})["jobID"])
    await_kill(on_swarm)
    on_swarm.start_anew()
    assert_whole(on_swarm, job, place)


def test_a_job_outlives_a_kill_at_every_place(
    swarm: Swarm, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with swarmed(tmp_path_factory.mktemp("shared"), swarm, shared=True) as made:
        job = ""
        for place in BETWEEN:
            made.start_anew(**{VARIABLE: f"{place}:kill9"})
            job = job or str(
                made.user.run("on-the-swarm", {"name": "often", "key": "s3cret"})["jobID"]
            )
            await_kill(made)
        made.start_anew()
        assert_whole(made, job, "often")


def await_kill(at: Swarmed) -> None:
    assert at.platform.process is not None
    assert at.platform.process.wait(90) == -signal.SIGKILL


def assert_whole(at: Swarmed, job: str, name: str) -> None:
    """It ran once, in its first attempt, and nothing of it is left."""
    status = at.user.wait(job, 120)
    assert status["status"] == "successful", (status, at.platform.log()[-3000:])
    assert at.user.http.get(f"/jobs/{job}/results/greeting").text == f"{name}\n"
    instance = at.user.http.get(f"/executions/{job}/metadata/instance.json").json()
    assert instance["attempt"] == 1
    assert at.left(job) == []
    assert (starts(at.swarm, job, "run"), starts(at.swarm, job, "undeploy")) == (1, 1)
