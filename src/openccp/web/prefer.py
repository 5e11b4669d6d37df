"""The header Prefer (RFC 7240): what a client would like, and what it is told was done."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from openccp.app.execute import Preference

LONGEST = 4_000
_ONE = re.compile(
    r"\s*(?P<name>[!#$%&'*+.^_`|~\w-]+)\s*(?:=\s*(?P<value>\"(?:[^\"\\]|\\.)*\"|[^\s,;\"]*))?"
    r"\s*(?:;(?:[^\",]|\"(?:[^\"\\]|\\.)*\")*)?(?:,|$)",
    re.ASCII,
)
_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)


class Return(StrEnum):
    """How much a document should hold: links to what is large, or everything."""

    MINIMAL = "minimal"
    REPRESENTATION = "representation"


@dataclass(frozen=True, slots=True)
class Prefer:
    """What was said. `wait` in seconds; `profile` as written."""

    respond_async: bool = False
    wait: float | None = None
    returning: Return | None = None
    profile: str = ""

    @property
    def execution(self) -> Preference:
        """The part that a use case understands."""
        return Preference(self.respond_async, self.wait)


NOTHING_PREFERRED = Prefer()


def read_prefer(lines: Iterable[str]) -> Prefer:
    """What is said in one header or several; what is not understood counts as not said."""
    said: dict[str, str] = {}
    for name, value in _preferences(", ".join(lines)[:LONGEST]):
        said.setdefault(name, value)
    wait, returning = said.get("wait", ""), said.get("return", "").lower()
    return Prefer(
        respond_async="respond-async" in said,
        wait=float(wait) if _SECONDS.fullmatch(wait) else None,
        returning=Return(returning) if returning in Return.__members__.values() else None,
        profile=said.get("profile", ""),
    )


def _preferences(text: str) -> Iterable[tuple[str, str]]:
    place = 0
    while place < len(text):
        found = _ONE.match(text, place)
        if found is None:
            comma = text.find(",", place)
            place = len(text) if comma < 0 else comma + 1
            continue
        place = found.end()
        value = found["value"] or ""
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        yield found["name"].lower(), value


def applied(*preferences: str | None) -> dict[str, str]:
    """Preference-Applied, if anything was."""
    told = [preference for preference in preferences if preference]
    return {"Preference-Applied": ", ".join(told)} if told else {}
