"""`ccp login`."""

import sys
from importlib import import_module
from pathlib import Path

import click

from openccp.cli.output import say, write_json
from openccp.cli.remote import RemoteCommand, connect, remote_options
from openccp.client import Client

SERVER_SIDE = "openccp.cli.serve"
"""Brings the whole platform in: only when it is wanted, so that other commands start quickly."""


@click.command(cls=RemoteCommand)
@click.option("--user", metavar="NAME", help="Who you are (asked for if left out).")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--browser", is_flag=True, help="Sign in with a browser, on any machine.")
@click.option("--token-stdin", is_flag=True, help="Read a personal token from standard input.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Print a one-time address to sign in at a platform whose data folder is here.",
)
@remote_options
def login(
    url: str | None,
    as_json: bool,
    user: str | None,
    password_stdin: bool,
    browser: bool,
    token_stdin: bool,
    data: Path | None,
) -> None:
    """Sign in, and stay signed in on this machine."""
    if data is not None:
        import_module(SERVER_SIDE).print_sign_in(data)
        return
    if password_stdin + token_stdin + browser > 1:
        raise click.UsageError("Sign in in one way: a password, a token, or a browser.")
    with connect(url) as ccp:
        if token_stdin:
            ccp.login_with_token(_secret_from_stdin("token"))
        elif browser:
            ccp.login_with_browser()
        else:
            _with_password(ccp, user, password_stdin)
        if as_json:
            write_json({"url": ccp.url})
        else:
            say(f"Signed in at {ccp.url}")


def _with_password(ccp: Client, user: str | None, password_stdin: bool) -> None:
    if not password_stdin and not sys.stdin.isatty():
        raise click.UsageError("Use --password-stdin or --token-stdin where nobody can type.")
    if password_stdin and user is None:
        raise click.UsageError("--password-stdin needs --user NAME.")
    name = user or click.prompt("Name", err=True)
    if password_stdin:
        password = _secret_from_stdin("password")
    else:
        password = click.prompt("Password", hide_input=True, err=True)
    ccp.login(name, password)


def _secret_from_stdin(what: str) -> str:
    secret = sys.stdin.readline().rstrip("\r\n")
    if not secret:
        raise click.UsageError(f"There is no {what} on standard input.")
    return secret
