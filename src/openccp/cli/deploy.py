"""`ccp deploy` and `ccp undeploy`."""

import json
from pathlib import Path
from typing import Any

import click

from openccp.cli.completion import method_ids
from openccp.cli.output import one_line, say, write, write_json
from openccp.cli.remote import RemoteCommand, connect, remote_options

DESCRIPTOR = "method.json"


@click.command(cls=RemoteCommand)
@click.argument("path", type=click.Path(exists=True, path_type=Path), metavar="FOLDER|FILE")
@click.option("--replace", is_flag=True, help="Publish a new revision of a method that is there.")
@click.option("--public", is_flag=True, help="For everybody here (administrators only).")
@remote_options
def deploy(path: Path, replace: bool, public: bool, url: str | None, as_json: bool) -> None:
    """Publish a method: its method.json, or the folder that holds it."""
    document = read_descriptor(path)
    with connect(url) as ccp:
        summary = ccp.deploy(document, replace=replace, public=public)
    if as_json:
        write_json(summary)
        return
    for warning in summary.get("warnings") or ():
        say(f"warning: {warning['pointer']}: {warning['detail']}")
    verb = "Replaced" if replace else "Deployed"
    write(f"{verb} {one_line(str(summary['id']))} {one_line(str(summary['version']))}.\n")


@click.command(cls=RemoteCommand)
@click.argument("method", shell_complete=method_ids)
@remote_options
def undeploy(method: str, url: str | None, as_json: bool) -> None:
    """Remove a method; the records of its jobs stay."""
    with connect(url) as ccp:
        ccp.undeploy(method)
    if as_json:
        write_json({"id": method})
    else:
        write(f"Removed {one_line(method)}.\n")


def read_descriptor(path: Path) -> dict[str, Any]:
    """The descriptor in a file, or in a folder's `method.json`; UsageError if it is none."""
    file = path / DESCRIPTOR if path.is_dir() else path
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise click.UsageError(f"There is no {DESCRIPTOR} in {path}.") from None
    except (ValueError, OSError) as error:
        raise click.UsageError(f"{file} cannot be read as JSON: {error}") from None
    if not isinstance(document, dict) or not isinstance(document.get("id"), str):
        raise click.UsageError(f'{file} is no method: it needs a text "id".')
    return document
