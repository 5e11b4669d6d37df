"""One task of containers."""

from collections.abc import Callable
from dataclasses import dataclass, field

from openccp.core.ports import Observation
from openccp.infrastructures.bounded import write_new
from openccp.infrastructures.cgroups import Counters
from openccp.infrastructures.docker.container import name_of
from openccp.infrastructures.docker.daemon import Ended
from openccp.infrastructures.docker.groups import ContainerGroups
from openccp.infrastructures.folders import Replica
from openccp.infrastructures.progress import marks_of
from openccp.infrastructures.started import Started
from openccp.infrastructures.verdict import End

CLAIM = ".ccp-claim-"
STOPPED = "stopped"


@dataclass(slots=True, kw_only=True)
class DockerTask(Started):
    """A started task. `end` may be called from any thread."""

    end: Callable[["DockerTask"], None]
    groups: ContainerGroups = field(default_factory=ContainerGroups)

    def names(self) -> list[str]:
        """The containers, one a replica."""
        return [name_of(self.folder.key, index) for index in range(self.plan.replicas)]

    def members(self) -> list[int]:
        """Every process, on this machine."""
        return self.groups.pids(self.folder.name)

    def convict(self, reason: str, detail: str) -> None:
        """Write down why, then have it ended."""
        self.sentence(reason, detail)
        self.end(self)

    def forbid_start(self) -> None:
        """Take the claims that no container has taken: it will do nothing if it is started."""
        for replica in self.replicas:
            try:
                write_new(f"{replica.home}/{CLAIM}{self.folder.key.stage}", STOPPED.encode())
            except OSError:
                continue

    def observed(self, ends: list[Ended | None]) -> Observation:
        """What is said of a task all of whose containers have ended."""
        found = [_end(replica, ended) for replica, ended in zip(self.replicas, ends, strict=True)]
        memory = sum(1 for ended in ends if ended is not None and ended.out_of_memory)
        words = [ended.words for ended in ends if ended is not None and ended.words]
        counters = Counters(oom_kills=memory)
        return self.ended(self.ending(found, counters, words[-1] if words else ""))


def _end(replica: Replica, ended: Ended | None) -> End:
    marks = marks_of(replica)
    code = None if ended is None or (ended.words and not marks - {""}) else ended.code
    return End(code, bool(marks - {""}), marks)
