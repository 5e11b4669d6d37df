"""From what was seen of an ended task to who is to blame: pure."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass

from openccp.core.job import Blame, Failure, Stage
from openccp.infrastructures.cgroups import Counters

LIMITS = {
    "memory": "The job used more memory than it may",
    "pids": "The job started more processes than it may",
    "log": "The job wrote more to its log than it may",
    "disk": "The job left more data than it may",
    "files": "The job made more files than it may",
    "time": "The job ran longer than it may",
}
OF_SIGNAL = {signal.SIGXFSZ: "disk", signal.SIGXCPU: "time"}
KNOWN = {126: "a program could not be executed", 127: "a program was not found"}


@dataclass(frozen=True, slots=True)
class End:
    """What one replica left: its exit code, None if nobody could record it, and its marks."""

    code: int | None
    started: bool
    marks: frozenset[str]


@dataclass(frozen=True, slots=True)
class Ending:
    """Everything that was seen of a task that has ended. `verdict` is why we ended it."""

    stage: Stage
    ends: Sequence[End]
    counters: Counters
    verdict: tuple[str, str] | None = None
    words: str = ""

    @property
    def executing_reached(self) -> bool:
        """Whether every replica's deploy script ended well."""
        return all("executing" in end.marks for end in self.ends)


def failure_of(ending: Ending) -> Failure | None:
    """None if every replica executed and ended with 0."""
    if ending.verdict is not None:
        return limit(*ending.verdict)
    for replica, end in enumerate(ending.ends):
        if end.code != 0:
            return _of_end(ending, end, replica)
    if not ending.executing_reached:
        return Failure(
            Blame.METHOD, "deploy-ended-early", "The deploy script left before execute began", 0
        )
    return None


def limit(reason: str, detail: str = "", code: int | None = None) -> Failure:
    """A limit that was reached, in words."""
    words = LIMITS.get(reason, "The job reached a limit")
    return Failure(Blame.LIMIT, reason, f"{words}: {detail}" if detail else words, code)


def _of_end(ending: Ending, end: End, replica: int) -> Failure:
    if ending.counters.oom_kills:
        return limit("memory", "the system ended a process of it", end.code)
    if end.code is None:
        return _unrecorded(ending, end)
    if ending.counters.forks_refused:
        return limit("pids", "a new process was refused", end.code)
    sign = _signal(end.code)
    if sign in OF_SIGNAL:
        return limit(OF_SIGNAL[sign], f"a program was ended by {sign.name}", end.code)
    return _of_script(ending, end, end.code, sign, replica)


def _unrecorded(ending: Ending, end: End) -> Failure:
    if end.started:
        return Failure(Blame.PLATFORM, "killed", "The job's processes were ended from outside")
    detail = "The sandbox did not start" + (f": {ending.words}" if ending.words else "")
    return Failure(Blame.PLATFORM, "start", detail)


def _of_script(
    ending: Ending, end: End, code: int, sign: signal.Signals | None, replica: int
) -> Failure:
    deploying = ending.stage is Stage.RUN and "executing" not in end.marks
    script = "undeploy" if ending.stage is Stage.UNDEPLOY else "execute"
    where = f"The {'deploy' if deploying else script} script"
    which = f" (replica {replica})" if len(ending.ends) > 1 else ""
    detail = f"{where}{which} ended with exit code {code}"
    if code in KNOWN:
        detail += f": {KNOWN[code]}"
    if sign is not None:
        detail += f": ended by {sign.name}"
    reason = "deploy-exit" if deploying else "signal" if sign is not None else "exit"
    return Failure(Blame.METHOD, reason, detail, code)


def _signal(code: int) -> signal.Signals | None:
    try:
        return signal.Signals(code - 128)
    except ValueError:
        return None
