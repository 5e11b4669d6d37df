"""The commands that talk to a server, for `main` to add."""

import click

from openccp.cli.code import code
from openccp.cli.completion import completion
from openccp.cli.deploy import deploy, undeploy
from openccp.cli.jobs import cancel, jobs, logs
from openccp.cli.login import login
from openccp.cli.methods import describe, methods
from openccp.cli.results import results
from openccp.cli.run import run
from openccp.cli.webhook import webhook_secret

COMMANDS: list[click.Command] = [
    methods,
    describe,
    run,
    code,
    deploy,
    undeploy,
    jobs,
    logs,
    results,
    cancel,
    webhook_secret,
    login,
    completion,
]
