"""`ccp deploy` and `ccp undeploy`."""

import json
from pathlib import Path

import click

from openccp.cli.completion import method_ids
from openccp.cli.output import one_line, say, write, write_json
from openccp.cli.remote import RemoteCommand, connect, remote_options

DESCRIPTOR = "method.json"
YAML_SUFFIXES = (".cwl", ".yaml", ".yml")


@click.command(cls=RemoteCommand)
@click.argument("path", type=click.Path(exists=True, path_type=Path), metavar="FOLDER|FILE")
@click.option("--replace", is_flag=True, help="Publish a new revision of a method that is there.")
@click.option("--public", is_flag=True, help="For everybody here (administrators only).")
@click.option("--workflow", metavar="NAME", help="Which workflow of a CWL $graph is meant.")
@remote_options
def deploy(
    path: Path,
    replace: bool,
    public: bool,
    workflow: str | None,
    url: str | None,
    as_json: bool,
) -> None:
    """Publish a method: its method.json, the folder that holds it, or a package (OGC, CWL)."""
    package = read_package(path)
    with connect(url) as ccp:
        summary = ccp.deploy(package, replace=replace, public=public, workflow=workflow)
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


def read_package(path: Path) -> bytes:
    """What is in a file, or in a folder's `method.json`; UsageError if it is no package."""
    file = path / DESCRIPTOR if path.is_dir() else path
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise click.UsageError(f"There is no {DESCRIPTOR} in {path}.") from None
    except OSError as error:
        raise click.UsageError(f"{file} cannot be read: {error.strerror}") from None
    if file.suffix in YAML_SUFFIXES:
        return content
    try:
        document = json.loads(content)
    except ValueError as error:
        raise click.UsageError(f"{file} cannot be read as JSON: {error}") from None
    if not isinstance(document, dict):
        raise click.UsageError(f"{file} is no method: it is no JSON object.")
    return content
