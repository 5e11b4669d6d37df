"""A whole platform whose methods run on a swarm, and what of a job is left there."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.engines.swarm import Swarm

from openccp.testing.ledger import leftovers
from openccp.testing.platform import RunningPlatform, User, bash_method

METHOD = bash_method(
    "on-the-swarm",
    'echo "hello {{name}}"; echo "$CCP_IN_name" >greeting.txt; cat /run/secrets/key | wc -c',
    deploy="echo deployed >&2",
    undeploy="cat greeting.txt",
    inputs={
        "name": {"schema": {"type": "string"}},
        "key": {"schema": {"type": "string", "format": "secret"}},
    },
    outputs={"greeting": {"schema": {"type": "string"}, "x-ccp-path": "greeting.txt"}},
    **{"x-ccp-network": False},
)
CARRIED = """\
carrier_image = "python"
platform_url = "http://{host}:{port}"
node_folder = "/srv"
"""
SHARED = 'shared_folder = "{folder}"\n'
SETTINGS = """\
infrastructure_names = {{ local = "swarm" }}
[infrastructures.swarm]
kind = "docker-swarm"
title = "Three nodes"
address = "{address}"
"""


@dataclass(frozen=True)
class Swarmed:
    """The platform, somebody on it, and the swarm."""

    platform: RunningPlatform
    user: User
    swarm: Swarm

    def start_anew(self, **environment: str) -> None:
        """With other variables."""
        self.platform.stop()
        self.platform.environment = environment
        self.platform.start()

    def left(self, job: str, seconds: float = 30) -> list[str]:
        """Everything that is kept of a job: nodes remove containers on their own."""
        until = time.monotonic() + seconds
        while (found := self._there(job)) and time.monotonic() < until:
            time.sleep(0.2)
        return found

    def _there(self, job: str) -> list[str]:
        shared = [str(path) for path in self.platform.data.parent.glob(f"shared/**/*{job}*")]
        return [*leftovers(job, self.platform.data), *shared, *there(self.swarm, job)]


@contextmanager
def swarmed(
    folder: Path, swarm: Swarm, *, shared: bool = False, more: str = ""
) -> Iterator[Swarmed]:
    """One that listens on the bridge while the block lasts."""
    data, between = folder / "data", folder / "shared"
    data.mkdir()
    between.mkdir()
    platform = RunningPlatform(data, arguments=("--host", "0.0.0.0"))
    settings = SETTINGS + (SHARED if shared else CARRIED)
    address = swarm.nodes[0].address
    (data / "openccp.toml").write_text(
        settings.format(address=address, host=swarm.host, port=platform.port, folder=between) + more
    )
    platform.start()
    user = platform.user("ada")
    try:
        assert user.deploy(METHOD).status_code == 201
        yield Swarmed(platform, user, swarm)
    finally:
        user.close()
        platform.stop()


def runs_well(at: Swarmed, name: str) -> None:
    """One job, from its form to its record, with nothing left of it."""
    user = at.user
    status = user.finish("on-the-swarm", {"name": name, "key": "s3cret"})
    assert status["status"] == "successful", (status, at.platform.log()[-3000:])
    job = status["jobID"]
    assert user.http.get(f"/jobs/{job}/results/greeting").text == f"{name}\n"
    assert user.http.get(f"/executions/{job}/logs/stdout").text == f"hello {name}\n6\n"
    assert user.http.get(f"/executions/{job}/logs/stderr").text == "deployed\n"
    assert at.left(job) == []


def starts(swarm: Swarm, job: str, stage: str) -> int:
    """How many containers of a stage were ever started, as the nodes' daemons recorded it."""
    asked = ("--since", "24h", "--until", "0s", "--filter", "event=start")
    shown = ("--format", "{{.Actor.Attributes.name}}")
    found = [node.docker("events", *asked, *shown) for node in swarm.nodes]
    lines = [line for text in found for line in text.splitlines()]
    return sum(f"{job}-" in line and f"-{stage}-" in line for line in lines)


def left_on(swarm: Swarm, job: str, seconds: float = 30) -> list[str]:
    """Everything of a job that the swarm or a node keeps."""
    until = time.monotonic() + seconds
    while (found := there(swarm, job)) and time.monotonic() < until:
        time.sleep(0.2)
    return found


def there(swarm: Swarm, job: str) -> list[str]:
    """What there is now."""
    first = swarm.nodes[0]
    objects = [
        f"{kind} {line}"
        for kind in ("service", "secret", "config", "network")
        for line in first.docker(kind, "ls", "--format", "{{.Name}}").splitlines()
        if job in line
    ]
    containers = [
        f"container {line}"
        for node in swarm.nodes
        for line in node.docker("ps", "-a", "--format", "{{.Names}}").splitlines()
        if job in line
    ]
    files = [str(path) for node in swarm.nodes for path in (node.place / "srv").glob(f"*/*{job}*")]
    return [*objects, *containers, *files]
