"""Where a job runs: a pure choice among infrastructures, with words for every refusal."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from openccp.core.policy import Policy
from openccp.core.ports import Health, NoSuchRuntime
from openccp.core.problems import Fault, Problem
from openccp.core.promises import PROMISES
from openccp.core.queue import Load
from openccp.core.schema_check import shown


class NowhereToRun(Problem):
    """No infrastructure can run this job; `errors` says of each why."""

    status, type, title = 400, "urn:openccp:problem:nowhere-to-run", "Nowhere to run"


@dataclass(frozen=True, slots=True)
class Demand:
    """What a job needs, and the contexts it may be run in.

    `names`: infrastructures that its method is compatible with, best first; none: any.
    `wanted`: the one that the user named. `seconds`: how long it may take, if it says so.
    """

    contexts: frozenset[str]
    image: str
    names: Sequence[str] = ()
    wanted: str | None = None
    network: bool = False
    replicas: int = 1
    root: bool = False
    gpus: int = 0
    seconds: float = 0.0
    size: str | None = None
    secrets: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """One infrastructure as it is known at this moment; `health` None: not yet.

    `waiting` and `running` count jobs. `has_runtime` says whether an image can be run there.
    `broken` are the promises that were found not to hold there.
    """

    name: str
    policy: Policy
    has_runtime: Callable[[str], bool]
    health: Health | None = None
    slots: int = 1
    waiting: int = 0
    running: int = 0
    broken: frozenset[str] = frozenset()

    def under(self, load: Load) -> "Place":
        """The same with so many jobs."""
        return replace(self, waiting=load.waiting, running=load.running)

    @property
    def reachable(self) -> bool:
        """As far as is known."""
        return self.health is None or self.health.reachable

    @property
    def load(self) -> float:
        """Jobs for each slot; below 1 there is a free one."""
        return (self.waiting + self.running) / max(1, self.slots)


def choose(places: Sequence[Place], demand: Demand) -> Place:
    """The best place for a job; NowhereToRun or NoSuchRuntime, with words for each place.

    A reachable one before one that is not, one with room in its queue before a full one; then
    the higher priority, one that gives all the time that was asked for, the shorter queue, and
    what the method names first.
    """
    considered = considered_for(places, demand)
    refused = {place.name: refusal(place, demand) for place in considered}
    able = [place for place in considered if refused[place.name] is None]
    if able:
        return min(able, key=lambda place: _rank(place, demand, considered))
    missing = considered and not any(place.has_runtime(demand.image) for place in considered)
    raise _nowhere(refused, demand, NoSuchRuntime if missing else NowhereToRun)


def considered_for(places: Sequence[Place], demand: Demand) -> list[Place]:
    """The places that a job is compatible with and may use, in its own order of preference.

    Where a method names only what is not known here, it may run wherever methods may that name
    nothing. A user may name any that the method is compatible with.
    """
    by_name = {place.name: place for place in places}
    known = [by_name[name] for name in demand.names if name in by_name]
    found = known or [place for place in places if place.policy.default]
    if demand.wanted is not None:
        found = [place for place in known or places if place.name == demand.wanted]
    return [place for place in found if place.policy.admits(demand.contexts)]


def refusal(place: Place, demand: Demand) -> str | None:
    """Why this place cannot run the job, in words; None if it can."""
    return next(_obstacles(place, demand), None)


def _obstacles(place: Place, demand: Demand) -> Iterator[str]:
    yield from _operators_obstacles(place, demand)
    health = place.health if place.reachable else None
    if not place.has_runtime(demand.image):
        yield f"it does not have the runtime {demand.image!r}"
    if health is not None:
        yield from _obstacles_now(health, demand)


def _operators_obstacles(place: Place, demand: Demand) -> Iterator[str]:
    policy = place.policy
    if demand.replicas > policy.replicas:
        yield f"it runs at most {policy.replicas} replicas of a job, not {demand.replicas}"
    if demand.size is not None and demand.size not in policy.sizes:
        offered = ", ".join(policy.sizes) or "none"
        yield f"it does not offer the size {shown(demand.size)} (ccpsize); it offers {offered}"
    for name in sorted(place.broken - policy.may_lack - _unneeded(demand)):
        if name in PROMISES:
            yield f"it was found not to hold there that {PROMISES[name]}"


def _unneeded(demand: Demand) -> set[str]:
    """The promises that do not matter to such a job."""
    other = "network" if demand.network else "private"
    return {other} if demand.secrets else {other, "secrets"}


def _obstacles_now(health: Health, demand: Demand) -> Iterator[str]:
    if demand.secrets and "paths" in health.lacks:
        yield "the method has secrets, and jobs have no place for them there"
    if demand.replicas > 1 and "replicas" in health.lacks:
        yield f"it runs one replica of a job, not {demand.replicas}"
    if demand.network and not health.network:
        yield "the method needs the network, and jobs have none there"
    if demand.root and not health.root:
        yield "the method needs to be root, and no job is there"
    if demand.gpus > health.gpus:
        yield f"the method needs {demand.gpus} GPUs, and a job gets {health.gpus or 'none'} there"


def _rank(place: Place, demand: Demand, order: Sequence[Place]) -> tuple[Any, ...]:
    return (
        not place.reachable,
        place.waiting >= place.policy.queue.total,
        -place.policy.priority,
        demand.seconds > place.policy.limits_of(demand.size).wall_seconds,
        max(1.0, place.load),
        order.index(place),
    )


def _nowhere(refused: dict[str, str | None], demand: Demand, kind: type[Problem]) -> Problem:
    if not refused:
        which = f"There is no infrastructure {demand.wanted!r} that it" if demand.wanted else None
        return kind(
            f"{which} can run on, as you may use it."
            if which
            else "There is no infrastructure that you may use for it."
        )
    words = "; ".join(f"{name}: {why}" for name, why in refused.items())
    faults = [Fault("/infrastructure", f"{name}: {why}") for name, why in refused.items()]
    return kind(f"No infrastructure can run this: {words}.", faults=faults)
