"""`ccp webhook-secret`."""

import click

from openccp.cli.output import write, write_json
from openccp.cli.remote import RemoteCommand, connect, remote_options


@click.command(cls=RemoteCommand)
@click.option("--new", is_flag=True, help="Make a new one; the old one is good for a day.")
@remote_options
def webhook_secret(url: str | None, as_json: bool, new: bool) -> None:
    """Print what callbacks to you are signed with."""
    with connect(url) as ccp:
        secret = ccp.webhook_secret(new=new)
    if as_json:
        write_json({"secret": secret})
    else:
        write(f"{secret}\n")
