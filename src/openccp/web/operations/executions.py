"""CCP's operations on executions, which are the same jobs."""

from openccp.core.problems import (
    NotFound,
    PreconditionFailed,
    ProvenanceNotAvailable,
    RangeNotSatisfiable,
    ResultNotReady,
)
from openccp.web.operations.job_filter import EXECUTIONS_LIMIT, JOB_FILTER
from openccp.web.operations.parameters import FILE, IF_MATCH, SOME_FILES
from openccp.web.operations.shape import Answer, Operation, file_answers, json_answer, page

NO_FILE = (NotFound, ResultNotReady, RangeNotSatisfiable)
OPERATIONS = (
    Operation(
        "get",
        "/executions",
        "listExecutions",
        "Your executions",
        (page("executionList", "A list; its links are in a header.", "Link"),),
        parameters=(EXECUTIONS_LIMIT, *JOB_FILTER[1:]),
    ),
    Operation(
        "get",
        "/executions/{jobID}",
        "getExecution",
        "The record of an execution",
        (page("execution", "Status and files."),),
    ),
    Operation(
        "delete",
        "/executions/{jobID}",
        "deleteExecution",
        "The same as dismissing the job",
        (json_answer("statusInfo", "The status of the job."),),
        parameters=(IF_MATCH,),
        refusals=(PreconditionFailed,),
    ),
    Operation(
        "get",
        "/executions/{jobID}/outputs/output.zip",
        "getArchive",
        "All files, or some",
        file_answers("application/zip"),
        parameters=(*FILE, SOME_FILES),
        refusals=NO_FILE,
    ),
    Operation(
        "get",
        "/executions/{jobID}/outputs/{path}",
        "getOutputFile",
        "One file",
        file_answers(),
        parameters=FILE,
        refusals=NO_FILE,
    ),
    Operation(
        "get",
        "/executions/{jobID}/previews/{path}",
        "getPreview",
        "What a file looks like",
        (page("preview", "Text and numbers of it, bounded."),),
        refusals=(NotFound,),
    ),
    Operation(
        "get",
        "/executions/{jobID}/logs/{name}",
        "getLogFile",
        "One log",
        file_answers("text/plain"),
        parameters=FILE,
        refusals=NO_FILE,
    ),
    Operation(
        "get",
        "/executions/{jobID}/metadata/provo.xml",
        "getProvoXml",
        "How the results came to be, in PROV-XML",
        (Answer(200, "The document.", {"application/provenance+xml": "text"}),),
        refusals=(ProvenanceNotAvailable,),
    ),
    Operation(
        "get",
        "/executions/{jobID}/metadata/{name}",
        "getMetadata",
        "One metadata file",
        (page("anything", "The document."),),
        refusals=(NotFound,),
    ),
)
