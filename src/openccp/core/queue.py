"""Who is next: slots and places in the queue are shared fairly between users."""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Load:
    """How many jobs of one infrastructure wait, and how many are under way."""

    waiting: int = 0
    running: int = 0


@dataclass(frozen=True, slots=True)
class Room:
    """How many jobs one reconciler wants to hold of an infrastructure, and holds by owner.

    Where more users wait than that, it holds more, `most` at the utmost (None: any number).
    """

    total: int
    held: Mapping[str, int] = field(default_factory=dict)
    most: int | None = None

    @property
    def free(self) -> int:
        """How many more it may take."""
        return sys.maxsize if self.most is None else max(0, self.most - sum(self.held.values()))


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job that waits for a slot."""

    id: str
    owner: str
    created: float


def shares(waiting: Mapping[str, int], room: Room) -> Mapping[str, int]:
    """How many more jobs of each owner to take: those with the fewest get up first.

    Everybody who has jobs waiting gets one at least, however many others hold already; beyond
    that nobody goes above an equal share of what there is room for.
    """
    if not waiting:
        return {}
    claims = Counter(room.held)
    claims.update(waiting)
    level = max(1, _level(claims.values(), room.total))
    wanted = {o: min(n, level - room.held.get(o, 0)) for o, n in waiting.items()}
    return {owner: count for owner, count in wanted.items() if count > 0}


def soonest(wanted: Mapping[str, int], room: Room, first: Mapping[str, float]) -> Mapping[str, int]:
    """Those of many owners for whom there can be a place: who hold least, then who waits longest.

    `first`: when the job that is due first of each was made; nothing is due of all others.
    """
    order = sorted(wanted.keys() & first.keys(), key=lambda o: (room.held.get(o, 0), first[o], o))
    return {owner: wanted[owner] for owner in order[: room.free]}


def _level(claims: Iterable[int], total: int) -> int:
    """The height at which `total` is used up, where nobody takes more than he claims."""
    left, rest = total, sorted(claims)
    for position, claim in enumerate(rest):
        share = left // (len(rest) - position)
        if claim > share:
            return share
        left -= claim
    return rest[-1]


def next_up(waiting: Iterable[Waiting], running: Mapping[str, int], free: int) -> list[str]:
    """The jobs that get the free slots: of the user with the fewest running, the oldest first."""
    queues: dict[str, list[Waiting]] = {}
    for job in sorted(waiting, key=lambda job: (job.created, job.id), reverse=True):
        queues.setdefault(job.owner, []).append(job)
    count = dict(running)
    chosen: list[str] = []
    while queues and len(chosen) < free:
        owner = min(
            queues, key=lambda o: (count.get(o, 0), queues[o][-1].created, queues[o][-1].id)
        )
        chosen.append(queues[owner].pop().id)
        count[owner] = count.get(owner, 0) + 1
        if not queues[owner]:
            del queues[owner]
    return chosen
