"""Slots and places in the queue are shared fairly, whoever comes first with however many jobs."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from openccp.core.queue import Room, Waiting, next_up, shares, soonest

COUNTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 40))


@given(COUNTS, st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 20)), st.integers(0, 60))
def test_everybody_gets_one_and_nobody_much_more_than_another(
    waiting: dict[str, int], held: dict[str, int], total: int
) -> None:
    given = shares(waiting, Room(total, held))
    after = {owner: held.get(owner, 0) + given.get(owner, 0) for owner in waiting}
    assert all(0 < given[owner] <= waiting[owner] for owner in given)
    assert all(count > 0 for count in after.values())
    level = max((after[owner] for owner in given), default=0)
    short = [owner for owner in waiting if given.get(owner, 0) < waiting[owner]]
    assert all(after[owner] >= level for owner in short)
    assert sum(given.values()) <= max(total, len(waiting))


def test_one_user_alone_fills_the_room() -> None:
    assert shares({"ann": 100_000}, Room(24, {"ann": 10})) == {"ann": 14}
    assert shares({"ann": 100_000}, Room(24, {"ann": 24})) == {}
    assert shares({"ann": 100_000, "bob": 1}, Room(24, {"ann": 24})) == {"bob": 1}
    assert shares({}, Room(24)) == {}


JOBS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5)), max_size=30).map(
    lambda rows: [Waiting(str(n), owner, float(at)) for n, (owner, at) in enumerate(rows)]
)


@given(JOBS, st.dictionaries(st.sampled_from("abcd"), st.integers(0, 5)), st.integers(0, 10))
def test_the_user_with_the_fewest_running_is_next_and_his_oldest_job(
    waiting: list[Waiting], running: dict[str, int], free: int
) -> None:
    chosen = next_up(waiting, running, free)
    assert len(chosen) == len(set(chosen)) == min(free, len(waiting))
    by_id = {job.id: job for job in waiting}
    left, count = list(waiting), Counter(running)
    for job in (by_id[one] for one in chosen):
        others = {other.owner for other in left}
        assert count[job.owner] == min(count[owner] for owner in others)
        own = [other for other in left if other.owner == job.owner]
        assert job == min(own, key=lambda one: (one.created, one.id))
        left.remove(job)
        count[job.owner] += 1


@given(COUNTS, st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 9)), st.integers(0, 30))
def test_who_holds_least_and_waits_longest_can_have_a_place(
    wanted: dict[str, int], held: dict[str, int], free: int
) -> None:
    room = Room(1, held, sum(held.values()) + free)
    first = {owner: float(ord(owner) % 3) for owner in wanted}
    chosen = soonest(wanted, room, first)
    assert len(chosen) == min(free, len(wanted))
    lines = [
        Waiting(f"{owner}{n}", owner, first[owner] + n / 100)
        for owner, count in wanted.items()
        for n in range(count)
    ]
    by_all = next_up(lines, held, free)
    by_chosen = next_up([one for one in lines if one.owner in chosen], held, free)
    assert sorted(by_all) == sorted(by_chosen), "nobody else could have had one"
