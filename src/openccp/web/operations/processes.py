"""The operations on processes."""

from openccp.core.cwl.process import WorkflowNotFound
from openccp.core.method import InvalidMethod
from openccp.core.packages.media import ACCEPTED
from openccp.core.problems import (
    DuplicatedProcess,
    Forbidden,
    ImmutableProcess,
    InvalidQueryParameter,
    InvalidRequest,
    JobDismissed,
    JobFailed,
    KeyReused,
    NoSuchOutput,
    NotAcceptable,
)
from openccp.web.operations.parameters import (
    AFTER,
    BEFORE,
    IDEMPOTENCY_KEY,
    LIMIT,
    PREFER,
    PREFER_REPRESENTATION,
    PROFILES,
    VISIBILITY,
    WISHES,
    WORKFLOW,
)
from openccp.web.operations.shape import (
    JSON,
    RAW,
    Answer,
    Operation,
    json_answer,
    nothing,
    page,
)

PACKAGES = {
    media_type: "method" if media_type == JSON else "object" if "json" in media_type else "bytes"
    for media_type in ACCEPTED
}
EXECUTED = (
    Answer(
        200,
        "The results, when executed synchronously.",
        RAW,
        ("Link", "Preference-Applied", "ETag", "Content-Disposition"),
    ),
    json_answer("statusInfo", "The job was made.", "Location", "Preference-Applied", status=201),
    nothing("No results, or all by reference in Link headers.", "Link", "Preference-Applied"),
)
EXECUTE = Operation(
    "post",
    "/processes/{processID}/execution",
    "execute",
    "Execute a process",
    EXECUTED,
    parameters=(PREFER, IDEMPOTENCY_KEY, *WISHES),
    refusals=(InvalidRequest, NoSuchOutput, KeyReused, JobFailed, JobDismissed, NotAcceptable),
    body={JSON: "execute"},
)
EXECUTE_ADDRESS = Operation(
    "get",
    "/processes/{processID}/execution",
    "executeByAddress",
    "Execute a process with its inputs in the address",
    EXECUTED,
    parameters=(PREFER, *WISHES),
    refusals=(
        Forbidden,
        InvalidQueryParameter,
        NoSuchOutput,
        JobFailed,
        JobDismissed,
        NotAcceptable,
    ),
)
OPERATIONS = (
    Operation(
        "get",
        "/processes",
        "listProcesses",
        "The processes you may run",
        (page("processList", "A page of processes."),),
        parameters=(LIMIT, AFTER, BEFORE, *PROFILES),
    ),
    Operation(
        "post",
        "/processes",
        "deployProcess",
        "Deploy a method.json, an OGC application package, or CWL",
        (json_answer("processSummary", "Deployed.", "Location", status=201),),
        parameters=(VISIBILITY, WORKFLOW),
        refusals=(InvalidMethod, WorkflowNotFound, DuplicatedProcess, ImmutableProcess, Forbidden),
        body=PACKAGES,
    ),
    Operation(
        "get",
        "/processes/{processID}",
        "describeProcess",
        "Inputs, outputs and how to execute",
        (page("process", "The process."),),
        parameters=PROFILES,
    ),
    Operation(
        "put",
        "/processes/{processID}",
        "replaceProcess",
        "Deploy a new revision",
        (
            nothing("Replaced."),
            json_answer(
                "processSummary",
                "Replaced, to Prefer: return=representation.",
                "Location",
                "Preference-Applied",
            ),
        ),
        parameters=(VISIBILITY, WORKFLOW, PREFER_REPRESENTATION),
        refusals=(InvalidMethod, WorkflowNotFound, ImmutableProcess, Forbidden),
        body=PACKAGES,
    ),
    Operation(
        "delete",
        "/processes/{processID}",
        "undeployProcess",
        "Remove a process; its jobs' records stay",
        (nothing("Removed."),),
        refusals=(ImmutableProcess, Forbidden),
    ),
    Operation(
        "get",
        "/processes/{processID}/package",
        "getPackage",
        "What was deployed",
        (Answer(200, "The package as it was sent.", RAW),),
    ),
    EXECUTE,
    EXECUTE_ADDRESS,
)
