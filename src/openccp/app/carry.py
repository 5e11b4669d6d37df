"""The files of jobs whose nodes share none with the platform."""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from openccp.app.services import Services
from openccp.core.ports import Carried
from openccp.core.problems import NotFound


def give_inputs(
    services: Services, place: str, attempt: str, stage: str, token: str
) -> Iterator[bytes]:
    """What a stage needs, for its carrier."""
    return _carried(services, place).inputs(attempt, stage, token)


def admit(services: Services, place: str, attempt: str, token: str) -> None:
    """NotFound unless a carrier speaks."""
    _carried(services, place).admits(attempt, token)


async def hear(
    services: Services, place: str, attempt: str, token: str, news: Mapping[str, Any]
) -> Mapping[str, Any]:
    """What a carrier tells; answers what it has to do."""
    return await _carried(services, place).told(attempt, token, news)


async def take_results(
    services: Services,
    place: str,
    attempt: str,
    stage: str,
    token: str,
    content: AsyncIterator[bytes],
) -> None:
    """What a stage left, from its carrier."""
    await _carried(services, place).results(attempt, stage, token, content)


def _carried(services: Services, place: str) -> Carried:
    found = services.infrastructures.get(place)
    if not isinstance(found, Carried):
        raise NotFound
    return found
