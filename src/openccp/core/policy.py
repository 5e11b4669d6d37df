"""What the operator decided about one infrastructure: who may use it, for what, how much of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from openccp.core.ports import Limits
from openccp.core.problems import Problem


class QueueFull(Problem):
    """Too many jobs are waiting; send this one when some of them have started."""

    status, type, title = 429, "urn:openccp:problem:queue-full", "Queue full"


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """How many jobs may wait for one infrastructure: in all, of one context, of one user."""

    total: int = 100_000
    context: int = 50_000
    user: int = 10_000

    def check(self, waiting: Mapping[str, int], place: str) -> None:
        """QueueFull if there are more; `waiting` counts a new job too, by `total` and so on."""
        words = {"user": "of yours", "context": "of your context", "total": "in all"}
        for kind, whose in words.items():
            most = getattr(self, kind)
            if waiting.get(kind, 0) > most:
                raise QueueFull(
                    f"On {place!r} at most {most} jobs {whose} may wait, and as many do. Send this "
                    "one again when some of them have started.",
                    retry_after=RETRY_AFTER,
                )


RETRY_AFTER = 30
"""Seconds after which it is worth asking again."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One infrastructure as its operator wants it used.

    `contexts` None: every context. `default`: it takes methods that name no infrastructure that
    is known here. A higher `priority` is chosen first. `sizes` are what `ccpsize` may name.
    `may_lack`: promises without which it takes jobs though they were found broken.
    """

    limits: Limits = field(default_factory=Limits)
    replicas: int = 64
    contexts: frozenset[str] | None = None
    default: bool = True
    priority: int = 0
    queue: QueueLimits = field(default_factory=QueueLimits)
    sizes: Mapping[str, Limits] = field(default_factory=dict)
    may_lack: frozenset[str] = frozenset()

    def limits_of(self, size: str | None) -> Limits:
        """What one job of this size may use; of a size that is no longer offered, the usual."""
        return self.limits if size is None else self.sizes.get(size, self.limits)

    def admits(self, contexts: frozenset[str]) -> bool:
        """Whether somebody of these contexts may use it."""
        return self.contexts is None or not self.contexts.isdisjoint(contexts)
