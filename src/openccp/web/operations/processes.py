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
    NoSuchJob,
    NoSuchOutput,
    NotAcceptable,
    NotFound,
)
from openccp.web.operations.parameters import (
    AFTER,
    BEFORE,
    FILL,
    FORM_VIEW,
    FROM_JOB,
    IDEMPOTENCY_KEY,
    LIMIT,
    PREFER,
    PREFER_REPRESENTATION,
    PROFILES,
    SEARCH,
    VERSIONS,
    VISIBILITY,
    WISHES,
    WORKFLOW,
)
from openccp.web.operations.shape import (
    FORM,
    HTML,
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
GET_FORM = Operation(
    "get",
    "/processes/{processID}/form",
    "showForm",
    "The inputs as a form to fill in",
    (Answer(200, "The form.", {HTML: "html"}),),
    parameters=(FROM_JOB, FILL, FORM_VIEW),
    refusals=(NoSuchJob, NotFound),
)
NOT_SENT = {
    400: "The form again, with what is wrong at each field.",
    401: "What was written, to be sent again after signing in.",
    413: "The form again: something in it is too large.",
    KeyReused.status: "The form again: its key was used for another request.",
    429: "The form again: it is too much for now.",
    503: "The form again: it cannot be sent now.",
}
SEND_FORM = Operation(
    "post",
    "/processes/{processID}/form",
    "sendForm",
    "Execute a process with what a form says",
    (
        nothing("The job was made.", "Location", status=303),
        nothing("To do=check: as far as can be told it is right."),
        Answer(
            200, "The same request as form, JSON or YAML, to do=form, json or yaml.", {HTML: "html"}
        ),
        *(Answer(status, words, {HTML: "html"}) for status, words in NOT_SENT.items()),
    ),
    refusals=(InvalidRequest, KeyReused),
    body={"multipart/form-data": "inputForm", FORM: "inputForm"},
)
OPERATIONS = (
    Operation(
        "get",
        "/processes",
        "listProcesses",
        "The processes you may run",
        (page("processList", "A page of processes."),),
        parameters=(LIMIT, AFTER, BEFORE, *SEARCH, *PROFILES),
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
        "/processes/{processID}/versions",
        "listVersions",
        "The versions of a process that you may see, the newest first",
        (page("versionList", "The versions."),),
    ),
    Operation(
        "get",
        "/processes/{processID}/versions/changes",
        "showChanges",
        "What changed from one version to another",
        (page("changes", "Descriptor and scripts, by lines."),),
        parameters=VERSIONS,
        refusals=(InvalidQueryParameter,),
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
    GET_FORM,
    SEND_FORM,
)
