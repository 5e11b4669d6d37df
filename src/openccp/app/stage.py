"""From a job and its request to the task an infrastructure runs, and the plan to judge it by."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from openccp.app.services import Rules
from openccp.core.cwl.compile import Given, Run, compiled
from openccp.core.decide import Plan
from openccp.core.identity import PUBLIC_CLIENT
from openccp.core.job import Job, Stage
from openccp.core.method import ALL_FILES, Kind, Method, Output, Revision, Scripts
from openccp.core.packages.tools import tool_of
from openccp.core.ports import Limits, Task
from openccp.core.request import ExecuteRequest, script_text
from openccp.core.script import render

INPUTS_FILE = "inputs.json"
LOGS = ("stdout", "stderr")
LEAST_MEMORY = 16 << 20
"""What a package cannot go below: to a container runtime 0 bytes are no limit at all."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is fixed for a job: its method's revision, its request, and the limits it runs in."""

    revision: Revision
    request: ExecuteRequest
    limits: Limits
    plan: Plan
    issuer: str = ""

    @property
    def wanted(self) -> Mapping[str, Output]:
        """The declared outputs that were asked for; stdout and stderr are kept for every job."""
        asked = self.request.outputs
        declared = self._found_by_tool(self.revision.method.outputs)
        if asked is None or ALL_FILES in asked:
            return declared
        return {name: output for name, output in declared.items() if name in asked}

    def _found_by_tool(self, declared: Mapping[str, Output]) -> Mapping[str, Output]:
        """The outputs where this job's tool leaves them: names may come from its inputs."""
        made = run_of(self)
        if made is None:
            return declared
        found = {
            name: replace(declared[name], path=first, also=tuple(more))
            for name, (first, *more) in made.paths.items()
            if name in declared
        }
        return {**declared, **found}


def case(revision: Revision, request: ExecuteRequest, rules: Rules, place: str) -> Case:
    """The plan of one job: a user may only lower the operator's limit on time, there."""
    limits = _lowered(revision.method, rules.policy(place).limits_of(request.size))
    seconds = min(request.max_time or limits.wall_seconds, limits.wall_seconds)
    limits = replace(limits, wall_seconds=seconds)
    plan = Plan(
        wall_seconds=seconds,
        undeploy=bool(revision.method.scripts.undeploy.strip()),
        undeploy_seconds=rules.undeploy_seconds,
        attempts=rules.attempts,
        grace=rules.grace,
    )
    return Case(revision, request, limits, plan, rules.issuer)


def run_of(it: Case) -> Run | None:
    """What a job of a deployed package runs; None for a method with scripts."""
    method, request = it.revision.method, it.request
    process = tool_of(method)
    if process is None:
        return None
    return compiled(process, Given(request.inputs, _input_files(method, request), it.limits))


def _lowered(method: Method, limits: Limits) -> Limits:
    """A package may lower the operator's limits, never raise them."""
    process = tool_of(method)
    if process is None:
        return limits
    asked = process.most
    return replace(
        limits,
        wall_seconds=min(limits.wall_seconds, asked.seconds),
        memory_bytes=int(min(limits.memory_bytes, max(LEAST_MEMORY, asked.memory * 2**20))),
        cpus=min(limits.cpus, asked.cores),
    )


def task(job: Job, stage: Stage, it: Case) -> Task:
    """The task of one stage of the current attempt."""
    method, request = it.revision.method, it.request
    limits, files, scripts = it.limits, _input_files(method, request), _rendered(method)
    if stage is Stage.RUN and (made := run_of(it)) is not None:
        files = {**files, **made.files}
        scripts = replace(scripts, execute=made.script)
    if stage is Stage.UNDEPLOY:
        limits = replace(limits, wall_seconds=it.plan.undeploy_seconds)
    return Task(
        key=job.key(stage),
        image=request.image,
        scripts=scripts,
        values={name: script_text(value) for name, value in request.inputs.items()},
        files=files,
        secrets=request.secrets,
        environment={
            "CCP_JOB": job.id,
            "ccpcontext": job.context,
            "ccpiamurl": f"{it.issuer}/token",
            "ccpclientid": PUBLIC_CLIENT,
        },
        replicas=request.replicas if stage is Stage.RUN else 1,
        network=method.network,
        limits=limits,
        root=method.root,
        gpus=method.gpus,
    )


def _input_files(method: Method, request: ExecuteRequest) -> Mapping[str, bytes]:
    files: dict[str, bytes] = {}
    listing: dict[str, object] = {}
    for name, value in request.inputs.items():
        declared = method.inputs.get(name)
        if declared is not None and declared.kind is Kind.FILE and isinstance(value, str):
            files[name] = base64.b64decode(value)
            listing[name] = {"href": f"/ccp_in/{name}"}
        elif declared is not None and declared.kind is Kind.FILE and isinstance(value, list):
            several = {f"{i}.{name}": base64.b64decode(one) for i, one in enumerate(value)}
            files |= {name: script_text(value).encode(), **several}
            listing[name] = [{"href": f"/ccp_in/{one}"} for one in several]
        else:
            files[name] = script_text(value).encode("utf-8", "surrogatepass")
            listing[name] = value
    files[INPUTS_FILE] = json.dumps(listing, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return files


@lru_cache(maxsize=256)
def _rendered(method: Method) -> Scripts:
    scripts, kinds = method.scripts, {i.id: i.kind for i in method.inputs.values()}
    return Scripts(
        deploy=render(scripts.deploy, kinds, pointer="/deploy-script"),
        execute=render(scripts.execute, kinds, pointer="/execute-script"),
        undeploy=render(scripts.undeploy, kinds, pointer="/undeploy-script"),
    )
