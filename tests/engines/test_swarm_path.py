"""A method runs on a swarm of three nodes that share no files with the platform."""

import pytest
from tests.engines.swarmed import Swarmed, runs_well

pytestmark = pytest.mark.sandbox


def test_a_method_runs_on_the_swarm(on_swarm: Swarmed) -> None:
    runs_well(on_swarm, "it's $(me)")
