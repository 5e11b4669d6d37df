"""GET /processes with a search: words, facets and an order, as a document and as the catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

import orjson
from starlette.requests import Request
from starlette.responses import Response

from openccp.app.choose import where
from openccp.app.search import FACETS, LONGEST, Facet, Order, Search, SearchIndex, told
from openccp.core.access import Who
from openccp.core.method import Revision
from openccp.core.problems import InvalidQueryParameter
from openccp.web.documents import Link, Processes, link
from openccp.web.media import HTML, JSON
from openccp.web.negotiate import caller, here, known_parameters, limit, root, services
from openccp.web.paging import AFTER, BEFORE, TITLES
from openccp.web.profiles import Profile
from openccp.web.render import chosen, page, render

WORDS, ORDER, PAGE, PLACE = "q", "sort", "page", "infrastructure"
ASKED = (WORDS, *FACETS, PLACE, ORDER, PAGE)
ORDERS: tuple[Order, ...] = get_args(Order)
A_PAGE = 24
MOST_PAGES = 10_000


def is_search(request: Request) -> bool:
    """Whether a list of processes is searched: always as a page, for people look for something."""
    return chosen(request) is HTML or any(name in request.query_params for name in ASKED)


class Kept:
    """The index of the catalogue that was searched last."""

    def __init__(self) -> None:
        self._index = SearchIndex({})

    def of(self, catalogue: Mapping[str, Revision]) -> SearchIndex:
        """The index of this very catalogue, made anew when it has changed."""
        if catalogue is not self._index.catalogue:
            self._index = SearchIndex(catalogue)
        return self._index


@dataclass(frozen=True, slots=True)
class Matched:
    """What was found: one page of methods with where each can run, and what else there is."""

    methods: list[tuple[Revision, tuple[str, ...]]]
    total: int
    number: int
    size: int
    facets: Mapping[str, Mapping[str, int]]

    @property
    def last(self) -> int:
        """The number of the last page; there is always a first."""
        return max(1, -(-self.total // self.size))


async def search_processes(request: Request) -> Response:
    """GET /processes of those that are looked for."""
    who = await caller(request)
    # A page of the plain list leads here with its place in it, which means nothing in a catalogue.
    places = (AFTER, BEFORE) if chosen(request) is HTML else ()
    known_parameters(request, "limit", *ASKED, *places)
    index = request.app.state.search.of(await services(request).catalogue.current())
    matched = _matched(request, who, index)
    document = _document(request, matched)
    if chosen(request) is HTML:
        return page(request, "processes", document | {"view": _view(request, matched)})
    return render(request, document, "processes", headers=Profile.PROCESS_LIST.header)


def _document(request: Request, matched: Matched) -> dict[str, Any]:
    """processList.yaml, with how many there are (as OGC API - Records says it) and the facets."""
    processes: Processes = request.app.state.processes
    summaries = [(processes.summary(one, root(request)), on) for one, on in matched.methods]
    return {
        "processes": [orjson.loads(one) | {"x-ccp-infrastructures": on} for one, on in summaries],
        "links": _links(request, matched),
        "numberMatched": matched.total,
        "numberReturned": len(matched.methods),
        "x-ccp-facets": matched.facets,
    }


def _matched(request: Request, who: Who, index: SearchIndex) -> Matched:
    found = index.search(who, _search(request))
    reach = [(one, where(services(request), who, one.method)) for one in found.methods]
    names = services(request).infrastructures
    there = {name: sum(name in places for _, places in reach) for name in names}
    if wanted := request.query_params.get(PLACE):
        reach = [one for one in reach if wanted in one[1]]
    size, number = limit(request, A_PAGE), _number(request)
    shown = reach[(number - 1) * size : number * size]
    facets: dict[str, Mapping[str, int]] = {str(name): of for name, of in found.facets.items()}
    facets[PLACE] = {name: many for name, many in there.items() if many}
    return Matched(shown, len(reach), number, size, facets)


def _search(request: Request) -> Search:
    asked = request.query_params
    words = asked.get(WORDS, "")
    if len(words) > LONGEST:
        raise InvalidQueryParameter(f"q has at most {LONGEST} letters.")
    order = asked.get(ORDER) or "relevance"
    if order not in ORDERS:
        raise InvalidQueryParameter(f"sort is one of {', '.join(ORDERS)}.")
    only: dict[Facet, str] = {name: asked[name] for name in FACETS if asked.get(name)}
    return Search(words, only, order)


def _number(request: Request) -> int:
    text = request.query_params.get(PAGE, "1")
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:9]) <= MOST_PAGES:
        raise InvalidQueryParameter(f"page is a number from 1 to {MOST_PAGES}.")
    return int(text[:9])


def _links(request: Request, matched: Matched) -> list[Link]:
    offer = chosen(request)
    other = JSON if offer is HTML else HTML
    links = [
        link(here(request), "self", "This list", offer.media_type),
        link(here(request, f=other.f), "alternate", "This list otherwise", other.media_type),
    ]
    for rel, number in (("next", matched.number + 1), ("prev", matched.number - 1)):
        if 1 <= number <= matched.last:
            address = here(request, after=None, before=None, page=str(number))
            links.append(link(address, rel, TITLES[rel], offer.media_type))
    return links


def _view(request: Request, matched: Matched) -> dict[str, Any]:
    """What only the page shows: the search as it was sent, and more of each method."""
    return {
        "asked": {name: request.query_params.get(name, "") for name in ASKED},
        "orders": ORDERS,
        "last": matched.last,
        "number": matched.number,
        "places": [
            {"places": places, "authors": told(one.method, "author")}
            for one, places in matched.methods
        ],
    }
