"""The operations on processes."""

from openccp.core.method import InvalidMethod
from openccp.core.problems import (
    DuplicatedProcess,
    Forbidden,
    ImmutableProcess,
    InvalidRequest,
    KeyReused,
    NoSuchOutput,
)
from openccp.web.operations.parameters import (
    AFTER,
    IDEMPOTENCY_KEY,
    LIMIT,
    PREFER,
    VISIBILITY,
)
from openccp.web.operations.shape import (
    ANY,
    JSON,
    Answer,
    Operation,
    json_answer,
    nothing,
    page,
)

EXECUTED = (
    Answer(200, "The results, when executed synchronously.", {ANY: "bytes"}, ("Link",)),
    json_answer("statusInfo", "The job was made.", "Location", "Preference-Applied", status=201),
    nothing("No results, or all by reference in Link headers.", "Link"),
)
EXECUTE = Operation(
    "post",
    "/processes/{processID}/execution",
    "execute",
    "Execute a process",
    EXECUTED,
    parameters=(PREFER, IDEMPOTENCY_KEY),
    refusals=(InvalidRequest, NoSuchOutput, KeyReused),
    body={JSON: "execute"},
)
OPERATIONS = (
    Operation(
        "get",
        "/processes",
        "listProcesses",
        "The processes you may run",
        (page("processList", "A page of processes."),),
        parameters=(LIMIT, AFTER),
    ),
    Operation(
        "post",
        "/processes",
        "deployProcess",
        "Deploy a method.json",
        (json_answer("processSummary", "Deployed.", "Location", status=201),),
        parameters=(VISIBILITY,),
        refusals=(InvalidMethod, DuplicatedProcess, ImmutableProcess, Forbidden),
        body={JSON: "method"},
    ),
    Operation(
        "get",
        "/processes/{processID}",
        "describeProcess",
        "Inputs, outputs and how to execute",
        (page("process", "The process."),),
    ),
    Operation(
        "put",
        "/processes/{processID}",
        "replaceProcess",
        "Deploy a new revision",
        (json_answer("processSummary", "Replaced.", "Location"),),
        parameters=(VISIBILITY,),
        refusals=(InvalidMethod, ImmutableProcess, Forbidden),
        body={JSON: "method"},
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
        (Answer(200, "The package as it was sent.", {ANY: "bytes"}),),
    ),
    EXECUTE,
)
