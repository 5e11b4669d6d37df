"""One task that was started: what can be seen of it, and how it is ended."""

import os
import signal
import time
from dataclasses import dataclass, field

from openccp.core.ports import Observation
from openccp.infrastructures import processes
from openccp.infrastructures.bounded import read_text, write_new
from openccp.infrastructures.cgroups import Groups
from openccp.infrastructures.folders import Replica, status_of
from openccp.infrastructures.processes import Identity
from openccp.infrastructures.progress import marks_of
from openccp.infrastructures.started import Started, lost
from openccp.infrastructures.verdict import End, Ending

CLAIM_SECONDS = 10
"""A start that was asked for and has not been claimed after this long never will be."""
STOPPED = "stopped"
WORDS = 300


@dataclass(slots=True, kw_only=True)
class Run(Started):
    """A task of sandboxed processes. `live` maps pidfds to the launchers they watch."""

    groups: Groups
    drops_user: bool
    live: dict[int, int] = field(default_factory=dict)

    def convict(self, reason: str, detail: str) -> None:
        """Write down why, then end it."""
        self.sentence(reason, detail)
        self.kill()

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


def observe_ended(run: Run) -> Observation:
    """The end of a task whose launchers are gone: what was recorded, and who is to blame."""
    ends = [_end(replica) for replica in run.replicas]
    words = [_words(r) for r, end in zip(run.replicas, ends, strict=True) if not end.started]
    counters = run.groups.counters(run.folder.name)
    ending = run.ending(ends, counters, words[-1] if words else "")
    return lost() if _lost(run, ending) else run.ended(ending)


def _end(replica: Replica) -> End:
    status = status_of(replica)
    return End(status.get("exit-code"), "child-pid" in status, marks_of(replica))


def _words(replica: Replica) -> str:
    return read_text(replica.stderr, WORDS, tail=True).strip()


def _lost(run: Run, ending: Ending) -> bool:
    """Whether a restart of the machine, or a stop before the start, took the end away."""
    if all(end.code is not None for end in ending.ends) or ending.verdict:
        return False
    launchers = run.launchers()
    return len(launchers) < run.plan.replicas or any(
        launcher.boot != processes.boot_id() for launcher in launchers
    )
