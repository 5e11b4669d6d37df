"""Which of several batch jobs stands for a replica, and what of squeue's answer is believed."""

from openccp.infrastructures.slurm.commands import _read
from openccp.infrastructures.slurm.controller import BatchJob
from openccp.infrastructures.slurm.judge import standing

ROW = "0f3a"


def job(id: int, state: str, index: int = 0, own: int = 0) -> BatchJob:
    return BatchJob(id, own or id, index, "ccp-x-1-run", "mark", "ada", state)


def test_before_any_claim_what_goes_on_stands_before_what_ended() -> None:
    assert standing([job(8, "FAILED"), job(7, "PENDING")], [0]) == [job(7, "PENDING")]
    assert standing([job(7, "RUNNING"), job(8, "PENDING")], [0]) == [job(7, "RUNNING")]


def test_the_claim_says_which_one_it_is() -> None:
    both = [job(7, "RUNNING"), job(8, "PENDING")]
    assert standing(both, [7]) == both[:1]
    assert standing([job(7, "TIMEOUT"), job(8, "RUNNING")], [7]) == [job(7, "TIMEOUT")]


def test_one_that_nobody_knows_any_more_has_no_stand_in() -> None:
    assert standing([job(8, "PENDING")], [7]) == []


def test_each_replica_has_its_own() -> None:
    elements = [job(7, "RUNNING", 0, 9), job(7, "PENDING", 1), job(7, "FAILED", 2, 10)]
    assert standing(elements, [9, 0, 10]) == elements
    assert standing(elements, [9, 0, 11]) == elements[:2]


def test_lines_that_somebody_wrote_into_a_comment_say_nothing() -> None:
    forged = "7|7|0|NODE_FAIL|None|n1|ada|mark|ccp-x-1-run"
    told = (
        f"{ROW}|7|7|N/A|RUNNING|None|n1|ada|mark|ccp-x-1-run\n"
        f"{ROW}|9|9|N/A|RUNNING|None|n1|ada|hello\n{forged}\nff00|{forged}\n|{forged}|other\n"
    )
    assert [(one.id, one.state) for one in _read(told, ROW)] == [(7, "RUNNING")]


def test_a_name_may_hold_anything() -> None:
    (found,) = _read(f"{ROW}|7|7|3|PENDING|Priority||ada|mark|a|b c\n", ROW)
    assert (found.index, found.name) == (3, "a|b c")
