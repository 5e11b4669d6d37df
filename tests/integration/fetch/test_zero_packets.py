"""Hostile addresses are refused, all with the same words, and not one packet leaves for them."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.integration.fetch.hostile import NAMED, PUBLIC, REDIRECTS, REFUSED

from openccp.fetch.guarded import UNREACHABLE

ROOT = Path(__file__).parents[3]
ALONE = ["unshare", "--net", "--user", "--map-root-user"]


def namespaces() -> bool:
    probe = [*ALONE, "ip", "link", "set", "lo", "up"]
    return (
        shutil.which("unshare") is not None
        and not subprocess.run(probe, check=False, capture_output=True).returncode
    )


pytestmark = pytest.mark.skipif(not namespaces(), reason="no network namespace can be had here")


@pytest.fixture(scope="module")
def found() -> Mapping[str, Any]:
    """What the program `zero_packets` saw in a network namespace of its own."""
    done = subprocess.run(
        [*ALONE, sys.executable, "-m", "tests.integration.fetch.zero_packets"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def test_the_table_is_long_enough() -> None:
    assert len(REFUSED) >= 200


def test_hostile_addresses_are_refused_without_a_packet(found: Mapping[str, Any]) -> None:
    asked = found["asked"]
    assert {url: asked[url] for url in [*REFUSED, *NAMED] if asked[url] != [UNREACHABLE, []]} == {}


def test_a_redirect_to_a_hostile_address_is_not_followed(found: Mapping[str, Any]) -> None:
    for to in REDIRECTS:
        assert found["asked"][f"redirect {to}"] == [UNREACHABLE, ["127.0.0.1"]], to


def test_what_listens_on_loopback_was_never_reached(found: Mapping[str, Any]) -> None:
    assert found["reached"] == 0


def test_the_ear_hears_what_is_allowed(found: Mapping[str, Any]) -> None:
    assert found["asked"]["allowed"] == ["good", ["127.0.0.1"]]
    assert found["asked"]["public"] == [UNREACHABLE, [PUBLIC]]


def test_a_name_that_changes_its_mind_never_leads_inside(found: Mapping[str, Any]) -> None:
    """What was judged is what is connected to; the next fetch judges anew."""
    assert found["asked"]["before the flip"] == [UNREACHABLE, [PUBLIC]]
    assert found["asked"]["after the flip"] == [UNREACHABLE, []]
