"""What ships gives the same on a swarm as on the machine itself."""

from collections.abc import Iterator

import pytest
from tests.acceptance.test_shipped_methods import check, example, run_example
from tests.engines.images import import_image
from tests.engines.swarm import Swarm
from tests.engines.swarmed import Swarmed, swarmed
from tests.engines.test_docker_shipped import IMAGES, NEEDS_R, left_by

from openccp.testing.platform import RunningPlatform, User

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]


@pytest.fixture(scope="module")
def at_first(tmp_path_factory: pytest.TempPathFactory, swarm: Swarm) -> Iterator[Swarmed]:
    """On the node that gets the images."""
    only = f'constraints = ["node.hostname=={swarm.nodes[0].name}"]\n'
    with swarmed(tmp_path_factory.mktemp("shipped"), swarm, more=only) as made:
        yield made


@pytest.fixture(scope="module")
def on_the_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    data = tmp_path_factory.mktemp("beside") / "data"
    data.mkdir()
    platform = RunningPlatform(data)
    platform.start()
    user = platform.user("ada")
    yield user
    user.close()
    platform.stop()


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
def test_a_shipped_method_gives_the_same(
    at_first: Swarmed, on_the_machine: User, swarm: Swarm, name: str
) -> None:
    import_image(swarm.nodes[0].address, IMAGES.get(name, "bash"))
    job, other = run_example(at_first.user, name), run_example(on_the_machine, name)
    instance = at_first.user.http.get(f"/executions/{job}/metadata/instance.json").json()
    assert instance["infrastructure"] == "swarm"
    assert left_by(at_first.user, job) == left_by(on_the_machine, other)
    for output, facts in example(name, "expected.json").get("outputs", {}).items():
        for user, one in ((at_first.user, job), (on_the_machine, other)):
            check(user.http.get(f"/jobs/{one}/results/{output}").content, facts)
    assert at_first.left(job) == []
