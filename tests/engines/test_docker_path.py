"""A whole platform whose methods run in Docker."""

from collections.abc import Iterator

import pytest

from openccp.testing.ledger import leftovers
from openccp.testing.platform import RunningPlatform, User, bash_method

pytestmark = pytest.mark.sandbox
METHOD = bash_method(
    "in-docker",
    'echo "hello {{name}}"; echo "$CCP_IN_name" >greeting.txt; id -u >user.txt',
    deploy="echo deployed >&2",
    undeploy="cat greeting.txt",
    inputs={"name": {"schema": {"type": "string"}}},
    outputs={"greeting": {"schema": {"type": "string"}, "x-ccp-path": "greeting.txt"}},
    **{"x-ccp-network": False},
)


@pytest.fixture(scope="module")
def platform(
    tmp_path_factory: pytest.TempPathFactory, docker_address: str
) -> Iterator[RunningPlatform]:
    data = tmp_path_factory.mktemp("dockered") / "data"
    data.mkdir()
    (data / "openccp.toml").write_text(
        f'infrastructure_names = {{ local = "box" }}\n[infrastructures.box]\nkind = "docker"\n'
        f'title = "The box"\naddress = "{docker_address}"\nimages = ["bash"]\n'
    )
    platform = RunningPlatform(data)
    platform.start()
    yield platform
    platform.stop()


@pytest.fixture(scope="module")
def user(platform: RunningPlatform) -> Iterator[User]:
    made = platform.user("ada")
    yield made
    made.close()


def test_a_method_runs_in_a_container(platform: RunningPlatform, user: User) -> None:
    link = {"rel": "compatibleWith", "href": "infrastructures/local", "title": "here"}
    assert user.deploy({**METHOD, "links": [link]}).status_code == 201
    status = user.finish("in-docker", {"name": "it's $(me)"})
    assert status["status"] == "successful", status
    job = status["jobID"]
    assert user.http.get(f"/jobs/{job}/results/greeting").text == "it's $(me)\n"
    files = {one["path"] for one in user.http.get(f"/executions/{job}").json()["files"]}
    assert files == {"greeting.txt", "user.txt"}
    assert int(user.http.get(f"/executions/{job}/outputs/user.txt").text) >= 61000
    instance = user.http.get(f"/executions/{job}/metadata/instance.json").json()
    assert instance["infrastructure"] == "box"
    assert leftovers(job, platform.data) == []


def test_it_is_shown_with_its_health(user: User) -> None:
    shown = user.http.get("/infrastructures/box").json()
    assert "Docker" in shown["version"]
