"""`ccp methods` and `ccp describe`."""

from collections.abc import Mapping
from typing import Any

import click

from openccp.cli.completion import method_ids
from openccp.cli.output import one_line, table, terminal_safe, write, write_json
from openccp.cli.remote import RemoteCommand, connect, remote_options

SEARCHED = ("id", "title", "description", "keywords")


@click.command(cls=RemoteCommand)
@click.option("-q", "--query", default="", metavar="TEXT", help="Only those that mention TEXT.")
@remote_options
def methods(url: str | None, as_json: bool, query: str) -> None:
    """List the methods you can run."""
    with connect(url) as ccp:
        found = [method for method in ccp.methods() if _mentions(method, query)]
    if as_json:
        write_json(found)
        return
    rows = [(_text(m, "id"), _text(m, "version"), _text(m, "title")) for m in found]
    write(table(("METHOD", "VERSION", "TITLE"), rows) if rows else "No methods.\n")


def _text(document: Mapping[str, Any], name: str) -> str:
    return str(document.get(name) or "")


def _mentions(method: Mapping[str, Any], query: str) -> bool:
    words = query.casefold().split()
    text = " ".join(str(method.get(name, "")) for name in SEARCHED).casefold()
    return all(word in text for word in words)


@click.command(cls=RemoteCommand)
@click.argument("method", shell_complete=method_ids)
@remote_options
def describe(method: str, url: str | None, as_json: bool) -> None:
    """Show a method's inputs and outputs."""
    with connect(url) as ccp:
        document = ccp.describe(method)
    if as_json:
        write_json(document)
    else:
        write(described(document))


def described(document: Mapping[str, Any]) -> str:
    """A method for a person to read."""
    inputs = document.get("inputs") or {}
    outputs = document.get("outputs") or {}
    head = f"{_text(document, 'title')} ({_text(document, 'id')} {_text(document, 'version')})"
    parts = [one_line(head) + "\n"]
    if text := terminal_safe(_text(document, "description")).strip():
        parts.append(f"\n{text}\n")
    if inputs:
        rows = [_input_row(name, entry) for name, entry in inputs.items()]
        parts.append("\n" + table(("INPUT", "TYPE", "DEFAULT", "MEANING"), rows))
    if outputs:
        meanings = [(name, kind(e.get("schema", {})), _meaning(e)) for name, e in outputs.items()]
        parts.append("\n" + table(("OUTPUT", "TYPE", "MEANING"), meanings))
    return "".join(parts)


def _input_row(name: str, entry: Mapping[str, Any]) -> tuple[str, str, str, str]:
    schema = entry.get("schema") or {}
    default = schema.get("default")
    if default is None:
        default = "(required)" if entry.get("minOccurs", 1) else ""
    return name, kind(schema), str(default), _meaning(entry)


def _meaning(entry: Mapping[str, Any]) -> str:
    return _text(entry, "title") or _text(entry, "description")


def kind(schema: Mapping[str, Any]) -> str:
    """A schema in one or a few words."""
    if isinstance(schema.get("enum"), list):
        return "|".join(str(choice) for choice in schema["enum"])
    word = schema.get("format") or schema.get("contentMediaType") or schema.get("type")
    return str(word or "any")
