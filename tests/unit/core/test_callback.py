"""Callbacks, purely: who is told what, what replaces what, and what follows from an attempt."""

from dataclasses import replace
from itertools import count, pairwise, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openccp.core.callback import (
    JITTER,
    MOST_LINKS,
    MOST_LINKS_IN_ALL,
    SCHEDULE,
    addresses,
    given_up,
    news_of,
    outcome,
    queued,
    read_subscriptions,
    results_by_link,
    subscriber_of,
)
from openccp.core.deliveries import Delivery, DeliveryState, News
from openccp.core.fields import Faults
from openccp.core.job import FINAL, Job, Status
from openccp.core.method import Output
from openccp.core.ports import Fetched, FileEntry, Manifest

NOW = 1_800_000_000.0
URL = "https://a.example/x"
JOB = Job("j", "m", 1, "ann", "default", "local", NOW, NOW, subscriber={"successUri": [URL]})
NUMBERS = count()


def delivery(news: News = News.SUCCESS, **changes: Any) -> Delivery:
    made = Delivery(f"d{next(NUMBERS)}", "j", "ann", news, URL, "{}", NOW, NOW)
    return replace(made, **changes)


def answer(status: int) -> Fetched:
    return Fetched(status, "text/plain", b"")


def read(body: dict[str, Any]) -> tuple[Any, Faults]:
    faults = Faults()
    return read_subscriptions(body, faults), faults


def test_subscribers_are_read_once_each() -> None:
    one = {"successUri": URL, "failedUri": URL}
    found, faults = read({"subscriber": one, "subscribers": [one, {"successUri": URL + "2"}]})
    assert not faults
    assert subscriber_of(found) == {"successUri": [URL, URL + "2"], "failedUri": [URL]}
    assert found[0].pointer == "/subscriber/successUri"
    assert subscriber_of(()) is None


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"subscriber": []}, "/subscriber"),
        ({"subscriber": {"successUrl": URL}}, "/subscriber"),
        ({"subscriber": {"successUri": None}}, "/subscriber/successUri"),
        ({"subscriber": {"successUri": "ftp://a.example"}}, "/subscriber/successUri"),
        ({"subscriber": {"failedUri": URL + "x" * 3000}}, "/subscriber/failedUri"),
        ({"subscribers": [{}] * 11}, "/subscribers"),
        ({"subscribers": [{}, {"inProgressUri": 7}]}, "/subscribers/1/inProgressUri"),
    ],
)
def test_what_is_no_subscriber_is_said_where_it_stands(body: dict[str, Any], pointer: str) -> None:
    _, faults = read(body)
    assert [fault.pointer for fault in faults.all] == [pointer]


def test_each_change_is_news_at_most_once() -> None:
    ends = {
        Status.SUCCESSFUL: News.SUCCESS,
        Status.FAILED: News.FAILURE,
        Status.DISMISSED: News.FAILURE,
    }
    for before, after in product(Status, Status):
        news = news_of(replace(JOB, status=before), replace(JOB, status=after))
        if before is after:
            assert news is None
        elif after in FINAL:
            assert news is ends[after]
        else:
            assert news is (News.PROGRESS if after is Status.RUNNING else None)


def test_progress_is_news_while_it_runs() -> None:
    running = replace(JOB, status=Status.RUNNING)
    assert news_of(running, replace(running, progress=3)) is News.PROGRESS
    assert news_of(running, replace(running, message="half way")) is News.PROGRESS
    assert news_of(running, replace(running, version=9, updated=NOW + 1)) is None
    ended = replace(JOB, status=Status.FAILED)
    assert news_of(ended, replace(ended, message="cleaned up")) is None


def test_only_who_asked_is_told() -> None:
    assert addresses(JOB, News.SUCCESS) == [URL]
    assert addresses(JOB, News.FAILURE) == ()
    assert addresses(replace(JOB, subscriber=None), News.SUCCESS) == ()


def test_results_are_links_and_their_number_is_bounded() -> None:
    files = tuple(FileEntry(f"{n}.txt", 1, "", 0, "text/plain") for n in range(MOST_LINKS + 1))
    names = tuple(entry.path for entry in files)
    manifest = Manifest(files, (), (), {"one": names[:1], "two": names[:2], "many": names})
    outputs = {name: Output(name, {}) for name in ("one", "two", "many", "none")}
    document = results_by_link(manifest, outputs, "https://c/jobs/j/results")
    assert document == {
        "one": {"href": "https://c/jobs/j/results/one", "rel": "item", "type": "text/plain"},
        "two": [
            {"href": "https://c/jobs/j/results/two/0", "rel": "item", "type": "text/plain"},
            {"href": "https://c/jobs/j/results/two/1", "rel": "item", "type": "text/plain"},
        ],
        "many": {
            "href": "https://c/jobs/j/results?outputs=many",
            "rel": "item",
            "type": "application/json",
        },
    }
    each = {f"n{n}": names[:MOST_LINKS] for n in range(50)} | {"one": names[:1], "two": names[:2]}
    manifest, outputs = Manifest(files, (), (), each), {name: Output(name, {}) for name in each}
    document = results_by_link(manifest, outputs, "https://c/jobs/j/results")
    assert sum(len(it) for it in document.values() if isinstance(it, list)) == MOST_LINKS_IN_ALL
    assert document["one"]["href"].endswith("/results/one")
    assert document["two"]["href"].endswith("/results?outputs=two")


