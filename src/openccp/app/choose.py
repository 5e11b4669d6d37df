"""Where a job will run, as things stand."""

from openccp.app.services import Services
from openccp.core.choose import Demand, Place, choose
from openccp.core.method import Method, Revision
from openccp.core.request import ExecuteRequest


def choose_infrastructure(
    services: Services, context: str, revision: Revision, request: ExecuteRequest
) -> str:
    """The name of the best infrastructure; NowhereToRun if none can run the job.

    Asks nobody: what is known of each was found out before.
    """
    services.board.look()
    demand = Demand(
        context=context,
        image=request.image,
        names=names(services, revision.method),
        wanted=request.infrastructure,
        network=revision.method.network,
        replicas=request.replicas,
        seconds=request.max_time or 0.0,
        root=revision.method.root,
        gpus=revision.method.gpus,
    )
    return choose(places(services), demand).name


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
        )
        for name, place in services.infrastructures.items()
    ]
