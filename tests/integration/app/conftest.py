"""The use cases of a platform that is built and not running."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from openccp.app.services import Services
from openccp.compose import build, prepare
from openccp.settings import Settings


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    settings = Settings(data=tmp_path / "data")
    prepare(settings)
    platform = build(settings, unsafe=True)
    yield platform.services
    await platform.database.close()
