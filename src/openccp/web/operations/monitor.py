"""The operations of the pages on which people watch and keep their jobs."""

from openccp.core.problems import InvalidRequest, MalformedBody, PreconditionFailed
from openccp.web.operations.job_filter import JOB_FILTER
from openccp.web.operations.parameters import IF_MATCH, IF_NONE_MATCH
from openccp.web.operations.shape import (
    FORM,
    JSON,
    UNCHANGED,
    Operation,
    json_answer,
    nothing,
    page,
)

SEE_PAGE = nothing("Done; the page of the job is at Location.", "Location", status=303)
OPERATIONS = (
    Operation(
        "post",
        "/jobs/bulk",
        "changeJobs",
        "Cancel, delete or tag many jobs: those named, or with `all` those that the query finds",
        (page("severalDone", "To which jobs it was done; `next` goes on where there are more."),),
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
)
