"""`ccp run`."""

from pathlib import Path
from typing import Any

import click

from openccp.cli.completion import input_names, method_ids
from openccp.cli.inputs import read_inputs, read_json_inputs
from openccp.cli.output import say, terminal_safe, write, write_json
from openccp.cli.remote import RemoteCommand, connect, end_as, remote_options
from openccp.cli.watch import watch_or_leave
from openccp.client import CCPError, Client, Job


@click.command(cls=RemoteCommand)
@click.argument("method", shell_complete=method_ids)
@click.option(
    "-i",
    "--input",
    "given",
    multiple=True,
    metavar="KEY=VALUE",
    shell_complete=input_names,
    help="An input. KEY=@FILE takes a file's content, KEY=- standard input's. May be repeated.",
)
@click.option("--input-json", metavar="FILE", help="Inputs from a JSON file (- for stdin).")
@click.option("-w", "--watch", is_flag=True, help="Show log and progress until it has ended.")
@click.option(
    "-o",
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Wait, and bring the files it leaves into DIR.",
)
@click.option("--overwrite", is_flag=True, help="Replace files that are already in DIR.")
@click.option("--note", metavar="TEXT", help="Words to tell this run from others.")
@remote_options
@click.pass_context
def run(ctx: click.Context, /, method: str, url: str | None, **options: Any) -> None:
    """Run METHOD; prints the id of the job.

    \b
    ccp run hello-bash
    ccp run csv-summary -i table=@penguins.csv --watch --out results
    """
    as_json, out = options["as_json"], options["out"]
    with connect(url) as ccp:
        job = _start(ccp, method, options)
        if not (options["watch"] or out):
            _print_job(job, as_json)
            return
        say(f"Job {job.id}")
        watch_or_leave(ctx, ccp, job, log_to_stderr=as_json)
        files = _bring(job, out, options["overwrite"])
        if as_json:
            _print_job(job, True, files)
        else:
            write("".join(f"{terminal_safe(str(file))}\n" for file in files))
        end_as(job)


def _start(ccp: Client, method: str, options: dict[str, Any]) -> Job:
    from_file = options["input_json"]
    inputs = read_json_inputs(from_file) if from_file else {}
    if options["given"]:
        inputs.update(read_inputs(options["given"], ccp.describe(method)))
    try:
        return ccp.run(method, inputs, note=options["note"])
    except KeyboardInterrupt:
        say("Interrupted. The job may have been started: see `ccp jobs`.")
        raise


def _print_job(job: Job, as_json: bool, files: list[Path] | None = None) -> None:
    if as_json:
        written = {} if files is None else {"files": [str(file) for file in files]}
        write_json({**job.document, **written})
    else:
        write(f"{job.id}\n")


def _bring(job: Job, out: Path | None, overwrite: bool) -> list[Path]:
    if out is None or job.status == "dismissed":
        return []
    try:
        return job.download(out, overwrite=overwrite)
    except CCPError:
        if job.status == "successful":
            raise
        return []
