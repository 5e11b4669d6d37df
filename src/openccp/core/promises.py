"""What an infrastructure can promise, by name, and what came of trying whether it holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

PROMISES: Mapping[str, str] = {
    "memory": "a job that takes more memory than it may is ended",
    "pids": "a job cannot have more processes than it may",
    "cpus": "a job gets no more processor time than it may",
    "time": "a job that ignores TERM is ended all the same, when its time is over",
    "output": "a job that leaves more bytes than it may is ended",
    "files": "a job that makes more files than it may is ended",
    "log": "a job that prints more than it may is ended",
    "network": "a job that asked for no network has none",
    "private": "a job with network does not reach the platform's machine",
    "read-only": "a job cannot change the system it sees",
    "capabilities": "a job has no capability",
    "privileges": "a job can gain no privilege (no-new-privileges)",
    "seccomp": "a job's system calls are filtered",
    "user": "a job is not root",
    "jobs": "a job does not see another job's files",
    "processes": "a job does not see another job's processes",
    "platform": "a job does not see the platform's files",
    "secrets": "a secret is a file, and in no environment or command line",
}
"""The names that `Health.enforced` may hold, and what each means."""

BY_CONTRACT = frozenset({"time", "secrets"})
"""What every infrastructure has to hold, whether it says so or not."""

LACKS: Mapping[str, str] = {
    "paths": "/ccp_data, /ccp_in and /run/secrets are not there by these names: a task's working "
    "folder is what would be /ccp_data, and one with secrets is refused",
    "replicas": "a task has one replica, and one with more is refused",
}
"""The names that `Health.lacks` may hold: what an infrastructure is allowed not to do."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One promise. `how` says how it is held; empty if it was never promised.

    `tried` False: it came to no end, so that nothing is known; it counts as broken all the same.
    """

    promise: str
    holds: bool
    how: str
    detail: str
    tried: bool = True

    @property
    def broken(self) -> bool:
        """Whether it was promised and does not hold."""
        return bool(self.how) and not self.holds


@dataclass(frozen=True, slots=True)
class Measured:
    """One infrastructure as it was measured at a time (seconds since the epoch)."""

    at: float
    version: str
    found: tuple[Measurement, ...]

    @property
    def broken(self) -> tuple[Measurement, ...]:
        """What was promised and does not hold."""
        return tuple(one for one in self.found if one.broken)

    @property
    def disproved(self) -> frozenset[str]:
        """The names of what was promised, and tried, and does not hold."""
        return frozenset(one.promise for one in self.broken if one.tried)


class Measurements(Protocol):
    """What was found last of each infrastructure."""

    def of(self, name: str) -> Measured | None:
        """None if it was never measured."""
