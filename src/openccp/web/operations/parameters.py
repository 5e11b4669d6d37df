"""The parameters that several operations take."""

from openccp.web.operations.shape import WHOLE, Parameter

PLACES = {
    "language": "A language of the pages.",
    "processID": "The id of a process.",
    "jobID": "The id of a job.",
    "deliveryID": "The id of a delivery, which is its webhook-id.",
    "outputID": "The id of an output.",
    "index": "Which of the output's values, from 0.",
    "path": "The path of a file below /ccp_data; it may hold slashes.",
    "name": "The name of a file.",
    "infrastructureID": "The id of an infrastructure.",
    "digest": "What the file's content is known by.",
    "asset": "The name of a file of the pages.",
    "attempt": "An attempt of a job, as its infrastructure calls it.",
    "stage": "run or undeploy.",
    "uploadID": "The id of an upload.",
    "share": "The secret of a link that shares a job.",
    "shareID": "The id of such a link.",
    "realm": "Any name; there is one realm.",
}
LIMIT = Parameter(
    "limit",
    "query",
    "At most so many entries; more than 10,000 is taken as 10,000.",
    {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 10},
)
AFTER = Parameter("after", "query", "Where the page begins; follow the links with rel next.")
BEFORE = Parameter("before", "query", "Where the page ends; follow the links with rel prev.")
SEARCH = (
    Parameter(
        "q", "query", "Words of it; typos are forgiven.", {"type": "string", "maxLength": 200}
    ),
    Parameter("category", "query", "Only this category."),
    Parameter("author", "query", "Only by this author."),
    Parameter("keyword", "query", "Only with this keyword."),
    Parameter("context", "query", "Only what is shared in this context."),
    Parameter("infrastructure", "query", "Only what can run there now."),
    Parameter(
        "sort",
        "query",
        "The order of what is found.",
        {"type": "string", "enum": ["relevance", "title", "newest"], "default": "relevance"},
    ),
    Parameter(
        "page",
        "query",
        "Which page of what is found.",
        {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 1},
    ),
)
"""With one of these the list of processes is a search."""
OUTPUTS = Parameter(
    "outputs",
    "query",
    "Only these outputs.",
    {"type": "array", "items": {"type": "string"}, "minItems": 1},
    listed=True,
)
PROFILE = Parameter(
    "profile", "query", "Profiles by URI or id, with commas; unknown ones are ignored."
)
ACCEPT_PROFILE = Parameter("Accept-Profile", "header", "The same as the parameter profile.")
RESULT_FORM = Parameter(
    "f",
    "query",
    "raw (one value as it is), json, multipart or html; goes before Accept.",
    {"type": "string", "enum": ["raw", "json", "multipart", "html"]},
)
PROFILES = (PROFILE, ACCEPT_PROFILE)
WISHES = (RESULT_FORM, *PROFILES)
VISIBILITY = Parameter(
    "visibility",
    "query",
    "Who may see and run the process.",
    {"type": "string", "enum": ["private", "public"], "default": "private"},
)
FROM_JOB = Parameter("job", "query", "A job of yours whose values the form shows.")
FILL = Parameter(
    "fill", "query", "example: the author's examples.", {"type": "string", "enum": ["example"]}
)
FORM_VIEW = Parameter(
    "view",
    "query",
    "How the request is shown.",
    {"type": "string", "enum": ["form", "json", "yaml"]},
)
VERSIONS = (
    Parameter("from", "query", "The number of a version; left out: the one before.", WHOLE),
    Parameter("to", "query", "The number of a version; left out: the current one.", WHOLE),
)
WORKFLOW = Parameter("w", "query", "Which workflow of a CWL $graph is meant.")
PREFER_REPRESENTATION = Parameter(
    "Prefer", "header", "return=representation: answer with the summary, and with warnings."
)
PREFER = Parameter(
    "Prefer",
    "header",
    "respond-async, wait=SECONDS, return=minimal or return=representation, profile=...",
)
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key", "header", "The same key again gives the same job, for 24 hours."
)
RANGE = Parameter("Range", "header", "A part of the file: bytes=FIRST-LAST.")
IF_NONE_MATCH = Parameter("If-None-Match", "header", "An ETag had before: answered by 304.")
IF_MATCH = Parameter("If-Match", "header", "Act only if the ETag is still this one.")
CONTENT_SCHEMA = Parameter(
    "Content-Schema", "header", "The schema of the body: OGC's execute or execute-workflows."
)
LAST_EVENT_ID = Parameter("Last-Event-ID", "header", "Go on behind this event.")
FILE = (RANGE, IF_NONE_MATCH)
SOME_FILES = Parameter(
    "path",
    "query",
    "Only this file; given again, these files.",
    {"type": "array", "items": {"type": "string"}},
)
STREAM = Parameter(
    "stream", "query", "Which stream.", {"type": "string", "enum": ["stdout", "stderr"]}
)
REPLICA = Parameter("replica", "query", "Which replica, from 0.", {**WHOLE, "minimum": 0})
