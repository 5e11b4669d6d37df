"""The command `ccp`."""

import click

from openccp.cli.client_commands import COMMANDS
from openccp.cli.later import Later

HERE = {
    "up": ("openccp.cli.serve:up", "Start the platform."),
    "user": ("openccp.cli.admin:user", "Accounts."),
    "token": ("openccp.cli.admin:token", "Personal access tokens."),
    "context": ("openccp.cli.admin:context", "Contexts: groups in which methods are shared."),
    "doctor": ("openccp.cli.doctor:doctor", "Say which limits and isolations hold."),
}
"""What works on the data folder; loaded when used, for it takes the whole platform along."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="openccp", prog_name="ccp")
def main() -> None:
    """OpenCCP: publish methods, run them, watch them, and get their results."""


for name, (source, short_help) in HERE.items():
    main.add_command(Later(name, source, short_help))
for command in COMMANDS:
    main.add_command(command)
