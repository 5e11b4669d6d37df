"""Watch a job to its end: its log in this thread, how it stands in another."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click

from openccp.cli.output import say
from openccp.cli.remote import INTERRUPTED
from openccp.cli.screen import Screen
from openccp.client import CCPError, Client, Job, JobDismissed, JobFailed, Refused

LOOK_EVERY = 1.0
DETACH, CANCEL, WATCH = "d", "c", "w"


def watch(ccp: Client, job: Job, *, log_to_stderr: bool = False) -> None:
    """Show the job until it has ended; `job` is then as it ended. KeyboardInterrupt passes."""
    with Screen(log_to_stderr=log_to_stderr) as screen, _looking_at(ccp, job, screen):
        try:
            for piece in job.logs(follow=True):
                screen.log(piece)
        except Refused:
            _wait(job)
    say(f"Job {job.id}: {job.status}")


def _wait(job: Job) -> None:
    with suppress(JobFailed, JobDismissed):
        job.wait()


@contextmanager
def _looking_at(ccp: Client, job: Job, screen: Screen) -> Iterator[None]:
    over = threading.Event()
    screen.state(job)
    looking = threading.Thread(target=_look, args=(ccp, job.id, screen, over), daemon=True)
    looking.start()
    try:
        yield
    finally:
        over.set()
        looking.join(LOOK_EVERY)


def _look(ccp: Client, job_id: str, screen: Screen, over: threading.Event) -> None:
    while not over.wait(LOOK_EVERY):
        try:
            job = ccp.job(job_id)
        except CCPError:
            continue
        if not over.is_set():
            screen.state(job)


def watch_or_leave(
    ctx: click.Context, ccp: Client, job: Job, *, log_to_stderr: bool = False
) -> None:
    """Watch; on Ctrl-C ask at a terminal whether to detach or cancel, detach elsewhere."""
    while not job.finished:
        try:
            watch(ccp, job, log_to_stderr=log_to_stderr)
        except KeyboardInterrupt:
            _interrupted(ctx, job)


def _interrupted(ctx: click.Context, job: Job) -> None:
    asked = sys.stdin.isatty() and sys.stderr.isatty()
    choice = _choice(job) if asked else DETACH
    if choice == CANCEL:
        say("Cancelling ...")
        job.cancel()
    if choice == DETACH:
        say(f"The job goes on. See it with: ccp logs -f {job.id}")
        ctx.exit(0 if asked else INTERRUPTED)


def _choice(job: Job) -> str:
    say(f"\nJob {job.id} is {job.status}.")
    try:
        answer: str = click.prompt(
            "[d]etach and let it go on, [c]ancel it, or [w]atch on?",
            type=click.Choice([DETACH, CANCEL, WATCH]),
            default=DETACH,
            show_choices=False,
            err=True,
        )
    except click.Abort:
        return DETACH
    return answer
