"""What both versions of the standard speak of: the form of an answer with results."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from openccp.core.request import ExecuteRequest
from openccp.core.results import Part


class Form(Enum):
    """How values are answered."""

    NOTHING = auto()
    """There are none: no content."""
    VALUE = auto()
    """One value, as it is."""
    JSON = auto()
    """The values of one output in JSON (`values.yaml`)."""
    DOCUMENT = auto()
    """The results document (`results.yaml`)."""
    MULTIPART = auto()
    """A part for each value; by reference one without a body."""
    LINKS = auto()
    """No content, and a header Link for each value."""
    PAGE = auto()
    """The results document as a page for people."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says of the form. `document`: the profile ogc-results was asked for."""

    request: ExecuteRequest
    parts: Sequence[Part]
    document: bool = False
    accept: str = ""
    f: str | None = None


class Dialect(Protocol):
    """What differs between the versions."""

    tells_profile: bool
    """Whether the answer with a results document says its profile without being asked."""

    def form(self, asked: Asked) -> Form:
        """The form that this version gives the values; NotAcceptable where nothing fits."""
