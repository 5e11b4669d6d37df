"""One task of batch jobs: what its nodes wrote on the shared folder, and how it is prepared."""

import contextlib
import os
import shlex
import time
from dataclasses import dataclass, field

from openccp.core.ports import Limits, Observation, Task
from openccp.infrastructures.bounded import read_text, write_new
from openccp.infrastructures.cgroups import Counters
from openccp.infrastructures.folders import Replica
from openccp.infrastructures.launch import variables
from openccp.infrastructures.progress import marks_of
from openccp.infrastructures.runtimes import Runtime
from openccp.infrastructures.sandbox import Inside, Jail
from openccp.infrastructures.shell import opens_streams
from openccp.infrastructures.started import Started
from openccp.infrastructures.verdict import End

STOPPED = b"stopped"
KILLED = 137
SIGNALS = 128
"""Codes above mean that a signal ended it."""
KIB = 1024


class Uncounted:
    """No control groups: a node's own processes are not seen from here."""

    version = 1

    def create(self, name: str, limits: Limits) -> tuple[str, ...]:
        """None."""
        return ()

    def counters(self, name: str) -> Counters:
        """Nothing counted."""
        return Counters()

    def pids(self, name: str) -> list[int]:
        """None that can be seen."""
        return []

    def remove(self, name: str) -> bool:
        """Nothing to remove."""
        return True

    def names(self) -> list[str]:
        """None."""
        return []


@dataclass(frozen=True, slots=True)
class NodeEnd:
    """The exit code, and whether somebody asked for the end."""

    code: int
    asked: bool


@dataclass(frozen=True, slots=True)
class Trace:
    """The files that a node writes for one replica, as the job's user."""

    folder: str
    index: int

    @property
    def claim(self) -> str:
        """Made exclusively by the first copy that starts: its job's number and node."""
        return f"{self.folder}/{self.index}.claim"

    @property
    def began(self) -> float | None:
        """When the start was claimed, None before."""
        try:
            found = os.stat(self.claim)
        except OSError:
            return None
        return None if read_text(self.claim) == STOPPED.decode() else found.st_mtime

    @property
    def number(self) -> int:
        """The number of the batch job that claimed the start; 0 if none did."""
        number, _, _ = read_text(self.claim).partition(" ")
        return int(number) if number.isdigit() else 0

    def end(self) -> "NodeEnd | None":
        """None before the end."""
        words = read_text(f"{self.folder}/{self.index}.end").split()
        return NodeEnd(int(words[0]), words[1] != "0") if len(words) == 2 else None

    def status(self) -> str:
        """What the sandbox said of itself: `child-pid` once it is there, `exit-code` at its end."""
        return read_text(f"{self.folder}/{self.index}.status")

    def plain(self) -> bool:
        """Whether it ended by itself, as the sandbox told: nobody has to be asked about it."""
        end = self.end()
        told = end is not None and not end.asked and '"exit-code"' in self.status()
        return told and end is not None and end.code != KILLED

    def peak(self) -> int:
        """The most memory that was seen, in bytes."""
        words = read_text(f"{self.folder}/{self.index}.peak").strip()
        return int(words) if words.isdigit() else 0

    def verdict(self) -> tuple[str, str] | None:
        """The limit for which the node ended it."""
        reason, _, detail = read_text(f"{self.folder}/{self.index}.verdict").strip().partition(" ")
        return (reason, detail) if reason else None


