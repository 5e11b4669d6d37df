"""The command `ccp`."""

import click

from openccp.cli.admin import context, doctor, token, user
from openccp.cli.client_commands import COMMANDS
from openccp.cli.serve import up


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="openccp", prog_name="ccp")
def main() -> None:
    """OpenCCP: publish methods, run them, watch them, and get their results."""


for command in (up, user, token, context, doctor, *COMMANDS):
    main.add_command(command)
