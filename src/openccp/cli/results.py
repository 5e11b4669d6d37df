"""`ccp results`."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from openccp.cli.completion import job_ids
from openccp.cli.output import one_line, terminal_safe, write, write_json
from openccp.cli.remote import RemoteCommand, connect, remote_options
from openccp.client import Client, Job

LONGEST_SHOWN = 2000


@click.command(cls=RemoteCommand)
@click.argument("job", shell_complete=job_ids)
@click.argument("output", required=False)
@click.option(
    "-o",
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Bring the files it left into DIR.",
)
@click.option("--overwrite", is_flag=True, help="Replace files that are already in DIR.")
@remote_options
def results(
    job: str, output: str | None, out: Path | None, overwrite: bool, url: str | None, as_json: bool
) -> None:
    """Print a job's results, or one OUTPUT as it is, or bring its files into a folder."""
    with connect(url) as ccp:
        if out is not None:
            _bring(ccp, job, out, overwrite, as_json)
        elif output is not None:
            _print_one(ccp.job(job).output(output), as_json)
        else:
            _print_all(ccp.job(job), as_json)


def _bring(ccp: Client, job: str, out: Path, overwrite: bool, as_json: bool) -> None:
    files = [str(file) for file in ccp.job(job).download(out, overwrite=overwrite)]
    if as_json:
        write_json({"files": files})
    else:
        write("".join(f"{terminal_safe(file)}\n" for file in files))


def _print_one(value: Any, as_json: bool) -> None:
    if isinstance(value, bytes):
        if as_json or sys.stdout.isatty():
            raise click.UsageError("This output is binary: use --out DIR, or write it to a file.")
        sys.stdout.buffer.write(value)
    elif as_json or not isinstance(value, str):
        write_json(value)
    else:
        write(value)


def _print_all(job: Job, as_json: bool) -> None:
    if as_json:
        write_json(job.results_document())
    else:
        lines = (f"{one_line(name)}: {_shown(value)}\n" for name, value in job.results().items())
        write("".join(lines))


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    if isinstance(value, Mapping) and "href" in value:
        return one_line(str(value["href"]))
    if isinstance(value, list) and value:
        return "".join(f"\n  - {_shown(item)}" for item in value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = terminal_safe(text).rstrip()
    if len(text) > LONGEST_SHOWN:
        text = f"{text[:LONGEST_SHOWN]} ... ({len(text)} characters)"
    return "\n    " + text.replace("\n", "\n    ") if "\n" in text else text
