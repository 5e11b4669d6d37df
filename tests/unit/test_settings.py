from pathlib import Path

import pytest

from openccp.settings import SETTINGS_FILE, BadSettings, load


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / SETTINGS_FILE).write_text(
        '[server]\nport = 1\nhost = "::1"\nwait_seconds = 5\n[local.environment]\nA = "b"\n'
    )
    monkeypatch.setenv("CCP__SERVER__PORT", "2")
    monkeypatch.setenv("CCP__SERVER__HOST", "127.0.0.2")
    monkeypatch.setenv("CCP__LOCAL__IMAGES", '{"python:3.9": "/images/python"}')
    settings = load(tmp_path, server={"port": 3, "host": None})
    assert (settings.server.port, settings.server.host) == (3, "127.0.0.2")
    assert settings.server.wait_seconds == 5
    assert settings.local.images == {"python:3.9": Path("/images/python")}
    assert settings.local.environment == {"A": "b"}


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("[server]\nprot = 1\n", "server.prot"),
        ("[server]\nport = 99999\n", "server.port"),
        ("[sever]\nport = 1\n", "sever"),
        ("[server\n", SETTINGS_FILE),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, written: str, words: str) -> None:
    (tmp_path / SETTINGS_FILE).write_text(written)
    with pytest.raises(BadSettings, match=words):
        load(tmp_path)


def test_an_unknown_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCP__SERVER__PROT", "1")
    with pytest.raises(BadSettings, match="prot"):
        load(tmp_path)