# --- the outbox ---------------------------------------------------------------------------------


def test_progress_comes_apart_and_inherits_its_waiting() -> None:
    first, second = delivery(News.PROGRESS), delivery(News.PROGRESS)
    assert queued(first, (), 10) == (first, [])
    kept, replaced = queued(second, [first], 10)
    assert (kept, replaced) == (second, [first.id])
    sent = replace(first, attempts=1, tried=NOW - 3, due=None, state=DeliveryState.DELIVERED)
    kept, replaced = queued(second, [sent], 10)
    assert kept == replace(second, due=NOW + 7)
    failing = replace(first, attempts=4, tried=NOW - 3, due=NOW + 1800)
    kept, replaced = queued(second, [failing], 10)
    assert kept == replace(second, due=NOW + 1800, attempts=4)
    assert replaced == [first.id]


def test_the_end_replaces_progress_that_is_still_to_be_told() -> None:
    end = delivery()
    waiting = delivery(News.PROGRESS, url=URL + "2")
    told = delivery(News.PROGRESS, state=DeliveryState.DELIVERED, due=None)
    assert queued(end, [waiting, told], 10) == (end, [waiting.id])


def test_an_address_that_is_gone_gets_nothing() -> None:
    gone = delivery(News.PROGRESS, state=DeliveryState.GONE, due=None)
    assert queued(delivery(News.PROGRESS), [gone], 10) == (None, ())
    kept, _ = queued(delivery(), [gone], 10)
    assert kept is not None
    assert (kept.state, kept.due) == (DeliveryState.GONE, None)
    elsewhere = delivery(url=URL + "2")
    assert queued(elsewhere, [gone], 10) == (elsewhere, [])


@given(st.lists(st.tuples(st.floats(0, 5), st.booleans()), max_size=40))
def test_progress_is_never_sent_faster_than_agreed(steps: list[tuple[float, bool]]) -> None:
    """Whatever happens when, two messages of progress begin at least ten seconds apart."""
    now, outbox, sent = NOW, list[Delivery](), list[float]()
    for pause, news in steps:
        now += pause
        if news:
            kept, replaced = queued(delivery(News.PROGRESS, created=now, due=now), outbox, 10)
            outbox = [it for it in outbox if it.id not in replaced]
            assert kept is not None
            outbox.append(kept)
        for index, it in enumerate(outbox):
            if it.due is not None and it.due <= now:
                sent.append(now)
                tried = replace(it, attempts=it.attempts + 1, tried=now)
                outbox[index] = outcome(tried, answer(200), now)
        assert len(outbox) <= 1
    assert all(later - earlier >= 10 for earlier, later in pairwise(sent))


# --- attempts -----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_delivered(status: int) -> None:
    after = outcome(delivery(attempts=1), answer(status), NOW)
    assert (after.state, after.due) == (DeliveryState.DELIVERED, None)


def test_gone_is_not_tried_again() -> None:
    after = outcome(delivery(attempts=1), answer(410), NOW)
    assert (after.state, after.due) == (DeliveryState.GONE, None)


@given(st.sampled_from([301, 302, 308, 400, 401, 404, 429, 500, 503, 199, 0]), st.floats(0, 0.999))
def test_all_else_is_tried_again_and_given_up_at_last(status: int, chance: float) -> None:
    it = delivery()
    for attempt, pause in enumerate((*SCHEDULE, None), 1):
        answered = answer(status) if status else "The address could not be reached."
        it = outcome(replace(it, attempts=attempt), answered, NOW, chance=chance)
        if pause is None:
            assert (it.state, it.due) == (DeliveryState.DEAD, None)
        else:
            assert it.state is DeliveryState.PENDING
            assert it.due is not None
            assert pause * (1 - JITTER) <= it.due - NOW <= pause
        assert it.detail == (f"It answered {status}." if status else answered)


def test_given_up_at_once() -> None:
    after = given_up(delivery(), "no")
    assert (after.state, after.due, after.detail) == (DeliveryState.DEAD, None, "no")


def test_a_target_is_scheme_host_and_port() -> None:
    assert delivery(url="https://A.example:8443/x?y").target == "https://a.example:8443"
    assert delivery(url="https://[2001:db8::1]/x").target == "https://[2001:db8::1]"
