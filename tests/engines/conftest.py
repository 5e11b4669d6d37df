"""Engines are started once a worker; where one cannot be had, what needs it is skipped."""

from collections.abc import Iterator

import pytest
from tests.engines.daemons import NoEngine, docker_daemon


@pytest.fixture(scope="session")
def docker_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    try:
        with docker_daemon(tmp_path_factory.mktemp("docker")) as address:
            yield address
    except NoEngine as reason:
        pytest.skip(f"Docker was not tried: {reason}")
