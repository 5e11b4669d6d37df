"""What there is to tell about how a job's results came to be, and in which languages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from openccp.core.job import Event, Job
from openccp.core.method import Revision
from openccp.core.ports import Manifest
from openccp.core.request import ExecuteRequest


class Form(StrEnum):
    """The serialisations of W3C PROV that are given."""

    JSON = "json"
    XML = "xml"
    PROVN = "provn"
    JSONLD = "jsonld"


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that a job's provenance is told from; the same story gives the same document.

    `secrets` are the secret inputs that had a value, by name alone. `manifest` is None before
    the job has left anything. `person` is the name of the job's owner, `root` the address of
    this service.
    """

    job: Job
    events: Sequence[Event]
    revision: Revision
    request: ExecuteRequest
    secrets: Sequence[str]
    manifest: Manifest | None
    person: str
    root: str


WriteProvenance = Callable[[Story, Form], bytes]
"""A story as a PROV document, UTF-8. Takes a while: call it beside the event loop."""
