"""A whole platform whose methods run on a Docker daemon that shares no folder with it."""

from pathlib import Path

import pytest
from tests.engines.daemons import NoEngine
from tests.engines.elsewhere import daemon_with_tls
from tests.engines.test_docker_path import METHOD

from openccp.testing.ledger import leftovers
from openccp.testing.platform import RunningPlatform

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]


def test_a_method_runs_far_away(tmp_path: Path) -> None:
    """Over TLS, by the settings that an operator writes."""
    data, folder = tmp_path / "data", tmp_path / "far"
    data.mkdir()
    folder.mkdir()
    try:
        with daemon_with_tls(folder) as place:
            one = place.credentials
            (data / "openccp.toml").write_text(
                f'infrastructure_names = {{ local = "far" }}\n[infrastructures.far]\n'
                f'kind = "docker"\naddress = "{place.address}"\nimages = ["bash"]\n'
                f'staging = "volumes"\nca = "{one.ca}"\ncert = "{one.cert}"\nkey = "{one.key}"\n'
            )
            _run(RunningPlatform(data))
    except NoEngine as reason:
        pytest.skip(f"Docker elsewhere was not tried: {reason}")


def _run(platform: RunningPlatform) -> None:
    platform.start()
    user = platform.user("ada")
    try:
        link = {"rel": "compatibleWith", "href": "infrastructures/local", "title": "here"}
        assert user.deploy({**METHOD, "links": [link]}).status_code == 201
        status = user.finish("in-docker", {"name": "it's $(me)"})
        assert status["status"] == "successful", status
        job = status["jobID"]
        assert user.http.get(f"/jobs/{job}/results/greeting").text == "it's $(me)\n"
        files = {one["path"] for one in user.http.get(f"/executions/{job}").json()["files"]}
        assert files == {"greeting.txt", "user.txt"}
        assert leftovers(job, platform.data) == []
        shown = user.http.get("/infrastructures/far").json()
        assert "Docker" in shown["version"]
    finally:
        user.close()
        platform.stop()
