"""What a job says of itself: phases and progress. Everything here was written by the job."""

import re
import unicodedata

from openccp.core.job import Phase
from openccp.infrastructures.bounded import read_text
from openccp.infrastructures.folders import Replica

MESSAGE = 200
LINE = re.compile(r"\s*(\d{1,3})(?:[.,]\d+)?\s*%?(?:\s+(.*))?\Z")


def marks_of(replica: Replica) -> frozenset[str]:
    """The script phases that a replica has reached."""
    return frozenset(read_text(replica.marks, 4096).split("\n"))


def phase_of(marks: frozenset[str]) -> Phase:
    """Executing once that was reached, deploying before."""
    return Phase.EXECUTING if "executing" in marks else Phase.DEPLOYING


def progress_of(replica: Replica) -> tuple[int | None, str | None]:
    """Per cent and message from the last line written to CCP_PROGRESS."""
    lines = read_text(replica.progress, 4096, tail=True).strip().splitlines()
    if not lines:
        return None, None
    match = LINE.match(lines[-1])
    if match is None:
        return None, plain(lines[-1])
    return min(100, int(match.group(1))), plain(match.group(2) or "")


def plain(text: str) -> str | None:
    """One short line without anything that steers a terminal or turns the reading direction."""
    kept = "".join(c for c in text if unicodedata.category(c)[0] != "C" or c == " ")
    return kept.strip()[:MESSAGE] or None
