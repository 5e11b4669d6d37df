"""Which IP addresses are public, and what an operator may add."""

from ipaddress import ip_address

import pytest

from openccp.fetch.address import read_address
from openccp.fetch.policy import Allowed, Policy, is_own, is_public

PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001:80b::200e"]
INNER = [
    "0.0.0.0", "0.255.255.255", "10.0.0.0", "100.64.0.0", "100.127.255.255", "127.0.0.1",
    "168.63.129.16", "169.254.169.254", "172.16.0.0", "172.31.255.255", "192.0.0.1", "192.0.2.1",
    "192.88.99.1", "192.168.0.0", "198.18.0.0", "198.19.255.255", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "239.255.255.255", "240.0.0.0", "255.255.255.255", "::", "::1", "::ffff:8.8.8.8",
    "::8.8.8.8", "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1",
    "2001:20::1", "2002:808:808::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254",
    "fd20:ce::254", "fe80::1", "fec0::1", "ff02::1", "ff0e::1", "2a00::5efe:7f00:1",
]  # fmt: skip


@pytest.mark.parametrize("text", PUBLIC)
def test_public(text: str) -> None:
    assert is_public(ip_address(text))
    assert not is_own(ip_address(text))


@pytest.mark.parametrize("text", INNER)
def test_inner(text: str) -> None:
    assert not is_public(ip_address(text))


def test_the_machines_own_addresses_are_known() -> None:
    assert is_own(ip_address("127.0.0.1"))


@pytest.mark.parametrize(
    ("entries", "url", "allowed"),
    [
        ((), "https://example.org/", True),
        ((), "https://data.lan/", False),
        (("data.lan",), "https://data.lan/", True),
        (("Data.LAN",), "https://DATA.lan/", True),
        (("data.lan",), "https://other.lan/", False),
        (("data.lan",), "https://x.data.lan/", False),
        (("*.data.lan",), "https://x.data.lan/", True),
        (("*.data.lan",), "https://x.y.data.lan/", True),
        (("*.data.lan",), "https://data.lan/", False),
        (("*.data.lan",), "https://evildata.lan/", False),
        (("store",), "https://store/", True),
        (("10.1.0.0/16",), "https://10.1.2.3/", True),
        (("10.1.0.0/16",), "https://10.2.2.3/", False),
        (("10.1.2.3",), "https://10.1.2.3/", True),
        (("fd00:1::/32",), "https://[fd00:1::5]/", True),
        (("*",), "https://10.1.2.3/", False),
        (("10.1.0.0/16",), "https://10.1.2.3:9000/", False),
    ],
)
def test_what_an_operator_allows(entries: tuple[str, ...], url: str, allowed: bool) -> None:
    policy = Policy(allowed=Allowed.read(entries))
    assert policy.may_ask(read_address(url)) is allowed


def test_an_allowed_name_may_lead_inside_and_no_other_name_may() -> None:
    policy = Policy(allowed=Allowed.read(["data.example.org"]))
    inside = ip_address("10.1.2.3")
    assert policy.may_reach(read_address("http://data.example.org/"), inside)
    assert not policy.may_reach(read_address("http://other.example.org/"), inside)
