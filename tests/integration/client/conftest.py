from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.client.honest_server import TOKEN, World, serving

from openccp.client import Client


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "config"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    monkeypatch.delenv("CCP_TOKEN", raising=False)
    monkeypatch.delenv("CCP_URL", raising=False)
    return folder


@pytest.fixture
def world() -> World:
    made = World()
    made.hold.set()
    return made


@pytest.fixture
def url(world: World) -> Iterator[str]:
    with serving(world) as address:
        yield address


@pytest.fixture
def ccp(url: str) -> Iterator[Client]:
    with Client(url, TOKEN) as client:
        yield client
