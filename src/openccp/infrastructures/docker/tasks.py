"""One task of containers."""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from openccp.core.job import Blame, Failure
from openccp.core.ports import Observation
from openccp.infrastructures.bounded import write_new
from openccp.infrastructures.cgroups import Counters
from openccp.infrastructures.docker.container import name_of
from openccp.infrastructures.docker.daemon import Ended, News
from openccp.infrastructures.docker.groups import ContainerGroups
from openccp.infrastructures.docker.kept import kept_image
from openccp.infrastructures.docker.pulling import other_processor
from openccp.infrastructures.docker.reference import Image
from openccp.infrastructures.folders import Replica
from openccp.infrastructures.progress import marks_of
from openccp.infrastructures.started import Started, observe_running
from openccp.infrastructures.verdict import End

BY_DAEMON = {128 + signal.SIGKILL, 128 + signal.SIGTERM}
CLAIM = ".ccp-claim-"
STOPPED = "stopped"


@dataclass(slots=True, kw_only=True)
class DockerTask(Started):
    """A started task. `end` may be called from any thread."""

    end: Callable[["DockerTask"], None]
    groups: ContainerGroups = field(default_factory=ContainerGroups)
    lent: str = ""
    """The container that had waited for a task; else it has containers of its own."""
    codes: dict[str, int] = field(default_factory=dict)
    """How containers ended, as far as the daemon has told."""
    began: float = 0.0
    """When its containers were made, once that was looked up."""
    starved: set[str] = field(default_factory=set)
    """Containers of which a process lacked memory."""
    shaken: bool = False
    """Its daemon went away, and it was not seen to run since."""
    network: Mapping[str, Any] = field(default_factory=dict)
    """What its containers say of their network."""

    def names(self) -> list[str]:
        """The containers, one a replica."""
        if self.lent:
            return [self.lent]
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

    @property
    def has_begun(self) -> bool:
        """Whether a container has claimed the start."""
        claim = f"{CLAIM}{self.folder.key.stage}"
        return any(os.path.exists(f"{replica.home}/{claim}") for replica in self.replicas)

    @property
    def all_ended(self) -> bool:
        """Whether the daemon has told the end of every container."""
        return len(self.codes) == self.plan.replicas

    @property
    def is_stopping(self) -> bool:
        """Whether a stop was asked for: what has not begun then never will."""
        return os.path.exists(self.folder.stopping)

    def hear(self, news: News) -> bool:
        """What the daemon tells of a container; whether all of them have ended."""
        if news.code is None:
            self.starved.add(news.name)
        else:
            self.codes[news.name] = news.code
        return self.all_ended

    def told(self, name: str) -> Ended | None:
        """How a container ended, if that needs no asking: whoever failed is asked why."""
        if self.codes.get(name) != 0:
            return None
        return Ended(0, name in self.starved, "")

    def observed(self, ends: list[Ended | None]) -> Observation:
        """What is said of a task all of whose containers have ended."""
        pairs = zip(self.replicas, ends, strict=True)
        found = [_end(replica, ended, shaken=self.shaken) for replica, ended in pairs]
        memory = sum(1 for ended in ends if ended is not None and ended.out_of_memory)
        words = [ended.words for ended in ends if ended is not None and ended.words]
        counters = Counters(oom_kills=memory)
        seen = self.ended(self.ending(found, counters, words[-1] if words else ""))
        image = kept_image(self.folder)
        if image is None:
            return seen
        runtime = {"image": image.name, "imageId": image.id, "imageDigest": image.digest}
        facts = {**seen.facts, "runtime": runtime}
        unfit = None if all(map(self._claimed, self.replicas)) else _unfit(found, image)
        return replace(seen, facts=facts, failure=unfit or seen.failure)

    def running(self) -> Observation:
        """How far it is; its time began with its containers, not with the wait for an image."""
        if not self.began:
            image = kept_image(self.folder)
            self.began = image.at if image else 0.0
        return replace(observe_running(self), began=self.began or None)

    def _claimed(self, replica: Replica) -> bool:
        """Whether the first line inside was read by a shell."""
        return os.path.exists(f"{replica.home}/{CLAIM}{self.folder.key.stage}")


def _unfit(ends: Sequence[End], image: Image) -> Failure | None:
    """What the container's first program says by its exit code when there is no shell."""
    codes = {end.code for end in ends}
    if 127 in codes:
        words = f"The image {image.name!r} has no /bin/sh, which the scripts of a method need."
        return Failure(Blame.METHOD, "image-no-shell", words, 127)
    if 126 in codes:
        return other_processor(image.name).failure
    return None


def _end(replica: Replica, ended: Ended | None, *, shaken: bool) -> End:
    """A daemon that starts anew ends what it finds: that is not the job's own code."""
    marks = marks_of(replica)
    if shaken and ended is not None and ended.code in BY_DAEMON:
        return End(None, bool(marks - {""}), marks)
    code = None if ended is None or (ended.words and not marks - {""}) else ended.code
    return End(code, bool(marks - {""}), marks)
