"""One platform for all tests of a worker; each test makes its own user."""

import itertools
from collections.abc import Iterator

import pytest

from openccp.testing.platform import RunningPlatform, User

NAMES = (f"user-{number}" for number in itertools.count(1))


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlatform]:
    running = RunningPlatform(tmp_path_factory.mktemp("platform") / "data")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def user(platform: RunningPlatform) -> Iterator[User]:
    made = platform.user(next(NAMES))
    yield made
    made.close()


@pytest.fixture
def other(platform: RunningPlatform) -> Iterator[User]:
    made = platform.user(next(NAMES))
    yield made
    made.close()
