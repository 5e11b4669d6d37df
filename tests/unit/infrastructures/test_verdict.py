import pytest

from openccp.core.job import Blame, Stage
from openccp.infrastructures.cgroups import Counters
from openccp.infrastructures.verdict import End, Ending, failure_of

WHOLE = frozenset({"deploying", "executing", "executed 0"})
HALF = frozenset({"deploying"})


def ending(
    *codes: int | None,
    marks: frozenset[str] = WHOLE,
    counters: Counters | None = None,
    verdict: tuple[str, str] | None = None,
    stage: Stage = Stage.RUN,
    started: bool = True,
) -> Ending:
    ends = [End(code, started, marks) for code in codes]
    return Ending(stage, ends, counters or Counters(), verdict)


def test_all_replicas_with_zero_is_success() -> None:
    assert failure_of(ending(0, 0)) is None


@pytest.mark.parametrize(
    ("seen", "blame", "reason"),
    [
        (ending(1), Blame.METHOD, "exit"),
        (ending(137), Blame.METHOD, "signal"),
        (ending(3, marks=HALF), Blame.METHOD, "deploy-exit"),
        (ending(0, marks=HALF), Blame.METHOD, "deploy-ended-early"),
        (ending(137, counters=Counters(oom_kills=1)), Blame.LIMIT, "memory"),
        (ending(None, counters=Counters(oom_kills=1)), Blame.LIMIT, "memory"),
        (ending(254, counters=Counters(forks_refused=9)), Blame.LIMIT, "pids"),
        (ending(153), Blame.LIMIT, "disk"),
        (ending(152), Blame.LIMIT, "time"),
        (ending(137, verdict=("log", "9 bytes")), Blame.LIMIT, "log"),
        (ending(None), Blame.PLATFORM, "killed"),
        (ending(None, started=False), Blame.PLATFORM, "start"),
        (ending(1, stage=Stage.UNDEPLOY), Blame.METHOD, "exit"),
    ],
)
def test_who_is_to_blame(seen: Ending, blame: Blame, reason: str) -> None:
    found = failure_of(seen)
    assert found is not None
    assert (found.blame, found.reason) == (blame, reason)
    assert found.detail


def test_memory_that_a_script_coped_with_is_no_failure() -> None:
    assert failure_of(ending(0, counters=Counters(oom_kills=2))) is None


@pytest.mark.parametrize(
    ("code", "words"), [(127, "not found"), (126, "executed"), (139, "SIGSEGV")]
)
def test_known_codes_are_explained(code: int, words: str) -> None:
    found = failure_of(ending(code))
    assert found is not None
    assert words in found.detail
    assert found.exit_code == code


def test_the_replica_is_named() -> None:
    found = failure_of(ending(0, 5))
    assert found is not None
    assert "replica 1" in found.detail
