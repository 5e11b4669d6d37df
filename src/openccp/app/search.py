"""Find methods by what they do: words with typos forgiven, facets, and an order.

`SearchIndex` is made of a whole catalogue once and searched by many; who may see what is decided
at each search.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

from openccp.core.access import PLATFORM, Who, may_see_method
from openccp.core.method import Method, Revision

Order = Literal["relevance", "title", "newest"]
Facet = Literal["category", "author", "keyword", "context"]
FACETS: tuple[Facet, ...] = ("category", "author", "keyword", "context")
LONGEST = 200
"""Letters of a search that are looked at; more describe nothing better."""
MOST_WORDS = 8
WEIGHTS = {"title": 8.0, "id": 6.0, "keyword": 5.0, "category": 4.0, "author": 3.0, "text": 1.0}
BEGINS, RESEMBLES = 0.8, 0.5
"""How much a word that begins like the asked one counts, and one that differs by typos."""
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Search:
    """What somebody looks for. `only` holds the chosen value of each facet."""

    words: str = ""
    only: Mapping[Facet, str] = field(default_factory=dict)
    order: Order = "relevance"


@dataclass(frozen=True, slots=True)
class Found:
    """The methods in order, and for each facet its values with how many methods they leave."""

    methods: Sequence[Revision]
    facets: Mapping[Facet, Mapping[str, int]]


class SearchIndex:
    """The words of a catalogue, by the methods that have them."""

    def __init__(self, catalogue: Mapping[str, Revision]) -> None:
        self.catalogue = catalogue
        self._weights: dict[str, dict[str, float]] = defaultdict(dict)
        for revision in catalogue.values():
            for place, text in _texts(revision.method):
                for word in folded(text):
                    known = self._weights[word]
                    method_id = revision.method.id
                    known[method_id] = max(known.get(method_id, 0.0), WEIGHTS[place])

    def search(self, who: Who, wanted: Search) -> Found:
        """What the caller may see of it."""
        visible = [r for r in self.catalogue.values() if may_see_method(who, r)]
        scores = self._scores(wanted.words)
        if scores is not None:
            visible = [r for r in visible if r.method.id in scores]
        only = wanted.only
        if only.get("context", who.context) not in who.contexts:
            # Whether something is shared in a context is a matter of its members.
            return Found([], {name: {} for name in FACETS})
        left = [r for r in visible if _meets(r, only)]
        facets = {name: self._values(visible, only, name, who) for name in FACETS}
        return Found(sorted(left, key=_order(wanted.order, scores or {})), facets)

    @staticmethod
    def _values(
        visible: Iterable[Revision], only: Mapping[Facet, str], name: Facet, who: Who
    ) -> Mapping[str, int]:
        """The values of a facet as the other facets leave them, the most frequent first."""
        others = {facet: value for facet, value in only.items() if facet != name}
        counted = Counter(
            value for r in visible if _meets(r, others) for value in set(values(r, name))
        )
        if name == "context":
            counted = Counter({c: n for c, n in counted.items() if c in who.contexts})
        return dict(sorted(counted.items(), key=lambda one: (-one[1], one[0].casefold())))

    def _scores(self, text: str) -> dict[str, float] | None:
        """How well each method that has all words fits; None where no word is asked for."""
        asked = folded(text[:LONGEST])
        if not asked:
            return None
        each = [self._matches(word) for word in list(dict.fromkeys(asked))[:MOST_WORDS]]
        common = set(each[0]).intersection(*each[1:])
        return {method_id: sum(one[method_id] for one in each) for method_id in common}

    def _matches(self, asked: str) -> dict[str, float]:
        """The methods that have a word like this one, by how much it says of them."""
        matches: dict[str, float] = {}
        for word, closeness in self._alike(asked):
            for method_id, weight in self._weights[word].items():
                matches[method_id] = max(matches.get(method_id, 0.0), weight * closeness)
        return matches

    def _alike(self, asked: str) -> Iterable[tuple[str, float]]:
        typos = allowed_typos(asked)
        for word in self._weights:
            if word.startswith(asked):
                yield word, 1.0 if word == asked else BEGINS
        if typos:
            distance: Any = import_module("rapidfuzz.distance").OSA.distance
            extract: Any = import_module("rapidfuzz.process").extract_iter
            near = extract(asked, self._weights.keys(), scorer=distance, score_cutoff=typos)
            yield from ((word, RESEMBLES / far) for word, far, _ in near if far)


def allowed_typos(word: str) -> int:
    """How many letters of a word may be wrong, missing, too many or swapped."""
    return 0 if len(word) < 4 else 1 if len(word) < 8 else 2


def folded(text: str) -> list[str]:
    """The words of a text without case and accents."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return _WORD.findall("".join(c for c in plain if not unicodedata.combining(c)))


def values(revision: Revision, name: Facet) -> Sequence[str]:
    """What a method has for a facet."""
    if name == "keyword":
        return revision.method.keywords
    if name == "context":
        return revision.contexts
    return told(revision.method, name)


def told(method: Method, role: str) -> Sequence[str]:
    """The titles of a role in a method's metadata, such as its authors (ccp: method.json)."""
    entries = method.document.get("metadata")
    if not isinstance(entries, list):
        return ()
    return tuple(
        title
        for entry in entries
        if isinstance(entry, Mapping) and entry.get("role") == role
        for title in (entry.get("title"),)
        if isinstance(title, str) and title
    )


def _texts(method: Method) -> Iterable[tuple[str, str]]:
    yield "title", method.title
    yield "id", method.id
    yield "text", method.description
    for place, found in (
        ("keyword", method.keywords),
        ("category", told(method, "category")),
        ("author", told(method, "author")),
    ):
        yield from ((place, text) for text in found)


def _meets(revision: Revision, only: Mapping[Facet, str]) -> bool:
    return all(value in values(revision, name) for name, value in only.items())


def _order(order: Order, scores: Mapping[str, float]) -> Callable[[Revision], Any]:
    if order == "newest":
        return lambda one: (-one.created, one.method.id)
    if order == "title":
        return lambda one: (one.method.title.casefold(), one.method.id)
    return lambda one: (
        -scores.get(one.method.id, 0.0),
        one.owner == PLATFORM,
        one.method.title.casefold(),
        one.method.id,
    )
