"""From a job and its request to the task an infrastructure runs, and the plan to judge it by."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from openccp.app.services import Rules
from openccp.core.decide import Plan
from openccp.core.identity import PUBLIC_CLIENT
from openccp.core.job import Job, Stage
from openccp.core.method import ALL_FILES, Kind, Method, Output, Revision, Scripts
from openccp.core.ports import Limits, Task
from openccp.core.request import ExecuteRequest, script_text
from openccp.core.script import render

INPUTS_FILE = "inputs.json"
LOGS = ("stdout", "stderr")


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
        declared = self.revision.method.outputs
        if asked is None or ALL_FILES in asked:
            return declared
        return {name: output for name, output in declared.items() if name in asked}


def case(revision: Revision, request: ExecuteRequest, rules: Rules) -> Case:
    """The plan of one job: a user may only lower the operator's limit on time."""
    seconds = min(request.max_time or rules.limits.wall_seconds, rules.limits.wall_seconds)
    limits = replace(rules.limits, wall_seconds=seconds)
    plan = Plan(
        wall_seconds=seconds,
        undeploy=bool(revision.method.scripts.undeploy.strip()),
        undeploy_seconds=rules.undeploy_seconds,
        attempts=rules.attempts,
        grace=rules.grace,
    )
    return Case(revision, request, limits, plan, rules.issuer)


def task(job: Job, stage: Stage, it: Case) -> Task:
    """The task of one stage of the current attempt."""
    method, request = it.revision.method, it.request
    limits = it.limits
    if stage is Stage.UNDEPLOY:
        limits = replace(limits, wall_seconds=it.plan.undeploy_seconds)
    return Task(
        key=job.key(stage),
        image=request.image,
        scripts=_rendered(method),
        values={name: script_text(value) for name, value in request.inputs.items()},
        files=_input_files(method, request),
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
    )


def _input_files(method: Method, request: ExecuteRequest) -> Mapping[str, bytes]:
    files: dict[str, bytes] = {}
    listing: dict[str, object] = {}
    for name, value in request.inputs.items():
        declared = method.inputs.get(name)
        if declared is not None and declared.kind is Kind.FILE and isinstance(value, str):
            files[name] = base64.b64decode(value)
            listing[name] = {"href": f"/ccp_in/{name}"}
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
