"""What the shell offers on Tab: methods, their inputs, and jobs, as the server knows them."""

from collections.abc import Callable, Iterable
from typing import Any

import click
from click.shell_completion import CompletionItem, get_completion_class

from openccp.cli.output import one_line
from openccp.client import CCPError, Client

PATIENT_SECONDS = 1.0


def _offered(
    ctx: click.Context, incomplete: str, ask: Callable[[Client], Iterable[tuple[str, str]]]
) -> list[CompletionItem]:
    try:
        with Client(ctx.params.get("url"), timeout=PATIENT_SECONDS, patience=0) as ccp:
            found = list(ask(ccp))
    except CCPError:
        return []
    return [
        CompletionItem(value, help=one_line(hint))
        for value, hint in found
        if value.startswith(incomplete) and value.isprintable()
    ]


def method_ids(
    ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The ids of methods."""
    return _offered(ctx, incomplete, lambda ccp: map(_method, ccp.methods()))


def _method(method: dict[str, Any]) -> tuple[str, str]:
    return str(method.get("id", "")), str(method.get("title", ""))


def job_ids(
    ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The ids of the newest jobs."""
    return _offered(
        ctx, incomplete, lambda ccp: [(j.id, f"{j.method} {j.status}") for j in ccp.jobs()]
    )


def input_names(
    ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The inputs of the method named before, each with `=` behind it."""
    method = ctx.params.get("method") or next(iter(ctx.args), None)
    if not method or "=" in incomplete:
        return []
    return _offered(
        ctx, incomplete, lambda ccp: map(_input, ccp.describe(method)["inputs"].items())
    )


def _input(described: tuple[str, dict[str, Any]]) -> tuple[str, str]:
    return f"{described[0]}=", str(described[1].get("title", ""))


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what makes Tab complete methods and jobs.

    For bash: put `eval "$(ccp completion bash)"` into ~/.bashrc.
    """
    root = ctx.find_root()
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(root.command, {}, "ccp", "_CCP_COMPLETE").source())
