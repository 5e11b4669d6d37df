"""One stage of an attempt on a swarm: what its folder tells of it."""

import contextlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openccp.core.job import Blame, Failure
from openccp.core.ports import Observation, State
from openccp.infrastructures.bounded import read_text, write_new
from openccp.infrastructures.cgroups import Counters, Groups, NoGroups
from openccp.infrastructures.folders import Replica
from openccp.infrastructures.progress import marks_of
from openccp.infrastructures.started import Started, lost
from openccp.infrastructures.swarm.service import names_of
from openccp.infrastructures.verdict import End

ENDED = ".ccp-ended-"
BEGUN, REFUSED = "begun", "refused"
"""Its services were made; it could not be started."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a replica's first process wrote at its end."""

    code: int
    oom_kills: int
    forks_refused: int


@dataclass(slots=True, kw_only=True)
class SwarmStage(Started):
    """A started stage. `end` may be called from any thread."""

    end: Callable[["SwarmStage"], None]

    def convict(self, reason: str, detail: str) -> None:
        """Write down why, then have it ended."""
        if self.sentence(reason, detail):
            self.end(self)

    def names(self) -> list[str]:
        """Its services, one a replica."""
        return names_of(self.folder.key, self.plan.replicas)

    def write_specs(self, specs: Sequence[Mapping[str, Any]]) -> None:
        """Keep what is to be made once its inputs are on a node: another process may have to."""
        with contextlib.suppress(FileExistsError):
            write_new(self._specs, json.dumps(list(specs)).encode(), 0o600)

    def specs(self) -> list[dict[str, Any]]:
        """The services to make; none if that was never written down."""
        with contextlib.suppress(OSError, ValueError), open(self._specs) as file:
            found: list[dict[str, Any]] = json.load(file)
            return found
        return []

    @property
    def _specs(self) -> str:
        return f"{self.folder.path}/services"

    # --- what has happened, as files in its folder: another process reads them as well -----------

    def note(self, what: str, words: str = "") -> None:
        """Write down that something happened; the first time stays."""
        with contextlib.suppress(OSError):
            write_new(f"{self.folder.path}/{what}", words.encode(), 0o600)

    def happened(self, what: str) -> bool:
        """Whether it did."""
        return os.path.exists(f"{self.folder.path}/{what}")

    @property
    def is_stopping(self) -> bool:
        """Whether it is being ended by us."""
        return os.path.exists(self.folder.stopping) or self.verdict() is not None

    def refused(self) -> Observation | None:
        """What is said of one that could not be started."""
        if not self.happened(REFUSED):
            return None
        words = read_text(f"{self.folder.path}/{REFUSED}")
        failure = Failure(Blame.PLATFORM, "start", f"The job could not be started: {words}")
        return Observation(State.EXITED, failure=failure)

    # --- its end --------------------------------------------------------------------------------

    def told(self, replica: Replica) -> Told | None:
        """What a replica wrote at its end."""
        words = read_text(f"{replica.home}/{ENDED}{self.folder.key.stage}", 64).split()
        if len(words) != 3 or not all(word.isdecimal() for word in words):
            return None
        return Told(*map(int, words))

    def have_all_told(self) -> bool:
        """Whether every replica wrote down its end."""
        return all(self.told(replica) is not None for replica in self.replicas)

    def conclusion(self) -> Observation:
        """What is said of one all of whose replicas are gone.

        Who went without a word was ended from outside: by us, or with its node or its daemon.
        """
        if not self.is_stopping and not self.have_all_told():
            return lost()
        found = [self.told(replica) for replica in self.replicas]
        counters = Counters(
            oom_kills=sum(one.oom_kills for one in found if one),
            forks_refused=sum(one.forks_refused for one in found if one),
        )
        ends = [
            _end(replica, one.code if one else None)
            for replica, one in zip(self.replicas, found, strict=True)
        ]
        return self.ended(self.ending(ends, counters))

    def unheard(self) -> Observation:
        """What is said of one whose carrier is gone: what it told before is all there is."""
        return self.conclusion() if self.is_stopping else lost()

    def has_begun_to_run(self) -> bool:
        """Whether a script of it has said anything."""
        return any(marks_of(replica) - {""} for replica in self.replicas)

    # --- for the watch, where a shared folder is looked at ----------------------------------------

    @property
    def groups(self) -> Groups:
        """None can be seen from here."""
        return NoGroups()

    def members(self) -> list[int]:
        """None can be seen from here."""
        return []


def _end(replica: Replica, code: int | None) -> End:
    marks = marks_of(replica)
    return End(code, bool(marks - {""}), marks)
