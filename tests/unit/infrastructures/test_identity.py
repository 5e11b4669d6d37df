"""What a platform is called where other machines see it is its own, not its folder's place."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from openccp.core.ports import Limits
from openccp.core.site import Site
from openccp.infrastructures.place import IDENTITY, identity_of
from openccp.infrastructures.swarm.infrastructure import SwarmInfrastructure
from openccp.infrastructures.swarm.kind import KIND, SwarmSettings


def test_whoever_asks_hears_the_same(tmp_path: Path) -> None:
    root = tmp_path / "not/yet"
    with ThreadPoolExecutor(16) as threads:
        found = set(threads.map(lambda _: identity_of(root), range(64)))
    assert len(found) == 1
    assert [path.name for path in root.iterdir()] == [IDENTITY]
    assert len(found.pop()) == 16


@pytest.mark.parametrize("way", ["carrier_image", "shared_folder"])
def test_two_platforms_at_the_same_path_are_two_on_a_swarm(tmp_path: Path, way: str) -> None:
    first = marks(tmp_path, way)
    (tmp_path / "data").rename(tmp_path / "moved")
    assert first.isdisjoint(marks(tmp_path, way))
    (tmp_path / "data").rename(tmp_path / "other")
    (tmp_path / "moved").rename(tmp_path / "data")
    assert marks(tmp_path, way) == first


def marks(tmp_path: Path, way: str) -> set[str]:
    """By what the objects of an infrastructure, and its folders elsewhere, are known."""
    given = {"kind": "docker-swarm", way: str(tmp_path / "shared")}
    site = Site("swarm", "Swarm", tmp_path / "data", {}, "http://here", Limits())
    made = KIND.build(site, SwarmSettings.model_validate(given))
    assert isinstance(made, SwarmInfrastructure)
    shared = {made._attempts.ground.disk} if way == "shared_folder" else set()
    return {made._ground.label, made._ground.on_node} | shared
