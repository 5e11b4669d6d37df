"""`ccp code`."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from openccp.cli.completion import input_names, method_ids
from openccp.cli.inputs import read_inputs
from openccp.cli.output import write, write_json
from openccp.cli.remote import RemoteCommand, connect, remote_options
from openccp.client import Client
from openccp.client.values import file_inputs

JOB = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@click.command(cls=RemoteCommand)
@click.argument("method", metavar="METHOD|JOB", shell_complete=method_ids)
@click.option("-l", "--language", default="python", metavar="LANGUAGE", help="python, bash, r, ...")
@click.option(
    "-i",
    "--input",
    "given",
    multiple=True,
    metavar="KEY=VALUE",
    shell_complete=input_names,
    help="An input of METHOD. KEY=@FILE: the program reads the file. May be repeated.",
)
@click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
@remote_options
def code(
    method: str,
    language: str,
    given: tuple[str, ...],
    out: Path | None,
    url: str | None,
    as_json: bool,
) -> None:
    """Print a program that runs METHOD, or does again what JOB did.

    \b
    ccp code csv-summary --language r -i table=@penguins.csv > summary.R
    """
    with connect(url) as ccp:
        text = _written(ccp, method, language, given)
    if out is not None:
        out.write_text(text, "utf-8")
    elif as_json:
        write_json({"language": language, "code": text})
    else:
        write(text)


def _written(ccp: Client, method: str, language: str, given: tuple[str, ...]) -> str:
    if not JOB.fullmatch(method):
        described = ccp.describe(method) if given else {}
        return ccp.code(method, language, _inputs(given, described))
    if given:
        raise click.UsageError("A job has its inputs; -i is for methods.")
    return ccp.job(method).code(language)


def _inputs(given: Iterable[str], described: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs; a file stays where it is, and the program reads it."""
    files, named, rest = file_inputs(described), dict[str, Any](), list[str]()
    for text in given:
        name, _, value = text.partition("=")
        if name in files and value.startswith("@") and not value.startswith("@@"):
            named.setdefault(name, []).append(Path(value[1:]))
        else:
            rest.append(text)
    single = {name: paths if len(paths) > 1 else paths[0] for name, paths in named.items()}
    return {**read_inputs(rest, described), **single}
