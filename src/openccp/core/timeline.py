"""How long a job was in each phase: a pure fold of its events."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from openccp.core.job import Event, Phase

FIRST = {"created": Phase.CREATED, "accepted": Phase.QUEUED}
_PHASES = {phase.value: phase for phase in Phase}


@dataclass(frozen=True, slots=True)
class Step:
    """A stay in one phase, in seconds since the epoch; `ended` is None while it lasts."""

    phase: Phase
    attempt: int
    began: float
    ended: float | None = None

    def seconds(self, now: float) -> float:
        """How long it lasted, or lasts so far."""
        return max(0.0, (now if self.ended is None else self.ended) - self.began)


def timeline(events: Sequence[Event]) -> tuple[Step, ...]:
    """The phases in order; a phase that comes again in a later attempt is a step of its own."""
    steps: list[Step] = []
    for event in events:
        phase = FIRST.get(event.kind) or _PHASES.get(str(event.data.get("phase")))
        if phase is None:
            continue
        attempt = event.data.get("attempt", steps[-1].attempt if steps else 0)
        if steps and (steps[-1].phase, steps[-1].attempt) == (phase, attempt):
            continue
        if steps:
            steps[-1] = replace(steps[-1], ended=event.at)
        if phase is not Phase.DONE:
            steps.append(Step(phase, attempt, event.at))
    return tuple(steps)
