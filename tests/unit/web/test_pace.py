"""Buckets of requests: generous, fair, and bounded in memory."""

import pytest

from openccp.core.identity import network_of
from openccp.core.problems import TooManyRequests
from openccp.web.pace import BURST_SECONDS, REMEMBERED, Pace


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def spend(pace: Pace, who: str, most: int) -> int:
    """How many requests are let through."""
    for count in range(most):
        try:
            pace.charge(who)
        except TooManyRequests:
            return count
    return most


def test_five_minutes_worth_at_once_then_the_rate() -> None:
    clock = Clock()
    pace = Pace(2, clock)
    assert spend(pace, "ada", 10_000) == 2 * BURST_SECONDS
    assert spend(pace, "eve", 10) == 10
    clock.now += 10
    assert spend(pace, "ada", 10_000) == 20
    clock.now += 10 * BURST_SECONDS
    assert spend(pace, "ada", 10_000) == 2 * BURST_SECONDS


def test_waiting_as_long_as_told_is_enough() -> None:
    clock = Clock()
    pace = Pace(0.1, clock)
    spend(pace, "ada", 100)
    with pytest.raises(TooManyRequests) as refused:
        pace.charge("ada")
    clock.now += refused.value.retry_after or 0
    pace.charge("ada")


def test_no_limit() -> None:
    assert spend(Pace(0, Clock()), "ada", 100_000) == 100_000


def test_a_crowd_does_not_fill_the_memory() -> None:
    clock = Clock()
    pace = Pace(1000, clock)
    for number in range(3 * REMEMBERED):
        pace.charge(str(number))
    assert len(pace) <= REMEMBERED


def test_a_customer_with_ipv6_is_one() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff")
    assert network_of("2001:db8::1") != network_of("2001:db8:0:1::1")
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1")
