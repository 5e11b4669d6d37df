"""Whether the platform can take and run jobs."""

from dataclasses import asdict, dataclass
from typing import Any

from openccp.app.doctor.standing import standing
from openccp.app.services import Services
from openccp.core.access import Who
from openccp.core.problems import NotFound, Problem
from openccp.core.queue import Load


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


def may_use(services: Services, who: Who) -> list[str]:
    """The infrastructures that somebody's contexts may use."""
    rules = services.rules
    return [name for name in services.infrastructures if rules.policy(name).admits(who.contexts)]


async def usable_infrastructures(services: Services, who: Who) -> list[dict[str, Any]]:
    """Every infrastructure that the caller may use."""
    return [await infrastructure_document(services, name) for name in may_use(services, who)]


async def usable_infrastructure(services: Services, who: Who, name: str) -> dict[str, Any]:
    """One that the caller may use; NotFound for every other."""
    if name not in may_use(services, who):
        raise NotFound
    return await infrastructure_document(services, name)


async def infrastructure_document(services: Services, name: str) -> dict[str, Any]:
    """One infrastructure, in CCP's fields (ccp: 1) and ours; NotFound if there is none."""
    place, policy = services.infrastructures.get(name), services.rules.policy(name)
    if place is None:
        raise NotFound
    said = asdict((await services.board.all())[name])
    return {
        "id": place.id,
        "name": place.title,
        "type": place.kind,
        **{key: value for key, value in said.items() if key != "detail"},
        "load": await _load(services, name, place.slots),
        "limits": {**asdict(policy.limits), "replicas": policy.replicas},
        "sizes": {size: asdict(most) for size, most in policy.sizes.items()},
        "queue": asdict(policy.queue),
        "may_lack": sorted(policy.may_lack),
        "default": policy.default,
        "priority": policy.priority,
        "measured": standing(services.measurements.of(name)),
    }


async def _load(services: Services, name: str, slots: int) -> dict[str, Any]:
    """How busy it is; `oldest_wait` in seconds, None where nobody waits."""
    load = (await services.jobs.loads()).get(name, Load())
    oldest = (await services.jobs.oldest_waiting()).get(name)
    waited = None if oldest is None else round(max(0.0, services.clock() - oldest), 1)
    return {"slots": slots, **asdict(load), "oldest_wait": waited}


async def _store_answers(services: Services) -> bool:
    try:
        await services.jobs.get("00000000-0000-0000-0000-000000000000")
    except Problem:
        return False
    return True
