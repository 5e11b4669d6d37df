"""`ccp jobs`, `ccp logs` and `ccp cancel`."""

from collections.abc import Iterator
from typing import Any

import click

from openccp.cli.completion import job_ids
from openccp.cli.output import say, table, write, write_json
from openccp.cli.remote import RemoteCommand, connect, end_as, remote_options
from openccp.cli.screen import Lines, written_to
from openccp.client import Job, LogText

WHEN = click.DateTime(("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"))
STATUSES = ("created", "accepted", "running", "successful", "failed", "dismissed")


@click.command(cls=RemoteCommand)
@click.option("--status", multiple=True, type=click.Choice(STATUSES), help="Only jobs so.")
@click.option("--method", multiple=True, metavar="METHOD", help="Only jobs of this method.")
@click.option("--since", type=WHEN, metavar="TIME", help="Only jobs created then or later.")
@click.option("--until", type=WHEN, metavar="TIME", help="Only jobs created then or earlier.")
@click.option("-q", "--query", metavar="TEXT", help="Only jobs that mention these words.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@remote_options
def jobs(url: str | None, as_json: bool, query: str | None, **wanted: Any) -> None:
    """List your jobs, newest first.

    TIME is like 2026-01-31 or 2026-01-31T12:00:00, in the time of this machine.
    """
    with connect(url) as ccp:
        found = ccp.jobs(search=query, **wanted)
    if as_json:
        write_json([job.document for job in found])
        return
    heads = ("JOB", "METHOD", "STATUS", "CREATED", "NOTE")
    write(table(heads, [_row(job) for job in found]) if found else "No jobs.\n")


def _row(job: Job) -> tuple[str, str, str, str, str]:
    percent = f" {job.progress}%" if job.progress is not None and not job.finished else ""
    created = str(job.document.get("created", ""))[:19].replace("T", " ")
    note = str(job.document.get("note") or "")
    return job.id, job.method, f"{job.status}{percent}", created, note


@click.command(cls=RemoteCommand)
@click.argument("job", shell_complete=job_ids)
@click.option("-f", "--follow", is_flag=True, help="Go on until the job has ended.")
@remote_options
def logs(job: str, url: str | None, as_json: bool, follow: bool) -> None:
    """Print what a job wrote.

    Its standard output goes to standard output, its standard error to standard error.
    """
    with connect(url) as ccp:
        the_job = ccp.job(job)
        pieces = the_job.logs(follow=follow or the_job.finished)
        if as_json:
            write_json([_piece(piece) for piece in pieces])
        else:
            _print(pieces)
        if follow:
            end_as(the_job)


def _print(pieces: Iterator[LogText]) -> None:
    lines = Lines()
    for piece in pieces:
        write(lines.take(piece), written_to(piece.stream))
    for stream, text in lines.rest():
        write(text, written_to(stream))


def _piece(piece: LogText) -> dict[str, object]:
    return {"stream": piece.stream, "replica": piece.replica, "text": piece.text}


@click.command(cls=RemoteCommand)
@click.argument("job", shell_complete=job_ids)
@remote_options
def cancel(job: str, url: str | None, as_json: bool) -> None:
    """Stop a job. A job that has already ended is left as it is."""
    with connect(url) as ccp:
        stopped = ccp.job(job).cancel()
    if as_json:
        write_json(stopped.document)
    else:
        say(f"Job {stopped.id}: {stopped.status}")