@dataclass(slots=True, kw_only=True)
class SlurmTask(Started):
    """A started task; `job` is its number at the cluster, 0 if that is not known."""

    job: int = 0
    waits: bool = True
    submitted: float = field(default_factory=time.time)
    over: float | None = None
    """When the cluster first said that it is over, though no end is recorded."""
    groups: Uncounted = field(default_factory=Uncounted)

    @property
    def node(self) -> str:
        """The one folder that nodes write to."""
        return f"{self.folder.path}/node"

    @property
    def number(self) -> str:
        """The file that keeps the job's number."""
        return f"{self.folder.path}/job"

    @property
    def again(self) -> str:
        """The file that says that it was queued again, though a first order may still come."""
        return f"{self.folder.path}/again"

    def doubled(self) -> bool:
        """Whether two batch jobs may stand for it."""
        return os.path.exists(self.again)

    def claims(self) -> list[int]:
        """For each replica the number of the batch job that began it, 0 before."""
        return [trace.number for trace in self.traces()]

    def traces(self) -> list[Trace]:
        """What each replica's node wrote."""
        return [Trace(self.node, index) for index in range(self.plan.replicas)]

    def members(self) -> list[int]:
        """The nodes watch processes and memory."""
        return []

    def convict(self, reason: str, detail: str) -> None:
        """Write down why; the next look at it ends it."""
        self.sentence(reason, detail)

    def condemned(self) -> bool:
        """Whether it is to be ended for what it did."""
        return os.path.exists(self.folder.verdict)

    def stopped(self) -> bool:
        """Whether we asked for its end."""
        return os.path.exists(self.folder.stopping) or self.condemned()

    def forbid_start(self) -> int:
        """Take the claims that nobody has taken, for good; answers how many those were."""
        taken = 0
        for trace in self.traces():
            try:
                write_new(trace.claim, STOPPED)
            except OSError:
                continue
            taken += 1
        return taken

    def allow(self, seconds: float) -> None:
        """Tell the node how long the job may take to end."""
        path = f"{self.folder.path}/grace"
        with contextlib.suppress(OSError):
            write_new(path + ".new", f"{max(0, round(seconds * 10))}\n".encode())
            os.replace(path + ".new", path)

    def ends(self) -> list[NodeEnd | None]:
        """What is known of each replica's end."""
        return [trace.end() for trace in self.traces()]

    def began(self) -> float | None:
        """When its last replica began; None as long as one has not."""
        times = [trace.began for trace in self.traces()]
        return None if None in times else max(time for time in times if time is not None)

    def observed(self) -> Observation:
        """What is said of a task that has ended."""
        stopped, traces = self.stopped(), self.traces()
        ends = [_end(*one, stopped=stopped) for one in zip(self.replicas, traces, strict=True)]
        peak = max(trace.peak() for trace in traces)
        for trace in traces:
            if verdict := trace.verdict():
                self.sentence(*verdict)
        if any(end.code is None and end.started for end in ends) and peak > self._much():
            self.sentence("memory", f"the cluster ended it; {peak} bytes were seen")
        words = read_text(self.replicas[0].stderr, 300, tail=True).strip()
        return self.ended(self.ending(ends, Counters(peak_bytes=peak or None), words))

    def _much(self) -> float:
        """Memory beyond which a KILL from outside is the cluster's, for memory."""
        return self.plan.limits.memory_bytes * 0.6


def _end(replica: Replica, trace: Trace, *, stopped: bool) -> End:
    """The code is known if the sandbox told it, or if we asked for the end."""
    status, end, marks = trace.status(), trace.end(), marks_of(replica)
    code = KILLED if stopped else None
    if end is not None and (end.asked or '"exit-code"' in status):
        code = end.code
    gave_up = end is not None and end.code <= SIGNALS and not marks - {""}
    return End(code, '"child-pid"' in status and not gave_up, marks)


def start_text(started: SlurmTask, task: Task, replica: Replica, runtime: Runtime, jail: Jail,
               *, secrets: bool) -> bytes:  # fmt: skip
    """What a node sources to begin a replica: its streams, its bounds, its command."""
    limits = task.limits
    uid = started.plan.uid
    inside = Inside(uid, task.network, limits, secrets, opens_streams(task.scripts), limits.pids)
    environment = {
        "PATH": runtime.path,
        **variables(task, replica),
        **jail.variables(replica, inside),
    }
    command = jail.command(started.folder, replica, runtime, inside)
    words = ["env", "-i", *(f"{name}={value}" for name, value in environment.items()), *command]
    largest = max(limits.output_bytes, limits.log_bytes) + 4096
    lines = [
        f"out={shlex.quote(replica.stdout)} err={shlex.quote(replica.stderr)}",
        f"memory={limits.memory_bytes} processes={limits.pids}",
        f"ulimit -c 0; ulimit -f {largest // 512 + 1}",
        f"ulimit -v {limits.memory_bytes * 4 // KIB}",
        f"begin() {{ exec {shlex.join(words)}; }}",
    ]
    return "\n".join(lines).encode() + b"\n"
