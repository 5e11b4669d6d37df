"""One task that was started: what can be seen of it, and how it is ended."""

import contextlib
import json
import os
import signal
import time
from dataclasses import dataclass, field

from openccp.core.job import Blame, Failure, Phase
from openccp.core.ports import Observation, State
from openccp.infrastructures import processes
from openccp.infrastructures.bounded import read_text, write_new
from openccp.infrastructures.cgroups import Groups
from openccp.infrastructures.folders import Plan, Replica, StageFolder, status_of
from openccp.infrastructures.processes import Identity
from openccp.infrastructures.progress import marks_of, phase_of, progress_of
from openccp.infrastructures.verdict import End, Ending, failure_of

CLAIM_SECONDS = 10
"""A start that was asked for and has not been claimed after this long never will be."""
STOPPED = "stopped"
WORDS = 300
SLACK = 256


@dataclass(slots=True)
class Run:
    """A started task. `live` maps pidfds to the launchers they watch."""

    folder: StageFolder
    plan: Plan
    groups: Groups
    drops_user: bool
    live: dict[int, int] = field(default_factory=dict)
    since: float = field(default_factory=time.monotonic)

    @property
    def replicas(self) -> list[Replica]:
        """The files of each replica."""
        return [self.folder.replica(index) for index in range(self.plan.replicas)]

    def launchers(self) -> list[Identity]:
        """The replicas' outermost processes, as far as they claimed their start."""
        found = (processes.claimed(replica.pid) for replica in self.replicas)
        return [identity for identity in found if identity is not None]

    def inits(self) -> list[int]:
        """The first process of each replica's namespace that is there."""
        found = []
        for replica in self.replicas:
            launcher = processes.claimed(replica.pid)
            pid = status_of(replica).get("child-pid")
            if launcher and pid and processes.is_sandbox_init(pid, launcher):
                found.append(pid)
        return found

    def members(self) -> list[int]:
        """Every process of the task, launchers and inits among them."""
        if self.groups.version:
            return self.groups.pids(self.folder.name)
        if self.drops_user:
            return processes.of_user(self.plan.uid)
        inits = self.inits()
        inside = [pid for init in inits for pid in processes.in_namespace_of(init)]
        return [*(i.pid for i in self.launchers() if processes.alive(i)), *inits, *inside]

    def convict(self, reason: str, detail: str) -> None:
        """Write down why, then end it; the first reason stays."""
        try:
            write_new(self.folder.verdict, json.dumps([reason, detail]).encode())
        except OSError:
            return
        finally:
            self.kill()

    def terminate(self) -> None:
        """Ask every process of the job itself; those that hold the sandbox are left out."""
        outer = {identity.pid for identity in self.launchers()} | set(self.inits())
        processes.send((pid for pid in self.members() if pid not in outer), signal.SIGTERM)

    def kill(self) -> None:
        """End all: with its first process a namespace dies whole, and its sandbox says so."""
        inits, outer = self.inits(), {i.pid for i in self.launchers() if processes.alive(i)}
        processes.send(inits, signal.SIGKILL)
        everything = outer | set(self.members())
        spared = outer if len(inits) == len(outer) else set()
        processes.send(everything - spared, signal.SIGKILL)

    def gone(self) -> bool:
        """Whether nothing of it is left, after ending what its launchers left behind."""
        left = self.members() if self.groups.version else self.inits()
        processes.send(left, signal.SIGKILL)
        return not left

    def wait_gone(self, seconds: float = 5.0) -> bool:
        """The same, waiting for processes that are on their way out (blocking)."""
        deadline = time.monotonic() + seconds
        while not self.gone():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.002)
        return True

    def seconds_left(self, grace: float) -> float:
        """Until a stop becomes a kill: counted from the first time that it was asked for."""
        with contextlib.suppress(OSError):
            write_new(self.folder.stopping, str(time.time() + grace).encode())
        try:
            return min(grace, float(read_text(self.folder.stopping)) - time.time())
        except ValueError:
            return 0.0

    def claims_open(self) -> bool:
        """Whether a replica that was asked to start has not yet said that it does."""
        if all(processes.claimed(r.pid) or read_text(r.pid) == STOPPED for r in self.replicas):
            return False
        try:
            age = time.time() - os.stat(self.folder.path + "/plan").st_mtime
        except FileNotFoundError:
            return False
        return age < CLAIM_SECONDS

    def forbid_start(self) -> None:
        """Take the claim of replicas that have not taken it: they never will start."""
        for replica in self.replicas:
            try:
                write_new(replica.pid, STOPPED.encode())
            except OSError:
                continue


def observe_running(run: Run) -> Observation:
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


def observe_ended(run: Run) -> Observation:
    """The end of a task whose launchers are gone: what was recorded, and who is to blame."""
    ending = _ending(run)
    if _lost(run, ending):
        return lost()
    for replica in run.replicas:
        for path in (replica.stdout, replica.stderr):
            _cut(path, run.plan.limits.log_bytes)
    marks = [end.marks for end in ending.ends]
    phase = min((phase_of(m) for m in marks), key=lambda phase: phase is Phase.EXECUTING)
    facts = {
        "exit_codes": [end.code for end in ending.ends],
        "peak_memory_bytes": ending.counters.peak_bytes,
        "oom_kills": ending.counters.oom_kills,
        "executing_reached": ending.executing_reached,
    }
    return Observation(State.EXITED, phase, None, None, failure_of(ending), facts)


def lost() -> Observation:
    """Nothing is known of it."""
    failure = Failure(Blame.PLATFORM, "lost", "The job's processes are gone without a trace")
    return Observation(State.LOST, failure=failure)


def _ending(run: Run) -> Ending:
    ends, words, verdict = [], "", _verdict(run.folder)
    for replica in run.replicas:
        status = status_of(replica)
        end = End(status.get("exit-code"), "child-pid" in status, marks_of(replica))
        if not end.started:
            words = read_text(replica.stderr, WORDS, tail=True).strip()
        ends.append(end)
        if any(_too_long(path, run) for path in (replica.stdout, replica.stderr)):
            verdict = verdict or ("log", f"{run.plan.limits.log_bytes} bytes are kept")
    return Ending(
        run.folder.key.stage,
        ends,
        run.groups.counters(run.folder.name),
        verdict,
        words,
    )


def _lost(run: Run, ending: Ending) -> bool:
    """Whether a restart of the machine, or a stop before the start, took the end away."""
    if all(end.code is not None for end in ending.ends) or ending.verdict:
        return False
    launchers = run.launchers()
    return len(launchers) < run.plan.replicas or any(
        launcher.boot != processes.boot_id() for launcher in launchers
    )


def _verdict(folder: StageFolder) -> tuple[str, str] | None:
    try:
        reason, detail = json.loads(read_text(folder.verdict))
    except ValueError:
        return None
    return str(reason), str(detail)


def _too_long(path: str, run: Run) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.stat(path).st_size > run.plan.limits.log_bytes
    return False


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
