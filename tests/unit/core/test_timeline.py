"""Phases with their durations, and words for each way to fail."""

from openccp.core.explain import explain
from openccp.core.job import Blame, Event, Failure, Phase
from openccp.core.timeline import Step, timeline


def test_a_retried_job_has_every_phase_of_each_attempt() -> None:
    events = [
        Event("created", 1.0),
        Event("accepted", 2.0),
        Event("phase", 3.0, {"phase": "starting", "attempt": 1}),
        Event("status", 4.0, {"status": "running", "phase": "executing"}),
        Event("progress", 5.0, {"progress": 3, "message": "phase"}),
        Event("phase", 6.0, {"phase": "starting", "attempt": 2}),
        Event("phase", 7.0, {"phase": "executing", "attempt": 2}),
        Event("status", 9.0, {"status": "failed", "phase": "undeploying"}),
        Event("phase", 9.5, {"phase": "done", "attempt": 2}),
        Event("phase", 9.6, {"phase": "nonsense"}),
    ]
    assert timeline(events) == (
        Step(Phase.CREATED, 0, 1.0, 2.0),
        Step(Phase.QUEUED, 0, 2.0, 3.0),
        Step(Phase.STARTING, 1, 3.0, 4.0),
        Step(Phase.EXECUTING, 1, 4.0, 6.0),
        Step(Phase.STARTING, 2, 6.0, 7.0),
        Step(Phase.EXECUTING, 2, 7.0, 9.0),
        Step(Phase.UNDEPLOYING, 2, 9.0, 9.5),
    )


def test_a_phase_that_lasts_has_no_end() -> None:
    (step,) = timeline([Event("accepted", 2.0)])
    assert (step.ended, step.seconds(5.0), step.seconds(1.0)) == (None, 3.0, 0.0)


def test_what_was_never_seen_is_explained_by_its_blame() -> None:
    for blame in Blame:
        assert explain(Failure(blame, "never-heard-of", "")).advice
