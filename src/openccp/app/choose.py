"""Where a job will run, as things stand."""

from typing import Any

from openccp.app.services import Services
from openccp.core.access import Who
from openccp.core.choose import Demand, Place, choose, considered_for, refusal
from openccp.core.method import Method, Revision
from openccp.core.plan import image_of, size_of
from openccp.core.queue import Load
from openccp.core.request import ExecuteRequest


async def choose_infrastructure(
    services: Services, context: str, revision: Revision, request: ExecuteRequest
) -> str:
    """The name of the best infrastructure; NowhereToRun if none can run the job.

    Asks no infrastructure: what is known of each was found out before.
    """
    services.board.look()
    demand = Demand(
        contexts=frozenset({context}),
        image=request.image,
        names=names(services, revision.method),
        wanted=request.infrastructure,
        network=revision.method.network,
        replicas=request.replicas,
        seconds=request.max_time or 0.0,
        root=revision.method.root,
        gpus=revision.method.gpus,
        size=request.size or None,
        secrets=bool(request.secrets),
    )
    known = places(services)
    if len(known) > 1:
        loads = await services.jobs.loads()
        known = [place.under(loads.get(place.name, Load())) for place in known]
    return choose(known, demand).name


def names(services: Services, method: Method) -> list[str]:
    """The infrastructures that a method names, as they are called here."""
    here = services.rules.infrastructure_names
    return [here.get(name, name) for name in method.infrastructures]


def places(services: Services) -> list[Place]:
    """Every infrastructure as it is known at this moment."""
    return [
        Place(
            name=name,
            policy=services.rules.policy(name),
            has_runtime=place.has_runtime,
            health=services.board.known(name),
            slots=place.slots,
            broken=services.board.broken(name),
        )
        for name, place in services.infrastructures.items()
    ]


def where(services: Services, who: Who, method: Method) -> tuple[str, ...]:
    """The infrastructures on which somebody can run a method, as it likes them best."""
    demand = Demand(
        who.contexts,
        image_of(method),
        names(services, method),
        network=method.network,
        size=size_of(method),
        secrets=bool(method.secrets),
    )
    found = considered_for(places(services), demand)
    return tuple(place.name for place in found if refusal(place, demand) is None)


async def places_to_run(services: Services, who: Who, method: Method) -> list[dict[str, Any]]:
    """The same, with what helps to choose: title, whether it answers, and how busy it is."""
    found, loads = where(services, who, method), await services.jobs.loads()
    known = {place.name: place.under(loads.get(place.name, Load())) for place in places(services)}
    return [
        {
            "name": name,
            "title": services.infrastructures[name].title,
            "reachable": known[name].reachable,
            "waiting": known[name].waiting,
            "free": known[name].load < 1,
        }
        for name in found
    ]
