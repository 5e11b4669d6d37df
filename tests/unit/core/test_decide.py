from dataclasses import replace

import pytest

from openccp.core.decide import (
    Action,
    Collect,
    Finish,
    Intend,
    Plan,
    Recover,
    Show,
    Stop,
    Submit,
    Wait,
    decide,
    decided,
)
from openccp.core.job import ALLOWED, FINAL, Blame, Failure, Job, Phase, Stage, Status, may_follow
from openccp.core.ports import Observation, State

NOW = 1_800_000_000.0
PLAN = Plan(wall_seconds=100, undeploy=True, undeploy_seconds=10, attempts=2, grace=5)
BARE = replace(PLAN, undeploy=False)
RUN = {"v": 1}
SEEN = {state: Observation(state) for state in State}
BROKEN = Failure(Blame.METHOD, "exit", "it ended with 7", 7)


def job(phase: Phase, **changes: object) -> Job:
    made = Job("j", "m", 1, "o", "default", "local", NOW, NOW, phase=phase, message=str(phase))
    return replace(made, **changes)  # type: ignore[arg-type]


def running(**changes: object) -> Job:
    known = {"status": Status.RUNNING, "attempt": 1, "handle": RUN, "stage_started": NOW}
    return job(Phase.EXECUTING, **(known | changes))


def test_every_status_follows_the_table() -> None:
    for before in Status:
        for after in Status:
            assert may_follow(before, after) == (before == after or after in ALLOWED[before])
    assert all(not ALLOWED[status] for status in FINAL)


def test_a_queued_job_saves_its_intent_before_anything_is_started() -> None:
    action = decide(job(Phase.QUEUED), None, PLAN, NOW)
    assert isinstance(action, Intend)
    assert (action.job.phase, action.job.attempt, action.job.handle) == (Phase.STARTING, 1, None)
    assert decide(action.job, None, PLAN, NOW) == Submit(Stage.RUN)


@pytest.mark.parametrize(
    ("it", "seen", "plan", "expected"),
    [
        (running(), None, PLAN, Wait()),
        (running(), SEEN[State.RUNNING], PLAN, Wait()),
        (running(), Observation(State.EXITED, failure=BROKEN), PLAN, Collect(BROKEN)),
        (running(), SEEN[State.EXITED], PLAN, Collect(None)),
        (running(handle=None), None, PLAN, Submit(Stage.RUN)),
        (job(Phase.STOPPING, status=Status.DISMISSED), None, PLAN, Finish()),
        (job(Phase.STOPPING, attempt=1), None, PLAN, Recover()),
        (job(Phase.STOPPING, attempt=1, handle=RUN), SEEN[State.RUNNING], PLAN, Stop(5)),
        (job(Phase.STOPPING, attempt=1, handle=RUN), SEEN[State.EXITED], PLAN, Collect(None)),
        (job(Phase.STOPPING, attempt=1, handle=RUN), SEEN[State.LOST], PLAN, Collect(None)),
        (job(Phase.UNDEPLOYING, attempt=1), None, PLAN, Submit(Stage.UNDEPLOY)),
        (job(Phase.UNDEPLOYING, attempt=1, handle=RUN), None, BARE, Finish()),
        (job(Phase.UNDEPLOYING, handle=RUN), SEEN[State.RUNNING], PLAN, Wait()),
        (job(Phase.UNDEPLOYING, handle=RUN), SEEN[State.EXITED], PLAN, Finish()),
        (job(Phase.DONE), None, PLAN, Wait()),
    ],
)
def test_the_policy(it: Job, seen: Observation | None, plan: Plan, expected: Action) -> None:
    assert decide(it, seen, plan, NOW) == expected


def test_what_people_can_see_is_saved_only_when_it_changed() -> None:
    seen = Observation(State.RUNNING, Phase.EXECUTING, 40, "half way")
    action = decide(running(), seen, PLAN, NOW + 1)
    assert isinstance(action, Show)
    assert (action.job.progress, action.job.message) == (40, "half way")
    assert decide(action.job, seen, PLAN, NOW + 2) == Wait()


def test_a_lost_run_is_tried_again_and_then_blamed_on_the_platform() -> None:
    again = decide(running(), SEEN[State.LOST], PLAN, NOW)
    assert isinstance(again, Intend)
    assert (again.job.attempt, again.job.status) == (2, Status.RUNNING)
    last = decide(running(attempt=2), SEEN[State.LOST], PLAN, NOW)
    assert isinstance(last, Collect)
    assert last.failure is not None
    assert last.failure.blame is Blame.PLATFORM


def test_time_in_an_infrastructures_own_queue_does_not_count() -> None:
    late = NOW + PLAN.wall_seconds + 1
    waiting = Observation(State.PENDING, message="place 3")
    shown = decide(running(), waiting, PLAN, late)
    assert isinstance(shown, Show)
    assert shown.job.message == "place 3"
    begun = Observation(State.RUNNING, began=late - 1)
    assert decide(running(), begun, PLAN, late) == Wait()
    assert isinstance(decide(running(), begun, PLAN, late + PLAN.wall_seconds), Intend)
    undeploying = job(Phase.UNDEPLOYING, attempt=1, handle=RUN, stage_started=NOW)
    assert decide(undeploying, waiting, PLAN, late) == Wait()


def test_a_run_beyond_its_time_is_stopped_and_fails_by_limit() -> None:
    action = decide(running(), SEEN[State.RUNNING], PLAN, NOW + 100)
    assert isinstance(action, Intend)
    assert action.job.phase is Phase.STOPPING
    assert not action.job.final
    stopped = decide(action.job, SEEN[State.EXITED], PLAN, NOW + 101)
    assert isinstance(stopped, Collect)
    final = decided(action.job, stopped.failure, PLAN, NOW + 101)
    assert final.status is Status.FAILED
    assert final.failure is not None
    assert (final.failure.blame, final.failure.reason) == (Blame.LIMIT, "time")


def test_a_hanging_undeploy_ends_without_changing_the_result() -> None:
    it = job(Phase.UNDEPLOYING, status=Status.SUCCESSFUL, handle=RUN, stage_started=NOW)
    action = decide(it, SEEN[State.RUNNING], PLAN, NOW + 10)
    assert isinstance(action, Finish)
    assert action.warning


def test_a_dismissed_job_stays_dismissed_whatever_its_run_did() -> None:
    it = job(Phase.STOPPING, status=Status.DISMISSED, attempt=1, handle=RUN, finished=NOW)
    final = decided(it, BROKEN, PLAN, NOW + 5)
    assert (final.status, final.failure, final.finished) == (Status.DISMISSED, None, NOW)
    assert final.phase is Phase.UNDEPLOYING
