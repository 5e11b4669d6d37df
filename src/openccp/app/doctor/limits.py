"""Tasks that take more than they may, and too little to do harm where nothing holds."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from openccp.app.doctor.probe import LIMITS, Outcome, Prober

Found = dict[str, tuple[bool, str]]
"""By promise: whether it holds, and what was seen."""
Inquiry = Callable[[Prober], Awaitable[Found]]


@dataclass(frozen=True, slots=True)
class Hog:
    """A script that tries to take more than `LIMITS`, and says `took` when it could."""

    script: str
    reason: str
    took: str


HOGS = {
    "memory": Hog(
        "x=0123456789abcdef; while [ ${#x} -lt 130000000 ]; do x=$x$x; done; says took yes",
        "memory",
        "a job had twice the memory that it may have",
    ),
    "pids": Hog(
        "i=0; while [ $i -lt 60 ]; do sleep 30 & i=$((i+1)); done; sleep 6; says took yes",
        "pids",
        "a job had 60 processes where 24 are allowed",
    ),
    "output": Hog(
        "i=0; while [ $i -lt 12 ]; do head -c 2097152 /dev/zero >f$i || exit 3; i=$((i+1)); "
        "sleep 0.1; done; sleep 3; says took yes",
        "disk",
        "a job left three times the bytes that it may leave",
    ),
    "files": Hog(
        "i=0; while [ $i -lt 1500 ]; do : >f$i || exit 3; i=$((i+1)); done; sleep 3; says took yes",
        "files",
        "a job made three times the files that it may make",
    ),
    "log": Hog(
        "i=0; while [ $i -lt 4000 ]; do printf '%01000d\\n' $i >&2; i=$((i+1)); done; sleep 3; "
        "says took yes",
        "log",
        "a job printed four times what it may print",
    ),
}


def hog(name: str) -> Inquiry:
    """Whether a limit ends what takes too much of it."""

    async def inquire(prober: Prober) -> Found:
        return {name: _judged(HOGS[name], await prober.run(name, HOGS[name].script))}

    return inquire


def _judged(hog: Hog, outcome: Outcome) -> tuple[bool, str]:
    if outcome.reason in ("start", "lost"):
        return False, outcome.detail
    if outcome.reason == hog.reason:
        return True, outcome.detail
    if outcome.said("took"):
        return False, hog.took
    return True, f"refused, but said to be: {outcome.detail}"


STUBBORN = "trap '' TERM; says here yes; i=0; while [ $i -lt 120 ]; do sleep 1; i=$((i+1)); done"


async def time(prober: Prober) -> Found:
    """The platform ends what is out of time by `stop`: whether that is certain."""
    async with prober.running("time", STUBBORN) as task:
        await task.says("here=yes")
        await task.stop(0.3)
        outcome = await task.end()
    good = "a job that ignores TERM was ended"
    return {"time": (outcome.ended, good if outcome.ended else outcome.detail)}


COUNT = (
    "count() { i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; }\n"
    "read -r up rest </proc/uptime; says begun $up\n"
)
COUNTED = "read -r up rest </proc/uptime; says ended $up; times"


async def cpus(prober: Prober) -> Found:
    """A tenth of a core; failing that, one core for four that want one each."""
    tenth = await prober.run("cpus", f"{COUNT}count; {COUNTED}", limits=replace(LIMITS, cpus=0.1))
    share = _share(tenth, 0)
    if share is None or share < 0.2:
        return {"cpus": (share is not None, f"a job with 0.1 cores had {_of(share)}")}
    four = f"{COUNT}for n in 1 2 3 4; do count & done; wait; {COUNTED}"
    whole = _share(await prober.run("cores", four, limits=replace(LIMITS, cpus=1)), 1)
    held = whole is not None and 0.6 < whole < 1.3
    words = f"a job with 0.1 cores had {_of(share)}; one with 1 had {_of(whole)}"
    return {"cpus": (held, words + (": whole cores are held" if held else ""))}


def _of(share: float | None) -> str:
    return "no end that could be measured" if share is None else f"{share:.2f} cores"


def _share(outcome: Outcome, line: int) -> float | None:
    """Processor time over time: of the shell (line 0 of `times`), or of its children (line 1)."""
    begun, ended = outcome.said("begun"), outcome.said("ended")
    times = [text for text in outcome.text.splitlines() if "=" not in text and "m" in text]
    if not begun or not ended or len(times) <= line:
        return None
    return _seconds(times[line]) / max(0.01, float(ended[0]) - float(begun[0]))


def _seconds(line: str) -> float:
    """User and system time, as in `0m0.012s 0m0.003s`."""
    total = 0.0
    for word in line.split():
        minutes, _, seconds = word.rstrip("s").replace(",", ".").partition("m")
        total += float(minutes) * 60 + float(seconds or 0)
    return total
