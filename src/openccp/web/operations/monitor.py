"""The operations of the pages on which people watch and keep their jobs."""

from openccp.app.again import SecretsNeeded
from openccp.core.problems import (
    InvalidQueryParameter,
    InvalidRequest,
    KeyReused,
    MalformedBody,
    NoSuchProcess,
    NotFound,
    PreconditionFailed,
)
from openccp.web.operations.job_filter import JOB_FILTER
from openccp.web.operations.parameters import IDEMPOTENCY_KEY, IF_MATCH, IF_NONE_MATCH
from openccp.web.operations.shape import (
    FORM,
    JSON,
    UNCHANGED,
    Operation,
    Parameter,
    json_answer,
    nothing,
    page,
)

SEE_PAGE = nothing("Done; the page of the job is at Location.", "Location", status=303)
WITH = Parameter("with", "query", "The other job; left out: the run of the process before.")
OPERATIONS = (
    Operation(
        "post",
        "/bulk/jobs",
        "changeJobs",
        "Cancel, delete or tag many jobs: those named, or with `all` those that the query finds",
        (
            page("severalDone", "To which jobs it was done; `next` goes on where there are more."),
            nothing("With compare: the page of two jobs.", "Location", status=303),
        ),
        parameters=JOB_FILTER,
        refusals=(InvalidRequest,),
        body={FORM: "several"},
    ),
    Operation(
        "get",
        "/jobs/{jobID}/labels",
        "getLabels",
        "The note and the tags of a job",
        (page("labels", "What its owner wrote on it.", "ETag"), UNCHANGED),
        parameters=(IF_NONE_MATCH,),
    ),
    Operation(
        "put",
        "/jobs/{jobID}/labels",
        "setLabels",
        "Replace the note and the tags of a job",
        (json_answer("labels", "As they are now.", "ETag"),),
        parameters=(IF_MATCH,),
        refusals=(InvalidRequest, PreconditionFailed),
        body={JSON: "labels"},
    ),
    Operation(
        "post",
        "/jobs/{jobID}/labels",
        "sendLabels",
        "The same by a form",
        (SEE_PAGE,),
        refusals=(InvalidRequest, MalformedBody),
        body={FORM: "labelsForm"},
    ),
    Operation(
        "get",
        "/jobs/{jobID}/report",
        "getReport",
        "How a job went: phases, why it failed and what to try, its place in the queue, with what",
        (page("report", "The report."),),
        refusals=(NotFound, InvalidQueryParameter),
    ),
    Operation(
        "get",
        "/jobs/{jobID}/compare",
        "compareJobs",
        "Two jobs side by side: what they ran, inputs, outputs, durations",
        (page("comparison", "What is the same, and what is not."),),
        parameters=(WITH,),
    ),
    Operation(
        "post",
        "/jobs/{jobID}/again",
        "runAgain",
        "Execute again what was sent for a job",
        (json_answer("statusInfo", "The new job.", "Location", status=201), SEE_PAGE),
        parameters=(IDEMPOTENCY_KEY,),
        refusals=(InvalidRequest, NoSuchProcess, NotFound, KeyReused, SecretsNeeded),
        body={FORM: "againForm"},
        body_optional=True,
    ),
    Operation(
        "get",
        "/jobs/{jobID}/shares",
        "listShares",
        "The links that let others look at a job",
        (page("shareList", "The links that have not ended."),),
    ),
    Operation(
        "post",
        "/jobs/{jobID}/shares",
        "addShare",
        "A link that lets whoever has it look at a job until a day",
        (page("share", "The link; its address is shown this once.", status=201),),
        refusals=(InvalidRequest,),
        body={JSON: "wantedShare", FORM: "wantedShareForm"},
    ),
    Operation(
        "delete",
        "/jobs/{jobID}/shares/{shareID}",
        "endShare",
        "End a link at once",
        (nothing("It has ended."),),
        refusals=(NotFound,),
    ),
    Operation(
        "post",
        "/jobs/{jobID}/shares/{shareID}",
        "endShareByForm",
        "The same by a form",
        (SEE_PAGE,),
        refusals=(NotFound,),
    ),
)
