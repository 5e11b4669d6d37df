from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from openccp.infrastructures.folders import handle_of
from openccp.infrastructures.local import LocalInfrastructure


@pytest.fixture
async def infrastructure(tmp_path: Path) -> AsyncIterator[LocalInfrastructure]:
    local = LocalInfrastructure(tmp_path, slots=4)
    yield local
    for key in [*local._running, *local._ended]:
        await local.reap(handle_of(key))
    await local.close()
