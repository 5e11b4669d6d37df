"""A whole platform whose methods run on a Slurm cluster, set up as the page for operators says."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.docs.documents import ROOT, blocks
from tests.engines.places import shared_folder
from tests.engines.slurm import USER, Cluster

from openccp.testing.ledger import leftovers
from openccp.testing.platform import RunningPlatform, User, bash_method

pytestmark = pytest.mark.sandbox
LINK = {"rel": "compatibleWith", "href": "infrastructures/hpc", "title": "here"}
METHOD = bash_method(
    "on-slurm",
    'echo "hello {{name}}"; echo "$CCP_IN_name" >"greeting-$CCP_REPLICA.txt"; '
    'env | grep -c ^SLURM >slurm.txt; echo "50 half" >"$CCP_PROGRESS"',
    deploy="echo deployed >&2",
    undeploy="cat greeting-0.txt",
    inputs={
        "name": {"schema": {"type": "string"}},
        "ccpreplicas": {"title": "N", "schema": {"type": "integer", "default": 2}},
    },
    outputs={"greeting": {"schema": {"type": "string"}, "x-ccp-path": "greeting-0.txt"}},
    **{"x-ccp-network": False},
)


def example(shared: Path) -> str:
    """The page's table, with the names of this machine."""
    shown = blocks(ROOT / "docs/infrastructures/slurm.md")
    text = next(block.text for block in shown if block.language == "toml")
    for name, ours in {"user": USER, "shared_folder": str(shared), "partition": "all"}.items():
        text, found = re.subn(rf'(?m)^{name} = ".*"$', f'{name} = "{ours}"', text)
        assert found == 1, name
    return re.sub(r'(?m)^(account|qos) = ".*"\n', "", text)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, slurm: Cluster) -> Iterator[RunningPlatform]:
    data = tmp_path_factory.mktemp("clustered") / "data"
    data.mkdir()
    with shared_folder() as shared:
        (data / "openccp.toml").write_text(example(shared))
        platform = RunningPlatform(data, {"SLURM_CONF": str(slurm.conf)})
        platform.start()
        yield platform
        platform.stop()


@pytest.fixture(scope="module")
def user(platform: RunningPlatform) -> Iterator[User]:
    made = platform.user("ada")
    yield made
    made.close()


def test_a_method_runs_on_the_cluster(
    platform: RunningPlatform, user: User, slurm: Cluster
) -> None:
    value = "it's $(me)"
    assert user.deploy({**METHOD, "links": [LINK]}).status_code == 201
    status = user.finish("on-slurm", {"name": value})
    assert status["status"] == "successful", status
    job = status["jobID"]
    assert user.http.get(f"/jobs/{job}/results/greeting").text == value + "\n"
    files = {one["path"] for one in user.http.get(f"/executions/{job}").json()["files"]}
    assert files == {"greeting-0.txt", "greeting-1.txt", "slurm.txt"}
    assert user.http.get(f"/executions/{job}/outputs/slurm.txt").text == "0\n"
    assert leftovers(job, platform.data) == []
    shown = slurm.command("scontrol", "show", "job", "--details")
    assert f"JobName=ccp-{job}-1-run" in shown
    assert "(me)" not in shown


def test_it_is_shown_with_its_health(user: User) -> None:
    until = time.monotonic() + 15
    shown: dict[str, Any] = {"reachable": False}
    while not shown["reachable"] and time.monotonic() < until:
        shown = user.http.get("/infrastructures/hpc").json()
        time.sleep(0.1)
    assert "Slurm 22" in shown["version"], str(shown)
