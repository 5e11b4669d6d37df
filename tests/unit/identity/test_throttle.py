from openccp.identity.throttle import Buckets

NOW = 1_000_000.0
HOME, AWAY = "192.0.2.1", "198.51.100.7"


def empty(buckets: Buckets, name: str, address: str, now: float = NOW) -> int:
    return sum(buckets.admit(name, address, now) == 0 for _ in range(500))


def test_ten_wrong_guesses_and_then_one_every_half_minute() -> None:
    buckets = Buckets()
    assert empty(buckets, "ada", HOME) == 10
    assert buckets.admit("ada", HOME, NOW) == 30
    assert buckets.admit("ada", HOME, NOW + 29) == 1
    assert buckets.admit("ada", HOME, NOW + 30) == 0
    assert buckets.admit("ada", HOME, NOW + 30) == 30
    assert empty(buckets, "ada", HOME, NOW + 3600) == 10


def test_right_passwords_cost_nothing() -> None:
    buckets = Buckets()
    for _ in range(1000):
        assert buckets.admit("ada", HOME, NOW) == 0
        buckets.succeeded("ada", HOME, NOW)


def test_one_guesser_does_not_lock_the_owner_out_elsewhere() -> None:
    buckets = Buckets()
    empty(buckets, "ada", AWAY)
    assert buckets.admit("ada", HOME, NOW) == 0


def test_a_crowd_does_not_lock_the_owner_out_at_home() -> None:
    buckets = Buckets()
    assert buckets.admit("ada", HOME, NOW) == 0
    buckets.succeeded("ada", HOME, NOW)
    admitted = sum(buckets.admit("ada", f"203.0.113.{n}", NOW) == 0 for n in range(200))
    assert admitted == 100
    assert buckets.admit("ada", AWAY, NOW) == 3
    assert buckets.admit("ada", HOME, NOW) == 0


def test_one_address_may_not_try_everybody() -> None:
    buckets = Buckets()
    assert sum(buckets.admit(f"user{n}", AWAY, NOW) == 0 for n in range(500)) == 100
    assert buckets.admit("ada", HOME, NOW) == 0


def test_an_ipv6_network_is_one_address_and_a_mapped_one_is_ipv4() -> None:
    buckets = Buckets()
    assert sum(buckets.admit("ada", f"2001:db8::{n:x}", NOW) == 0 for n in range(50)) == 10
    assert buckets.admit("ada", "2001:db8:0:1::1", NOW) == 0
    empty(buckets, "ada", f"::ffff:{HOME}")
    assert buckets.admit("ada", HOME, NOW) > 0


def test_memory_is_bounded() -> None:
    buckets = Buckets(size=100)
    for n in range(5000):
        buckets.admit(f"user{n}", f"address{n}", NOW)
    assert len(buckets) <= 100
