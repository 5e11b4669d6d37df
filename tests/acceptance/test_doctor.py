"""`ccp doctor`, beside a running platform and where something does not hold."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from openccp.cli.main import main
from openccp.core.promises import PROMISES
from openccp.testing.platform import RunningPlatform, User


def run_doctor(data: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *words, "--data", str(data)])


@pytest.mark.sandbox
def test_the_doctor_measures_beside_a_running_platform(
    platform: RunningPlatform, user: User
) -> None:
    (place,) = json.loads(platform.command("doctor", "--json"))["infrastructures"]
    assert (place["id"], place["broken"]) == ("local", [])
    rows = {row["promise"]: row for row in place["promises"]}
    assert list(rows) == list(PROMISES)
    assert all(row["holds"] for row in rows.values() if row["promised"])
    assert rows["memory"]["promised"]
    assert user.http.get("/infrastructures/local").json()["measured"]["broken"] == {}
    left = [path.name for path in platform.data.rglob("*doctor*")]
    assert left == []


def test_what_is_broken_ends_the_command_with_one(tmp_path: Path) -> None:
    (tmp_path / "openccp.toml").write_text(
        f'[infrastructures.box]\nkind = "docker"\naddress = "unix://{tmp_path}/nobody.sock"\n'
    )
    shown = run_doctor(tmp_path, "box")
    assert shown.exit_code == 1
    assert "box (docker): not reachable" in shown.output
    assert "BROKEN   reachable" in shown.output
    (place,) = json.loads(run_doctor(tmp_path, "box", "--json").output)["infrastructures"]
    assert place["broken"] == ["reachable"]


def test_an_unknown_infrastructure_is_named(tmp_path: Path) -> None:
    shown = run_doctor(tmp_path, "boks")
    assert shown.exit_code == 1
    assert "There is no infrastructure 'boks'." in shown.output
