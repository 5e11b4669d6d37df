"""What a job list can be asked for."""

from dataclasses import replace

from openccp.core.job import Status
from openccp.web.operations.parameters import AFTER, BEFORE, LIMIT
from openccp.web.operations.shape import Parameter, Schema

SECONDS: Schema = {"type": "number", "minimum": 0}
DAY: Schema = {"type": "string", "format": "date"}
STATUSES = Parameter(
    "status",
    "query",
    "Jobs in one of these states.",
    {"type": "array", "items": {"type": "string", "enum": list(map(str, Status))}},
    listed=True,
)
PROCESSES = Parameter(
    "processID",
    "query",
    "Jobs of one of these processes.",
    {"type": "array", "items": {"type": "string"}, "maxItems": 50},
    listed=True,
)
TYPES = Parameter(
    "type",
    "query",
    "Jobs of one of these types; here all are of type process.",
    {"type": "array", "items": {"type": "string"}},
    listed=True,
)
DATETIME = Parameter(
    "datetime",
    "query",
    "Jobs created then: a time of RFC 3339, or an interval FROM/TO with an end left open by .. "
    "or nothing.",
)
FROM = Parameter("from", "query", "Jobs created on this day (UTC) or later.", DAY)
UNTIL = Parameter("until", "query", "Jobs created on this day (UTC) or earlier.", DAY)
TAGS = Parameter(
    "tag",
    "query",
    "Jobs with all of these tags.",
    {"type": "array", "items": {"type": "string", "maxLength": 50}, "maxItems": 5},
    listed=True,
)
MIN_DURATION = Parameter("minDuration", "query", "Jobs that ran at least so many seconds.", SECONDS)
MAX_DURATION = Parameter("maxDuration", "query", "Jobs that ran at most so many seconds.", SECONDS)
WORDS = Parameter(
    "q",
    "query",
    "Words in the id, process, message, note or title of the process: all that stand with spaces "
    "between them, any of those with commas between them.",
    {"type": "string", "maxLength": 200},
)
JOB_FILTER = (
    LIMIT,
    AFTER,
    BEFORE,
    STATUSES,
    PROCESSES,
    TYPES,
    DATETIME,
    FROM,
    UNTIL,
    TAGS,
    MIN_DURATION,
    MAX_DURATION,
    WORDS,
)
EXECUTIONS_LIMIT = replace(LIMIT, schema={**LIMIT.schema, "default": 100})
