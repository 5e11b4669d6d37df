"""Whether the platform can take and run jobs."""

from dataclasses import asdict, dataclass
from typing import Any

from openccp.app.doctor.standing import standing
from openccp.app.services import Services
from openccp.core.problems import NotFound, Problem


@dataclass(frozen=True, slots=True)
class State:
    """The health document and the one answer in it that counts."""

    ready: bool
    document: dict[str, Any]


async def health(services: Services) -> State:
    """Asks the store and each infrastructure; says nothing of paths or addresses."""
    store = await _store_answers(services)
    places = await services.board.all()
    ready = store and any(place.reachable for place in places.values())
    document = {
        "status": "pass" if ready else "fail",
        "store": "pass" if store else "fail",
        "infrastructures": {
            name: "pass" if place.reachable else "fail" for name, place in places.items()
        },
    }
    return State(ready, document)


async def infrastructure_document(services: Services, name: str) -> dict[str, Any]:
    """One infrastructure, in CCP's fields (ccp: 1) and ours; NotFound if there is none."""
    place = services.infrastructures.get(name)
    if place is None:
        raise NotFound
    said = asdict((await services.board.all())[name])
    return {
        "id": place.id,
        "name": place.title,
        "type": place.kind,
        **{key: value for key, value in said.items() if key != "detail"},
        "measured": standing(services.measurements.of(name)),
    }


async def _store_answers(services: Services) -> bool:
    try:
        await services.jobs.get("00000000-0000-0000-0000-000000000000")
    except Problem:
        return False
    return True
