"""From what a cluster says of a job without an end file to what is said of it: pure."""

from collections.abc import Iterable, Sequence

from openccp.core.job import Blame, Failure
from openccp.infrastructures.slurm.controller import BatchJob

LIMITS = {"TIMEOUT": "time", "DEADLINE": "time", "OUT_OF_MEMORY": "memory"}
LOST = {
    "NODE_FAIL": "The node {node} failed",
    "BOOT_FAIL": "The node {node} did not boot",
    "PREEMPTED": "The job was displaced by one that goes first",
    "REVOKED": "The cluster took the job back",
}
CANCELLED = Failure(
    Blame.PLATFORM, "cancelled", "The job was cancelled on the cluster, not by this platform"
)

REQUEUED = Failure(
    Blame.PLATFORM, "requeued", "The cluster took the job from its node and queued it again"
)


def standing(jobs: Iterable[BatchJob], claims: Sequence[int]) -> list[BatchJob]:
    """The job that stands for each replica, as far as one is known.

    It is the one whose number the replica's claim bears; before that (0) one that goes on, or
    may still begin, or else ended last. What was queued beside it does nothing.
    """
    known, found = list(jobs), []
    for index, claim in enumerate(claims):
        own = [job for job in known if job.index == index and claim in (0, job.own)]
        found += sorted(own, key=_last)[-1:]
    return found


def _last(job: BatchJob) -> tuple[bool, bool, int]:
    return (job.is_alive, job.goes, job.id)


def limit_of(jobs: Iterable[BatchJob]) -> tuple[str, str] | None:
    """The limit that the cluster held: its word and figures."""
    for job in jobs:
        if job.state in LIMITS:
            return LIMITS[job.state], f"the cluster ended it ({job.state})"
    return None


def lost_of(jobs: Iterable[BatchJob]) -> Failure | None:
    """Why it is to be tried elsewhere."""
    for job in jobs:
        if job.state in LOST:
            words = LOST[job.state].format(node=job.node or "of the job")
            return Failure(Blame.PLATFORM, job.state.lower().replace("_", "-"), words)
    return None


def cancelled(jobs: Iterable[BatchJob]) -> bool:
    """Whether somebody cancelled it."""
    return any(job.state == "CANCELLED" for job in jobs)
