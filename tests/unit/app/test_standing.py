import logging
from pathlib import Path

import pytest

from openccp.app.doctor.standing import standing, warn
from openccp.core.promises import Measured, Measurement
from openccp.files.measurements import KeptMeasurements

MEASURED = Measured(
    1_700_000_000.0,
    "Engine 1.0",
    (
        Measurement("memory", True, "cgroup v2", "ended"),
        Measurement("private", False, "netfilter", "it reached 192.0.2.1"),
        Measurement("seccomp", False, "", "the filter's mode is 0"),
    ),
)
WORDS = "a job with network does not reach the platform's machine"


def test_everybody_learns_what_does_not_hold_and_not_what_was_seen() -> None:
    assert standing(MEASURED) == {
        "at": "2023-11-14T22:13:20+00:00",
        "broken": {"private": WORDS},
    }
    assert standing(None) is None


def test_the_log_says_it_with_what_was_seen(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = KeptMeasurements(tmp_path)
    kept.keep("box", MEASURED)
    with caplog.at_level(logging.WARNING):
        warn(["local", "box"], kept)
    (record,) = caplog.records
    assert record.getMessage().startswith("infrastructure box: it does not hold")
    assert f"{WORDS} (netfilter): it reached 192.0.2.1" in record.getMessage()


@pytest.mark.parametrize("written", ["", "{", "[]", '{"at": 1}', '{"found": [{}], "at": 1}'])
def test_what_cannot_be_read_was_never_measured(tmp_path: Path, written: str) -> None:
    kept = KeptMeasurements(tmp_path)
    kept.keep("box", MEASURED)
    (tmp_path / "measured" / "box.json").write_text(written)
    assert kept.of("box") is None


def test_one_measures_at_a_time(tmp_path: Path) -> None:
    with (
        KeptMeasurements(tmp_path).alone(),
        pytest.raises(BlockingIOError),
        KeptMeasurements(tmp_path).alone(),
    ):
        pass
