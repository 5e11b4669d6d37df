"""Choose a representation: `?f=` first, then the header Accept (RFC 9110, 12.5.1)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from openccp.core.problems import InvalidQueryParameter, NotAcceptable

LONGEST_ACCEPT = 2_000
_QUALITY = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")


@dataclass(frozen=True, slots=True)
class Offer:
    """A representation that a resource has: its short name for `?f=`, and its media type."""

    f: str
    media_type: str


JSON = Offer("json", "application/json")
HTML = Offer("html", "text/html; charset=utf-8")
BOTH = (JSON, HTML)
OPENAPI_30 = Offer("json", "application/vnd.oai.openapi+json;version=3.0")
OPENAPI_31 = Offer("json31", "application/vnd.oai.openapi+json;version=3.1")
API = (OPENAPI_30, OPENAPI_31, JSON, HTML)


@lru_cache(maxsize=1024)
def choose(offers: Sequence[Offer], accept: str, f: str | None) -> Offer:
    """The offer a client likes best, the first of those it likes equally.

    Raises InvalidQueryParameter for an unknown `f`, NotAcceptable where nothing fits.
    """
    if f is not None:
        for offer in offers:
            if offer.f == f:
                return offer
        names = ", ".join(offer.f for offer in offers)
        raise InvalidQueryParameter(f"f is one of {names} here.")
    ranges = _ranges(accept[:LONGEST_ACCEPT])
    if not ranges:
        return offers[0]
    best = max(offers, key=lambda offer: _quality(offer, ranges))
    if _quality(best, ranges) <= 0:
        there = ", ".join(offer.media_type for offer in offers)
        raise NotAcceptable(f"There is {there} here.")
    return best


@dataclass(frozen=True, slots=True)
class _Range:
    kind: str
    parameters: frozenset[str]
    quality: float

    def precision(self, kind: str, parameters: frozenset[str]) -> int:
        """How closely it speaks of a media type; 0 if it does not."""
        if self.kind == kind:
            return 3 + len(self.parameters) if self.parameters <= parameters else 0
        if self.kind == kind.partition("/")[0] + "/*":
            return 2
        return 1 if self.kind == "*/*" else 0


def _quality(offer: Offer, ranges: Sequence[_Range]) -> float:
    """What the most precise range says of an offer; 0 if none does."""
    kind, parameters = _split(offer.media_type)
    found = max(ranges, key=lambda one: one.precision(kind, parameters))
    return found.quality if found.precision(kind, parameters) else 0.0


def _ranges(accept: str) -> list[_Range]:
    found = []
    for part in accept.split(","):
        if not part.strip():
            continue
        kind, parameters = _split(part)
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        value = float(quality) if _QUALITY.fullmatch(quality) else 0.0
        own = frozenset(p for p in parameters if not p.startswith("q="))
        found.append(_Range(kind, own, value))
    return found


def _split(text: str) -> tuple[str, frozenset[str]]:
    kind, *parameters = (part.strip().lower().replace('"', "") for part in text.split(";"))
    return kind, frozenset(parameters) - {"charset=utf-8"}
