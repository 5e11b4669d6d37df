"""Where a job runs, and what is said where it cannot."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openccp.core.choose import Demand, NowhereToRun, Place, choose, refusal
from openccp.core.policy import Policy
from openccp.core.ports import Health, Limits, NoSuchRuntime

UP = Health(True, "1", gpus=1)
DOWN = Health(False, "")


def a_place(name: str, **changes: Any) -> Place:
    changes = {"sizes": {"large": changes.get("limits", Limits())}, **changes}
    policy = {k: changes.pop(k) for k in list(changes) if k in Policy.__dataclass_fields__}
    images = changes.pop("images", {"bash"})
    made = Place(name, Policy(**policy), images.__contains__, UP, slots=2)
    return replace(made, **changes)


def a_demand(**changes: Any) -> Demand:
    return replace(Demand(frozenset({"default"}), "bash"), **changes)


def chosen(*places: Place, **changes: Any) -> str:
    return choose(places, a_demand(**changes)).name


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"priority": 1}, {}),
        ({}, {"health": DOWN, "priority": 9}),
        ({"waiting": 1, "running": 2}, {"waiting": 9}),
        ({"limits": Limits(wall_seconds=100)}, {"limits": Limits(wall_seconds=10)}),
        ({}, {"images": set()}),
        ({}, {"contexts": frozenset({"vre"})}),
        ({}, {"default": False}),
        ({}, {"replicas": 1}),
        ({}, {"health": replace(UP, network=False)}),
        ({}, {"health": replace(UP, gpus=0)}),
        ({}, {"health": replace(UP, lacks=("replicas",))}),
        ({}, {"health": replace(UP, lacks=("paths",))}),
        ({}, {"broken": frozenset({"memory"})}),
        ({"broken": frozenset({"network"})}, {"broken": frozenset({"private"})}),
        ({"broken": frozenset({"reachable"})}, {"priority": -1}),
        ({"broken": frozenset({"cpus"}), "may_lack": frozenset({"cpus"})}, {"priority": -1}),
        ({}, {"sizes": {"small": Limits()}}),
        ({}, {"sizes": {"large": Limits(wall_seconds=10)}}),
    ],
)
def test_the_better_one_is_chosen_wherever_it_stands(one: Any, two: Any) -> None:
    better, worse = a_place("better", **one), a_place("worse", **two)
    asked: dict[str, Any] = {"replicas": 2, "network": True, "gpus": 1, "seconds": 50.0}
    asked |= {"size": "large", "secrets": True}
    assert chosen(better, worse, **asked) == chosen(worse, better, **asked) == "better"


def test_the_method_says_where_it_can_run_and_what_it_likes_best() -> None:
    three = [a_place("a"), a_place("b"), a_place("c", default=False)]
    assert chosen(*three, names=["c", "b"]) == "c"
    assert chosen(*three, names=["b", "unknown"]) == "b"
    assert chosen(*three, names=["unknown"]) == "a"
    busy = replace(three[2], waiting=5)
    assert chosen(*three[:2], busy, names=["c", "b"]) == "b"


def test_a_user_names_one_that_the_method_is_compatible_with() -> None:
    three = [a_place("a"), a_place("b"), a_place("c", default=False, contexts=frozenset({"x"}))]
    assert chosen(*three, wanted="b") == "b"
    assert chosen(*three, wanted="b", names=["a", "b"]) == "b"
    for names, wanted in ((["a"], "b"), ([], "c"), ([], "nowhere")):
        with pytest.raises(NowhereToRun, match=f"no infrastructure '{wanted}'"):
            chosen(*three, names=names, wanted=wanted)


def test_what_can_run_nowhere_is_told_why_of_each() -> None:
    places = [
        a_place("a", images=set()),
        a_place("b", replicas=3),
        a_place("c", health=replace(UP, network=False)),
    ]
    with pytest.raises(NowhereToRun) as refused:
        chosen(*places, replicas=4, network=True)
    assert [fault.detail for fault in refused.value.faults] == [
        "a: it does not have the runtime 'bash'",
        "b: it runs at most 3 replicas of a job, not 4",
        "c: the method needs the network, and jobs have none there",
    ]
    with pytest.raises(NowhereToRun, match="no infrastructure that you may use"):
        chosen(a_place("a", contexts=frozenset()))


def test_a_size_that_is_not_offered_and_a_promise_that_is_broken_are_told() -> None:
    leaky = a_place("a", broken=frozenset({"pids", "private", "secrets"}))
    assert refusal(leaky, a_demand()) == (
        "it was found not to hold there that a job cannot have more processes than it may"
    )
    assert refusal(a_place("a", sizes={}), a_demand(size="huge")) == (
        'it does not offer the size "huge" (ccpsize); it offers none'
    )
    with_secrets = a_demand(secrets=True)
    assert "a secret is a file" in str(
        refusal(a_place("a", broken=frozenset({"secrets"})), with_secrets)
    )
    assert refusal(a_place("a", health=replace(UP, lacks=("paths",))), with_secrets) == (
        "the method has secrets, and jobs have no place for them there"
    )


def test_what_is_away_just_now_is_chosen_where_there_is_no_other() -> None:
    assert chosen(a_place("a", health=DOWN)) == "a"
    assert chosen(a_place("a", health=DOWN), a_place("b", images=set())) == "a"


PLACES = st.builds(
    a_place,
    st.sampled_from("abc"),
    priority=st.integers(0, 2),
    images=st.sampled_from([set(), {"bash"}]),
    contexts=st.sampled_from([None, frozenset({"vre"})]),
    health=st.sampled_from([None, UP, DOWN, replace(UP, network=False)]),
    waiting=st.integers(0, 5),
)


@given(st.lists(PLACES, unique_by=lambda place: place.name, max_size=3), st.booleans())
def test_a_choice_can_run_it_and_no_order_changes_how_good_it_is(
    places: list[Place], network: bool
) -> None:
    demand = a_demand(network=network)
    able = [p for p in places if p.policy.contexts is None and refusal(p, demand) is None]
    if not able:
        with pytest.raises((NowhereToRun, NoSuchRuntime)):
            choose(places, demand)
        return
    first, last = choose(places, demand), choose(places[::-1], demand)
    assert first in able
    assert (first.policy.priority, first.reachable) == (last.policy.priority, last.reachable)
    assert first.reachable == any(place.reachable for place in able)
