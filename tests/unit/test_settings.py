from dataclasses import replace
from pathlib import Path

import pytest

from openccp import plugins
from openccp.compose import rules
from openccp.infrastructures.docker.kind import DockerSettings
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


def test_a_section_of_an_infrastructure_is_read_as_its_kind_says(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text('[infrastructures.box]\nkind = "docker"\nslots = 3\n')
    box = load(tmp_path).infrastructures["box"]
    assert isinstance(box, DockerSettings)
    assert (box.kind, box.slots) == ("docker", 3)


def test_a_kind_is_chosen_in_the_environment_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CCP__INFRASTRUCTURES__BOX__KIND", "docker")
    monkeypatch.setenv("CCP__INFRASTRUCTURES__BOX__SLOTS", "3")
    assert load(tmp_path).infrastructures["box"].model_dump()["slots"] == 3


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (
            '[infrastructures.box]\nkind = "docker"\nslot = 3\n',
            r"box\.slot: Extra",
        ),
        ('[infrastructures.box]\nkind = "docker"\nslots = -1\n', r"infrastructures\.box\.slots"),
        ('[infrastructures.box]\nkind = "dokcer"\n', r"box: .*'dokcer'\. There are: docker"),
        ("[infrastructures.box]\nslots = 3\n", r"infrastructures\.box: .*kind = \"docker\""),
        ('infrastructures = { box = "docker" }\n', r"infrastructures\.box: .*kind"),
        ('[infrastructures.local]\nkind = "docker"\n', r"section \[local\]"),
        ('[infrastructures."../x"]\nkind = "docker"\n', r"infrastructures\.\.\./x"),
    ],
)
def test_an_infrastructure_that_cannot_be_is_named(
    tmp_path: Path, written: str, words: str
) -> None:
    (tmp_path / SETTINGS_FILE).write_text(written)
    with pytest.raises(BadSettings, match=words):
        load(tmp_path)


def test_a_kind_whose_module_is_broken_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(plugins.OWN, "broken", "openccp_not_there.kind:KIND")
    (tmp_path / SETTINGS_FILE).write_text('[infrastructures.box]\nkind = "broken"\n')
    with pytest.raises(BadSettings, match=r"'broken' .* cannot be loaded: No module"):
        load(tmp_path)


@pytest.mark.parametrize("name", plugins.OWN)
def test_each_kind_of_ours_is_there_and_refuses_what_it_does_not_know(name: str) -> None:
    kind = plugins.kind_named(name)
    assert kind.settings.model_config.get("extra") == "forbid"
    assert kind.settings.__doc__
    assert callable(kind.build)


def test_a_size_is_a_part_of_what_a_job_may_use_there(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text(
        "[limits]\ncpus = 4\n[local]\nlimits = { memory_bytes = 268435456 }\n"
        "sizes = { small = { cpus = 0.5, wall_seconds = 60 } }\n"
    )
    policy = rules(load(tmp_path)).policy("local")
    assert policy.limits_of("small") == replace(policy.limits, cpus=0.5, wall_seconds=60)
    assert policy.limits_of(None) == policy.limits
    assert (policy.limits.cpus, policy.limits.memory_bytes) == (4, 268435456)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("sizes = { big = { cpus = 9 } }", r"local.sizes.big.cpus: 9.0 is above the limit of 1"),
        ("sizes = { big = { memory = 9 } }", r"local.sizes.big.memory"),
        ('may_lack = ["walls"]', r"local.may_lack.0: is one of memory, pids"),
    ],
)
def test_what_cannot_be_a_size_or_a_promise_is_named(
    tmp_path: Path, written: str, words: str
) -> None:
    (tmp_path / SETTINGS_FILE).write_text(f"[local]\n{written}\n")
    with pytest.raises(BadSettings, match=words):
        rules(load(tmp_path))
