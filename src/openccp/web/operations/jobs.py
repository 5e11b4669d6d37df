"""The operations on jobs."""

from openccp.core.problems import (
    InvalidRequest,
    JobDismissed,
    JobFailed,
    KeyReused,
    Locked,
    NoSuchOutput,
    NoSuchProcess,
    NotFound,
    PreconditionFailed,
    RangeNotSatisfiable,
    ResultNotAvailable,
    ResultNotReady,
    UnsupportedDefinition,
    UnsupportedSchema,
)
from openccp.web.operations.job_filter import JOB_FILTER
from openccp.web.operations.parameters import (
    ACCEPT_PROFILE,
    CONTENT_SCHEMA,
    FILE,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    LAST_EVENT_ID,
    OUTPUTS,
    PROFILE,
    REPLICA,
    STREAM,
)
from openccp.web.operations.shape import (
    JSON,
    RAW,
    UNCHANGED,
    Answer,
    Operation,
    file_answers,
    json_answer,
    nothing,
    page,
)

EVENTS = "text/event-stream"
NO_RESULT = (ResultNotReady, ResultNotAvailable, JobFailed, JobDismissed)
NO_OUTPUT = (*NO_RESULT, NoSuchOutput)
DEFINED = {JSON: "definition", "application/ogcapi-processes+json": "definition"}
NO_DEFINITION = (InvalidRequest, NoSuchProcess, UnsupportedDefinition, UnsupportedSchema)
CREATED = (
    Operation(
        "post",
        "/jobs",
        "createJob",
        "Create a job that is checked and not started",
        (json_answer("statusInfo", "The job was created.", "Location", status=201),),
        parameters=(CONTENT_SCHEMA, IDEMPOTENCY_KEY),
        refusals=(*NO_DEFINITION, KeyReused),
        body=DEFINED,
    ),
    Operation(
        "patch",
        "/jobs/{jobID}",
        "updateJob",
        "Change the definition of a created job (JSON Merge Patch)",
        (json_answer("statusInfo", "The status of the job."),),
        parameters=(CONTENT_SCHEMA, IF_MATCH),
        refusals=(*NO_DEFINITION, NotFound, PreconditionFailed, Locked),
        body={**DEFINED, "application/merge-patch+json": "definition"},
    ),
    Operation(
        "post",
        "/jobs/{jobID}/results",
        "startJob",
        "Start a created job, once",
        (json_answer("statusInfo", "The status of the job."),),
        parameters=(IF_MATCH,),
        refusals=(InvalidRequest, NoSuchProcess, NotFound, JobDismissed, PreconditionFailed),
        body={JSON: "object"},
        body_optional=True,
    ),
    Operation(
        "get",
        "/jobs/{jobID}/definition",
        "getJobDefinition",
        "What was sent to make the job, without secrets",
        (page("definition", "The definition."),),
        refusals=(NotFound,),
    ),
    Operation(
        "get",
        "/jobs/{jobID}/inputs",
        "getJobInputs",
        "Inputs and outputs of the job, with their defaults",
        (page("jobInputs", "Inputs and outputs."),),
        refusals=(NotFound,),
    ),
)
OPERATIONS = (
    *CREATED,
    Operation(
        "get",
        "/jobs",
        "listJobs",
        "Your jobs, newest first",
        (page("jobList", "A page of jobs.", "Link"),),
        parameters=JOB_FILTER,
    ),
    Operation(
        "get",
        "/jobs/{jobID}",
        "getJob",
        "The status of a job",
        (page("statusInfo", "The status of the job.", "ETag"), UNCHANGED),
        parameters=(IF_NONE_MATCH,),
    ),
    Operation(
        "delete",
        "/jobs/{jobID}",
        "dismissJob",
        "Cancel a live job, remove a finished one",
        (json_answer("statusInfo", "The status of the job."),),
        parameters=(IF_MATCH,),
        refusals=(PreconditionFailed,),
    ),
    Operation(
        "get",
        "/jobs/{jobID}/results",
        "getResults",
        "The results",
        (
            Answer(200, "The results.", RAW, ("Link", "ETag", "Content-Disposition")),
            nothing("No results, or all by reference in Link headers.", "Link"),
            *file_answers()[1:],
        ),
        parameters=(OUTPUTS, PROFILE, ACCEPT_PROFILE, *FILE),
        refusals=(*NO_OUTPUT, RangeNotSatisfiable),
    ),
    Operation(
        "get",
        "/jobs/{jobID}/results/{outputID}",
        "getResult",
        "One output",
        file_answers(),
        parameters=FILE,
        refusals=(*NO_OUTPUT, RangeNotSatisfiable),
    ),
    Operation(
        "get",
        "/jobs/{jobID}/results/{outputID}/{index}",
        "getResultValue",
        "One of several values of an output",
        file_answers(),
        parameters=FILE,
        refusals=(*NO_OUTPUT, RangeNotSatisfiable),
    ),
    Operation(
        "get",
        "/jobs/{jobID}/logs",
        "getLogs",
        "What the job writes: text, or server-sent events",
        (
            Answer(
                200, "Text of one stream, or events.", {"text/plain": "bytes", EVENTS: "anything"}
            ),
            *file_answers("text/plain")[1:],
        ),
        parameters=(STREAM, REPLICA, LAST_EVENT_ID, *FILE),
        refusals=(RangeNotSatisfiable,),
    ),
    Operation(
        "get",
        "/jobs/{jobID}/events",
        "getEvents",
        "The job's events as server-sent events",
        (Answer(200, "Events until the job has ended.", {EVENTS: "anything"}),),
        parameters=(LAST_EVENT_ID,),
    ),
)
