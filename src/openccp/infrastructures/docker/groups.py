"""What the kernel counts of containers on this machine, where their control groups can be read."""

from openccp.core.ports import Limits
from openccp.infrastructures.bounded import read_text
from openccp.infrastructures.cgroups import ROOT, Counters, counted, pids_in


class ContainerGroups:
    """The groups that the daemon made for a task's containers, found by their first processes."""

    version = 1

    def __init__(self) -> None:
        self.firsts: list[int] = []

    def create(self, name: str, limits: Limits) -> tuple[str, ...]:
        """The daemon does that."""
        return ()

    def counters(self, name: str) -> Counters:
        """Processes that were refused, while the containers run; memory is the daemon's to tell."""
        refused = (counted(f"{folder}/pids.events", "max") for folder in self._folders())
        return Counters(forks_refused=sum(refused))

    def pids(self, name: str) -> list[int]:
        """Every process of the containers."""
        return [pid for folder in self._folders() for pid in pids_in(folder)]

    def remove(self, name: str) -> bool:
        """The daemon does that."""
        return True

    def names(self) -> list[str]:
        """None of ours."""
        return []

    def _folders(self) -> list[str]:
        """In version 1 the folder of the pids controller, in version 2 that of all."""
        found = []
        for first in self.firsts:
            for line in read_text(f"/proc/{first}/cgroup").splitlines():
                _, controllers, path = line.split(":", 2)
                if "pids" in controllers.split(","):
                    found.append(f"{ROOT}/pids{path}")
                elif not controllers and path != "/":
                    found.append(f"{ROOT}{path}")
        return found
