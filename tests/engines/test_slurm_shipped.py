"""What ships gives the same on a cluster as on the machine itself."""

import shutil
from collections.abc import Iterator

import pytest
from tests.acceptance.test_shipped_methods import check, example, run_example
from tests.engines.places import shared_folder
from tests.engines.slurm import USER, Cluster
from tests.engines.test_docker_shipped import left_by

from openccp.testing.platform import RunningPlatform, User

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]
NEEDS_R = pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
HPC = """infrastructure_names = {{ local = "hpc" }}
[infrastructures.hpc]
kind = "slurm"
user = "{user}"
shared_folder = "{shared}"
"""


def on(tmp_path_factory: pytest.TempPathFactory, settings: str, conf: str) -> Iterator[User]:
    data = tmp_path_factory.mktemp("shipped") / "data"
    data.mkdir()
    (data / "openccp.toml").write_text(settings)
    platform = RunningPlatform(data, {"SLURM_CONF": conf})
    platform.start()
    user = platform.user("ada")
    yield user
    user.close()
    platform.stop()


@pytest.fixture(scope="module")
def on_slurm(tmp_path_factory: pytest.TempPathFactory, slurm: Cluster) -> Iterator[User]:
    with shared_folder() as shared:
        settings = HPC.format(user=USER, shared=shared)
        yield from on(tmp_path_factory, settings, str(slurm.conf))


@pytest.fixture(scope="module")
def on_the_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    yield from on(tmp_path_factory, "", "")


@pytest.mark.parametrize(
    "name",
    [
        "count-words",
        "csv-summary",
        "echo",
        "hello-bash",
        pytest.param("r-regression", marks=[pytest.mark.r, NEEDS_R]),
        "sleeper",
    ],
)
def test_a_shipped_method_gives_the_same(on_slurm: User, on_the_machine: User, name: str) -> None:
    job, other = run_example(on_slurm, name), run_example(on_the_machine, name)
    instance = on_slurm.http.get(f"/executions/{job}/metadata/instance.json").json()
    assert instance["infrastructure"] == "hpc"
    assert left_by(on_slurm, job) == left_by(on_the_machine, other)
    for output, facts in example(name, "expected.json").get("outputs", {}).items():
        for user, one in ((on_slurm, job), (on_the_machine, other)):
            check(user.http.get(f"/jobs/{one}/results/{output}").content, facts)
