"""The same path on PostgreSQL: submit, run, results, and a kill with a job under way."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from openccp.testing.platform import RunningPlatform, bash_method
from openccp.testing.postgresql import NotInstalled, running_server

pytestmark = pytest.mark.postgresql


@pytest.fixture
def address() -> Iterator[str]:
    try:
        with running_server() as server, server.database() as name:
            yield server.url(name)
    except NotInstalled:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip("PostgreSQL is not installed")


def test_a_job_survives_a_kill_of_the_platform(address: str, tmp_path: Path) -> None:
    database = {"CCP__DATABASE__URL": address}
    platform = RunningPlatform(tmp_path / "data", environment=database)
    platform.start()
    try:
        user = platform.user("ada")
        ended = user.finish("hello-bash")
        assert ended["status"] == "successful"
        assert "Hello" in user.http.get(f"/jobs/{ended['jobID']}/results").json()["stdout"]
        slow = bash_method("slow", "echo begun; sleep 3; echo over")
        assert user.deploy(slow).status_code == 201
        job = user.run("slow")["jobID"]
        user.until(job, "executing")
        platform.kill()
        platform.start()
        assert user.wait(job)["status"] == "successful"
        assert user.http.get(f"/jobs/{job}/logs").text == "begun\nover\n"
        user.close()
    finally:
        platform.stop()
