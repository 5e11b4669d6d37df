"""What every started task is, wherever it runs: its folders, its plan, and what they tell."""

import contextlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from openccp.core.job import Blame, Failure, Phase
from openccp.core.ports import Observation, State
from openccp.infrastructures.bounded import read_text, write_new
from openccp.infrastructures.cgroups import Counters
from openccp.infrastructures.folders import Plan, Replica, StageFolder
from openccp.infrastructures.progress import marks_of, phase_of, progress_of
from openccp.infrastructures.verdict import End, Ending, failure_of

SLACK = 256


@dataclass(slots=True, kw_only=True)
class Started:
    """A started task."""

    folder: StageFolder
    plan: Plan
    since: float = field(default_factory=time.monotonic)

    @property
    def replicas(self) -> list[Replica]:
        """The files of each replica."""
        return [self.folder.replica(index) for index in range(self.plan.replicas)]

    def sentence(self, reason: str, detail: str) -> bool:
        """Write down why it is ended by us; the first reason stays, and only that answers True."""
        try:
            write_new(self.folder.verdict, json.dumps([reason, detail]).encode())
        except OSError:
            return False
        return True

    def verdict(self) -> tuple[str, str] | None:
        """Why we ended it: the reason's word and figures."""
        try:
            reason, detail = json.loads(read_text(self.folder.verdict))
        except ValueError:
            return None
        return str(reason), str(detail)

    def seconds_left(self, grace: float) -> float:
        """Until a stop becomes a kill: counted from the first time that it was asked for."""
        with contextlib.suppress(OSError):
            write_new(self.folder.stopping, str(time.time() + grace).encode())
        try:
            return min(grace, float(read_text(self.folder.stopping)) - time.time())
        except ValueError:
            return 0.0

    def logs(self) -> list[str]:
        """Every replica's streams."""
        return [path for replica in self.replicas for path in (replica.stdout, replica.stderr)]

    def ending(self, ends: Sequence[End], counters: Counters, words: str = "") -> Ending:
        """All that is known of its end."""
        kept = self.plan.limits.log_bytes
        too_long = any(_size(path) > kept for path in self.logs())
        verdict = self.verdict() or (("log", f"{kept} bytes are kept") if too_long else None)
        return Ending(self.folder.key.stage, ends, counters, verdict, words)

    def ended(self, ending: Ending) -> Observation:
        """What is said of its end, its logs cut to what is kept."""
        for path in self.logs():
            _cut(path, self.plan.limits.log_bytes)
        phases = [phase_of(end.marks) for end in ending.ends]
        phase = min(phases, key=lambda phase: phase is Phase.EXECUTING)
        facts = {
            "exit_codes": [end.code for end in ending.ends],
            "peak_memory_bytes": ending.counters.peak_bytes,
            "oom_kills": ending.counters.oom_kills,
            "executing_reached": ending.executing_reached,
        }
        return Observation(State.EXITED, phase, None, None, failure_of(ending), facts)


def observe_running(run: Started) -> Observation:
    """Phase and progress of a task whose launchers live."""
    marks = [marks_of(replica) for replica in run.replicas]
    if not any(marks_one - {""} for marks_one in marks):
        return Observation(State.RUNNING, Phase.DEPLOYING)
    told = [progress_of(replica) for replica in run.replicas]
    numbers = [number for number, _ in told if number is not None]
    progress = sum(numbers) // len(run.replicas) if numbers else None
    message = next((message for _, message in told if message), None)
    phase = min((phase_of(m) for m in marks), key=lambda phase: phase is Phase.EXECUTING)
    return Observation(State.RUNNING, phase, progress, message)


def lost() -> Observation:
    """Nothing is known of it."""
    failure = Failure(Blame.PLATFORM, "lost", "The job's processes are gone without a trace")
    return Observation(State.LOST, failure=failure)


def _size(path: str) -> int:
    with contextlib.suppress(FileNotFoundError):
        return os.stat(path).st_size
    return 0


def _cut(path: str, limit: int) -> None:
    """Keep the head of a log that became too long, and say what is not there."""
    try:
        size = os.stat(path).st_size
        if size <= limit + SLACK:
            return
        with open(path, "r+b") as log:
            log.truncate(limit)
            log.seek(limit)
            log.write(f"\n[log limit of {limit} bytes: {size - limit} dropped]\n".encode())
    except OSError:
        return
