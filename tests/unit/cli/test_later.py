import subprocess
import sys

import click
from click.testing import CliRunner

from openccp.cli.client_commands import COMMANDS
from openccp.cli.later import Later

SERVER_SIDE = ("openccp.core", "openccp.web", "openccp.compose", "sqlalchemy", "uvicorn", "rich")


def group() -> click.Group:
    made = click.Group("ccp")
    made.add_command(Later("list", "openccp.cli.methods:methods", "List the methods."))
    made.add_command(Later("gone", "openccp.cli.nowhere:nothing", "Is not looked at."))
    return made


def test_help_imports_nothing() -> None:
    shown = CliRunner().invoke(group(), ["--help"])
    assert shown.exit_code == 0
    assert "list  List the methods." in shown.output
    assert "gone  Is not looked at." in shown.output


def test_the_command_itself_is_run() -> None:
    shown = CliRunner().invoke(group(), ["list", "--help"])
    assert "--query" in shown.output
    assert CliRunner().invoke(group(), ["list", "--nonsense"]).exit_code == 2


def test_client_commands_bring_no_server_in() -> None:
    code = "import sys, openccp.cli.client_commands; print(*sys.modules)"
    modules = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert not [m for m in modules if m.startswith(SERVER_SIDE)]


def test_every_command_says_what_it_does() -> None:
    assert {command.name for command in COMMANDS} >= {"methods", "run", "jobs", "login"}
    for command in COMMANDS:
        assert command.get_short_help_str(200).endswith(".")
