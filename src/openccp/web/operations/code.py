"""The operations that write programs."""

from openccp.codegen.languages import LANGUAGES
from openccp.core.problems import InvalidRequest, NotFound
from openccp.web.operations.shape import ANY, FORM, HTML, JSON, Answer, Operation, Parameter

LANGUAGE = Parameter(
    "language",
    "query",
    "In which language; left out: which there are.",
    {"type": "string", "enum": list(LANGUAGES)},
)
HEADERS = ("Content-Disposition",)
WRITTEN = {one.media_type: "object" for one in LANGUAGES.values() if "json" in one.media_type}
"""Programs that are JSON themselves, such as notebooks."""
PROGRAM = Answer(
    200, "The program, as a file; of a form a page.", WRITTEN | {HTML: "html", ANY: "text"}, HEADERS
)
FOUND = Answer(
    200,
    "The languages, or the program.",
    {JSON: "languageList", HTML: "html", **WRITTEN, ANY: "text"},
    HEADERS,
)
OPERATIONS = (
    Operation(
        "get",
        "/processes/{processID}/code",
        "getProcessCode",
        "A program that executes a process, with its inputs in the address",
        (FOUND,),
        parameters=(LANGUAGE,),
        refusals=(InvalidRequest,),
    ),
    Operation(
        "post",
        "/processes/{processID}/code",
        "writeProcessCode",
        "A program that sends this request, or what stands in the form of the process",
        (PROGRAM,),
        parameters=(LANGUAGE,),
        refusals=(InvalidRequest,),
        body={JSON: "execute", "multipart/form-data": "codeForm", FORM: "codeForm"},
    ),
    Operation(
        "get",
        "/jobs/{jobID}/code",
        "getJobCode",
        "A program that does again what a job did",
        (FOUND,),
        parameters=(LANGUAGE,),
        refusals=(InvalidRequest, NotFound),
    ),
)
