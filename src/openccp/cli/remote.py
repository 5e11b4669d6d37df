"""What every command that talks to a server shares: its options, its errors, its exit code."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from openccp.cli.output import say
from openccp.client import (
    CCPError,
    Client,
    Job,
    JobDismissed,
    JobFailed,
    NotAuthenticated,
    Refused,
    Unreachable,
)

EXIT_CODES: dict[type[CCPError], int] = {
    JobFailed: 1,
    Refused: 2,
    NotAuthenticated: 3,
    Unreachable: 4,
    JobDismissed: 5,
}
OTHER_ERROR = 2
PATIENCE = 2.0
"""Who types a command wants to hear soon that there is no server."""
INTERRUPTED = 130

Command = TypeVar("Command", bound=Callable[..., Any])


def exit_code(error: CCPError) -> int:
    """0 ok, 1 job failed, 2 usage, 3 sign in, 4 network, 5 dismissed."""
    codes = (code for kind, code in EXIT_CODES.items() if isinstance(error, kind))
    return next(codes, OTHER_ERROR)


class RemoteCommand(click.Command):
    """A command whose errors become one message and the right exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run it."""
        try:
            return super().invoke(ctx)
        except CCPError as error:
            say(advice(error))
            ctx.exit(exit_code(error))
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)


def advice(error: CCPError) -> str:
    """The error in words, with what to do where that helps."""
    if isinstance(error, NotAuthenticated) and "ccp login" not in str(error):
        return f"{error}\nSign in with `ccp login`."
    return str(error)


url_option = click.option(
    "--url", envvar="CCP_URL", metavar="URL", help="The server (default: the last sign-in's)."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def remote_options(command: Command) -> Command:
    """Add `--url` and `--json`."""
    return url_option(json_option(command))


def connect(url: str | None) -> Client:
    """The server, as whoever signed in there."""
    return Client(url, patience=PATIENCE)


def end_as(job: Job) -> None:
    """Raise what a job that did not succeed means; its log has been seen already."""
    try:
        job.wait()
    except JobFailed as failed:
        raise JobFailed(failed.job, failed.detail) from None
