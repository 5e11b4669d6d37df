"""Every refusal the platform can give: one class = one RFC 9457 type URI, status and title.

A class's docstring is its default detail. A route raises, one place in `web.errors` renders.
"""

from collections.abc import Sequence
from dataclasses import dataclass

OGC1 = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
OGC2 = "http://www.opengis.net/def/exceptions/ogcapi-processes-2/1.0/"
OGC4 = "http://www.opengis.net/def/exceptions/ogcapi-processes-4/1.0/"
OURS = "urn:openccp:problem:"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a document: an RFC 6901 pointer into it, and words for a person."""

    pointer: str
    detail: str


class Problem(Exception):
    """Something went wrong."""

    status = 500
    type = OURS + "internal"
    title = "Internal error"

    def __init__(
        self,
        detail: str | None = None,
        *,
        faults: Sequence[Fault] = (),
        retry_after: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.detail = detail if detail is not None else (type(self).__doc__ or "").strip()
        self.faults = tuple(faults)
        self.retry_after = retry_after
        self.headers = dict(headers or {})
        super().__init__(self.detail)


class InvalidRequest(Problem):
    """The request does not fit what the process expects; `errors` says where."""

    status, type, title = 400, OURS + "invalid-request", "Invalid request"


class MalformedBody(Problem):
    """The body cannot be read."""

    status, type, title = 400, OURS + "malformed-body", "Malformed body"


class InvalidHost(Problem):
    """The header Host names no host."""

    status, type, title = 400, OURS + "invalid-host", "Invalid host"


class InvalidQueryParameter(Problem):
    """A query parameter has a value that is not allowed."""

    status, type, title = (
        400,
        OGC1 + "invalid-query-parameter-value",
        "Invalid query parameter value",
    )


class NoSuchOutput(Problem):
    """The process has no output of this name."""

    status, type, title = 400, OGC1 + "no-such-output", "No such output"


class NotAuthenticated(Problem):
    """Sign in first: send `Authorization: Bearer <token>`."""

    status, type, title = 401, OURS + "not-authenticated", "Not authenticated"


class Forbidden(Problem):
    """You may not do this."""

    status, type, title = 403, OURS + "forbidden", "Forbidden"


class ImmutableProcess(Problem):
    """This process comes with the platform and cannot be changed or removed."""

    status, type, title = 403, OGC2 + "immutable-process", "Immutable process"


class NotFound(Problem):
    """There is nothing at this address."""

    status, type, title = 404, OURS + "not-found", "Not found"


class NoSuchProcess(Problem):
    """There is no process of this id, or you may not see it."""

    status, type, title = 404, OGC1 + "no-such-process", "No such process"


class NoSuchJob(Problem):
    """There is no job of this id, or you may not see it."""

    status, type, title = 404, OGC1 + "no-such-job", "No such job"


class ResultNotReady(Problem):
    """The job has not finished yet."""

    status, type, title = 404, OGC1 + "result-not-ready", "Result not ready"


class ResultNotAvailable(Problem):
    """The job has no such result."""

    status, type, title = 404, OGC1 + "result-not-available", "Result not available"


class ProvenanceNotAvailable(Problem):
    """The job was created and not started: nothing has happened that could be told."""

    status, type, title = 404, OGC4 + "provenance-not-available", "Provenance not available"


class MethodNotAllowed(Problem):
    """This address does not know this HTTP method."""

    status, type, title = 405, OURS + "method-not-allowed", "Method not allowed"


class NotAcceptable(Problem):
    """There is no representation that the request accepts."""

    status, type, title = 406, OURS + "not-acceptable", "Not acceptable"


class DuplicatedProcess(Problem):
    """A process of this id is already deployed; replace it with PUT."""

    status, type, title = 409, OGC2 + "duplicated-process", "Duplicated process"


class PreconditionFailed(Problem):
    """It changed since you looked: look again, then decide."""

    status, type, title = 412, OURS + "precondition-failed", "Precondition failed"


class BodyTooLarge(Problem):
    """The body is larger than this server takes."""

    status, type, title = 413, OURS + "body-too-large", "Body too large"


class UnsupportedMediaType(Problem):
    """The body's media type is not understood here."""

    status, type, title = 415, OGC2 + "unsupported-media-type", "Unsupported media type"


class UnsupportedDefinition(UnsupportedMediaType):
    """A job is defined in JSON, as an execute request with `process`."""

    type = OGC4 + "unsupported-media-type"


class RangeNotSatisfiable(Problem):
    """The range asked for lies outside of the file."""

    status, type, title = 416, OURS + "range-not-satisfiable", "Range not satisfiable"


class KeyReused(Problem):
    """This Idempotency-Key was already used with another request."""

    status, type, title = 422, OURS + "idempotency-key-reused", "Idempotency key reused"


class UnsupportedSchema(Problem):
    """The header Content-Schema names no schema that is known here."""

    status, type, title = 422, OGC4 + "unsupported-schema", "Unsupported schema"


class Locked(Problem):
    """The job was started: it cannot be changed any more."""

    status, type, title = 423, OGC4 + "locked", "Locked"


class TooManyRequests(Problem):
    """You sent too many requests in a short time: wait as long as `Retry-After` says."""

    status, type, title = 429, OURS + "too-many-requests", "Too many requests"


class Unavailable(Problem):
    """The platform cannot do this just now; try again later."""

    status, type, title = 503, OURS + "unavailable", "Unavailable"


class JobFailed(Problem):
    """The job failed."""

    status, type, title = 500, OURS + "job-failed", "Job failed"


class JobDismissed(Problem):
    """The job was dismissed before it could finish."""

    status, type, title = 410, OURS + "job-dismissed", "Job dismissed"
