"""What the service offers, operation by operation: the source of the API document."""

from collections.abc import Sequence
from dataclasses import dataclass

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: method, path, words, and what it takes and gives."""

    method: str
    path: str
    id: str
    summary: str
    answers: Sequence[tuple[int, str, str | None]]
    query: Sequence[tuple[str, str, str]] = ()
    headers: Sequence[tuple[str, str]] = ()
    body: tuple[str, str] | None = None
    open: bool = False


LIMIT = ("limit", "integer", "At most so many entries.")
AFTER = ("after", "string", "Where the page begins; follow the links with rel next.")
RANGE = ("Range", "A part of the file: bytes=FIRST-LAST.")
CACHED = ("If-None-Match", "An ETag had before: answered by 304.")
STATUS_INFO = (200, "The status of the job.", "statusInfo")
FILE = ((200, "The bytes.", "*/*"), (206, "The part asked for.", "*/*"), (304, "Unchanged.", None))

OPERATIONS = (
    Operation(
        "get",
        "/",
        "landingPage",
        "Where everything is",
        ((200, "The landing page.", "landingPage"),),
        open=True,
    ),
    Operation(
        "get",
        "/conformance",
        "conformance",
        "What this service conforms to",
        ((200, "The conformance classes.", "confClasses"),),
        open=True,
    ),
    Operation(
        "get", "/api", "api", "This document", ((200, "The API document.", "object"),), open=True
    ),
    Operation(
        "get",
        "/health",
        "health",
        "Whether jobs can be taken and run",
        ((200, "Yes.", "object"), (503, "No.", "object")),
        open=True,
    ),
    Operation(
        "post",
        "/token",
        "token",
        "Get a token (password, refresh_token, client_credentials, UMA ticket)",
        ((200, "A token.", "object"),),
        body=("application/x-www-form-urlencoded", "tokenRequest"),
        open=True,
    ),
    Operation(
        "get",
        "/processes",
        "listProcesses",
        "The processes you may run",
        ((200, "A page of processes.", "processList"),),
        query=(LIMIT, AFTER),
    ),
    Operation(
        "post",
        "/processes",
        "deployProcess",
        "Deploy a method.json",
        ((201, "Deployed.", "processSummary"),),
        query=(("visibility", "string", "private or public."),),
        body=(JSON, "method"),
    ),
    Operation(
        "get",
        "/processes/{processID}",
        "describeProcess",
        "Inputs, outputs and how to execute",
        ((200, "The process.", "process"),),
    ),
    Operation(
        "put",
        "/processes/{processID}",
        "replaceProcess",
        "Deploy a new revision",
        ((200, "Replaced.", "processSummary"),),
        query=(("visibility", "string", "private or public."),),
        body=(JSON, "method"),
    ),
    Operation(
        "delete",
        "/processes/{processID}",
        "undeployProcess",
        "Remove a process; its jobs' records stay",
        ((204, "Removed.", None),),
    ),
    Operation(
        "get",
        "/processes/{processID}/package",
        "getPackage",
        "What was deployed",
        ((200, "The method.json.", "method"),),
    ),
    Operation(
        "post",
        "/processes/{processID}/execution",
        "execute",
        "Execute a process",
        (
            (200, "The results, when executed synchronously.", "*/*"),
            (201, "The job was made.", "statusInfo"),
            (204, "Results by reference, in Link headers.", None),
        ),
        headers=(
            ("Prefer", "respond-async, wait=SECONDS."),
            ("Idempotency-Key", "The same key again gives the same job, for 24 hours."),
        ),
        body=(JSON, "execute"),
    ),
    Operation(
        "get",
        "/jobs",
        "listJobs",
        "Your jobs, newest first",
        ((200, "A page of jobs.", "jobList"),),
        query=(
            LIMIT,
            AFTER,
            ("status", "string", "One or more of the five, with commas."),
            ("processID", "string", "One or more, with commas."),
            ("type", "string", "process."),
        ),
    ),
    Operation("get", "/jobs/{jobID}", "getJob", "The status of a job", (STATUS_INFO,)),
    Operation(
        "delete",
        "/jobs/{jobID}",
        "dismissJob",
        "Cancel a live job, remove a finished one",
        (STATUS_INFO,),
    ),
    Operation(
        "get",
        "/jobs/{jobID}/results",
        "getResults",
        "The results",
        ((200, "The results.", "*/*"), (204, "Results by reference, in Link headers.", None)),
        query=(("outputs", "string", "Only these, with commas."),),
    ),
    Operation(
        "get",
        "/jobs/{jobID}/results/{outputID}",
        "getResult",
        "One output",
        FILE,
        headers=(RANGE, CACHED),
    ),
    Operation(
        "get",
        "/jobs/{jobID}/results/{outputID}/{index}",
        "getResultValue",
        "One of several values of an output",
        FILE,
        headers=(RANGE, CACHED),
    ),
    Operation(
        "get",
        "/jobs/{jobID}/logs",
        "getLogs",
        "What the job writes: text, or server-sent events",
        FILE,
        query=(("stream", "string", "stdout or stderr."), ("replica", "integer", "From 0.")),
        headers=(RANGE, ("Last-Event-ID", "Resume the events.")),
    ),
    Operation(
        "get",
        "/jobs/{jobID}/events",
        "getEvents",
        "The job's events as server-sent events",
        ((200, "Events until the job has ended.", "text/event-stream"),),
        headers=(("Last-Event-ID", "Resume the events."),),
    ),
    Operation(
        "get",
        "/executions",
        "listExecutions",
        "Your executions",
        ((200, "A list.", "executionList"),),
        query=(LIMIT,),
    ),
    Operation(
        "get",
        "/executions/{jobID}",
        "getExecution",
        "The record of an execution",
        ((200, "Status and files.", "object"),),
    ),
    Operation(
        "delete",
        "/executions/{jobID}",
        "deleteExecution",
        "The same as dismissing the job",
        (STATUS_INFO,),
    ),
    Operation(
        "get",
        "/executions/{jobID}/outputs/output.zip",
        "getArchive",
        "All files",
        FILE,
        headers=(RANGE, CACHED),
    ),
    Operation(
        "get",
        "/executions/{jobID}/outputs/{path}",
        "getOutputFile",
        "One file",
        FILE,
        headers=(RANGE, CACHED),
    ),
    Operation(
        "get",
        "/executions/{jobID}/logs/{name}",
        "getLogFile",
        "One log",
        FILE,
        headers=(RANGE, CACHED),
    ),
    Operation(
        "get",
        "/executions/{jobID}/metadata/{name}",
        "getMetadata",
        "One metadata file",
        ((200, "The document.", "object"),),
    ),
    Operation(
        "get",
        "/infrastructures",
        "listInfrastructures",
        "Where processes run",
        ((200, "A list.", "object"),),
    ),
    Operation(
        "get",
        "/infrastructures/{infrastructureID}",
        "getInfrastructure",
        "One infrastructure",
        ((200, "The infrastructure.", "object"),),
    ),
)
