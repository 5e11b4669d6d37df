from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from openccp.infrastructures.local import LocalInfrastructure


@pytest.fixture
async def infrastructure(tmp_path: Path) -> AsyncIterator[LocalInfrastructure]:
    local = LocalInfrastructure(tmp_path, slots=4)
    yield local
    await local.close()
