"""What whoever has a link to a job may do: some of what its owner may, below another address."""

from dataclasses import replace

from openccp.core.problems import NoSuchJob, NotFound
from openccp.web.operations import executions, jobs
from openccp.web.operations.shape import Operation, page

BELOW = "/shared/{share}"
FOR_GUESTS = frozenset(
    {
        "getResults",
        "getResult",
        "getResultValue",
        "getLogs",
        "getArchive",
        "getOutputFile",
        "getPreview",
        "getLogFile",
    }
)


def _shared(operation: Operation) -> Operation:
    return replace(
        operation,
        path=BELOW + operation.path,
        id=f"shared{operation.id[:1].upper()}{operation.id[1:]}",
        summary=f"{operation.summary}, by a link",
        refusals=(*operation.refusals, NotFound),
        open=True,
    )


OPERATIONS = (
    Operation(
        "get",
        BELOW,
        "getShared",
        "A job, how it went and its files, by a link to it",
        (page("sharedJob", "The job."),),
        refusals=(NoSuchJob,),
        open=True,
    ),
    *(
        _shared(operation)
        for operation in (*jobs.OPERATIONS, *executions.OPERATIONS)
        if operation.id in FOR_GUESTS
    ),
)
