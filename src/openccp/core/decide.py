"""The whole execution policy, pure: `decide(job, seen, plan, now)` says the one next action.

A crash at any line is repaired by deciding again: every action is idempotent, and what it is
about to do was saved first (design section 3).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from openccp.core.job import Blame, Failure, Job, Phase, Stage, Status
from openccp.core.ports import Observation, State


@dataclass(frozen=True, slots=True)
class Plan:
    """What is fixed for one job while it runs. Seconds."""

    wall_seconds: float
    undeploy: bool
    undeploy_seconds: float = 60.0
    attempts: int = 2
    grace: float = 10.0


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do until something changes."""


@dataclass(frozen=True, slots=True)
class Intend:
    """Save the job as given before anything is started."""

    job: Job


@dataclass(frozen=True, slots=True)
class Submit:
    """Start a stage, or adopt it if it was started before a reply was lost."""

    stage: Stage


@dataclass(frozen=True, slots=True)
class Recover:
    """Look for what was started under the current attempt, without starting anything."""


@dataclass(frozen=True, slots=True)
class Show:
    """Save what people can see of a running job: phase, progress, message."""

    job: Job


@dataclass(frozen=True, slots=True)
class Stop:
    """Ask the infrastructure to end the task; asked again until it is gone."""

    grace: float


@dataclass(frozen=True, slots=True)
class Collect:
    """The run is over: keep its files and logs, and decide the status."""

    failure: Failure | None
    runtime: Mapping[str, str] = field(default_factory=dict)
    """What its image's name stood for, where the infrastructure says it: for the record."""


@dataclass(frozen=True, slots=True)
class Finish:
    """Free what the attempt holds and close the job. `warning` is for the record."""

    warning: str | None = None


Action = Wait | Intend | Submit | Recover | Show | Stop | Collect | Finish

LOST = Failure(
    Blame.PLATFORM, "lost", "The infrastructure lost the job: its processes ended unseen."
)


def decide(job: Job, seen: Observation | None, plan: Plan, now: float) -> Action:
    """The next action for `job`, given what its infrastructure last said (None: not asked)."""
    match job.phase:
        case Phase.QUEUED:
            return Intend(starting(job, now))
        case Phase.STARTING | Phase.DEPLOYING | Phase.EXECUTING | Phase.COLLECTING:
            return _while_running(job, seen, plan, now)
        case Phase.STOPPING:
            return _while_stopping(job, seen, plan)
        case Phase.UNDEPLOYING:
            return _while_undeploying(job, seen, plan, now)
        case Phase.CREATED | Phase.DONE:
            return Wait()


def starting(job: Job, now: float) -> Job:
    """The job with the intent of its next attempt, to be saved before it is submitted."""
    return replace(
        job,
        phase=Phase.STARTING,
        message="starting",
        attempt=job.attempt + 1,
        handle=None,
        stage_started=now,
        updated=now,
    )


def _while_running(job: Job, seen: Observation | None, plan: Plan, now: float) -> Action:
    if job.handle is None:
        return Submit(Stage.RUN)
    if seen is None:
        return Wait()
    if seen.state is State.LOST:
        return _when_lost(job, seen, plan, now)
    if seen.state is State.EXITED:
        return _collect(seen.failure, seen)
    if _is_over(job, seen, plan.wall_seconds, now):
        return Intend(_out_of_time(job, plan, now))
    # a run without a deploy script was shown as executing before its first mark could be there
    phase = job.phase if seen.phase is Phase.DEPLOYING else seen.phase
    shown = replace(
        job,
        phase=phase,
        message=seen.message or str(phase),
        progress=seen.progress if seen.progress is not None else job.progress,
    )
    return Wait() if shown == job else Show(replace(shown, updated=now))


def _collect(failure: Failure | None, seen: Observation) -> Collect:
    return Collect(failure, seen.facts.get("runtime", {}))


def _is_over(job: Job, seen: Observation | None, seconds: float, now: float) -> bool:
    """Whether its time has run out; in an infrastructure's own queue it does not run."""
    if job.stage_started is None or (seen is not None and seen.state is State.PENDING):
        return False
    began = seen.began if seen is not None and seen.began is not None else job.stage_started
    return now >= began + seconds


def _when_lost(job: Job, seen: Observation, plan: Plan, now: float) -> Action:
    if job.attempt < plan.attempts:
        return Intend(starting(job, now))
    return Collect(seen.failure or LOST)


def _out_of_time(job: Job, plan: Plan, now: float) -> Job:
    failure = Failure(
        Blame.LIMIT, "time", f"The job ran longer than its limit of {plan.wall_seconds:g} s."
    )
    return replace(job, phase=Phase.STOPPING, message="stopping", failure=failure, updated=now)


def _while_stopping(job: Job, seen: Observation | None, plan: Plan) -> Action:
    if job.attempt == 0:
        return Finish()
    if job.handle is None:
        return Recover()
    if seen is None:
        return Wait()
    if seen.state in (State.EXITED, State.LOST):
        return _collect(job.failure, seen)
    return Stop(plan.grace)


def _while_undeploying(job: Job, seen: Observation | None, plan: Plan, now: float) -> Action:
    if not plan.undeploy:
        return Finish()
    if job.handle is None:
        return Submit(Stage.UNDEPLOY)
    if _is_over(job, seen, plan.undeploy_seconds, now):
        return Finish(f"The undeploy script was ended after {plan.undeploy_seconds:g} s.")
    if seen is None or seen.state in (State.PENDING, State.RUNNING):
        return Wait()
    if seen.state is State.LOST:
        return Finish("The undeploy script was lost.")
    return Finish(seen.failure.detail if seen.failure else None)


def decided(job: Job, failure: Failure | None, plan: Plan, now: float) -> Job:
    """The job with its final status, on its way to undeploy and release."""
    if job.status is Status.DISMISSED:
        status, failure = Status.DISMISSED, None
    else:
        status = Status.FAILED if failure else Status.SUCCESSFUL
    undeploy = plan.undeploy and job.attempt > 0
    return replace(
        job,
        status=status,
        phase=Phase.UNDEPLOYING,
        message=failure.detail if failure else str(status),
        progress=100 if status is Status.SUCCESSFUL else job.progress,
        failure=failure,
        handle=None if undeploy else job.handle,
        started=job.started,
        finished=job.finished or now,
        stage_started=now,
        updated=now,
    )
