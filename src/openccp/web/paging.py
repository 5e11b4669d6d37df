"""Places in lists: cursors that are followed and not made, and the links that carry them."""

import base64
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import orjson
from starlette.requests import Request

from openccp.core.job_list import JobPage, Place
from openccp.core.problems import InvalidQueryParameter
from openccp.web.documents import Link, link
from openccp.web.media import HTML, JSON
from openccp.web.negotiate import here
from openccp.web.profiles import Profile
from openccp.web.render import chosen

AFTER, BEFORE = "after", "before"
JOBS, METHODS, DELIVERIES = b"jobs", b"methods", b"deliveries"
DIGEST_BYTES = 6
FOLLOW = "after and before are places in this list: follow its links."
TITLES = {"next": "The next page", "prev": "The page before"}


def places(request: Request, kind: bytes) -> tuple[Place | None, Place | None]:
    """The places that `after` and `before` name in a list of a kind; at most one of them."""
    after, before = (_place(_read(kind, text)) for text in _cursors(request))
    return after, before


def cursor(kind: bytes, place: Place | None) -> str | None:
    """The cursor of a place in a list of a kind."""
    return None if place is None else _write(kind, place)


def method_places(request: Request) -> tuple[str | None, str | None]:
    """The ids that `after` and `before` name in a list of processes; at most one of them."""
    after, before = (_method_id(_read(METHODS, text)) for text in _cursors(request))
    return after, before


def method_cursor(method_id: str | None) -> str | None:
    """The cursor of a place in a list of processes."""
    return None if method_id is None else _write(METHODS, (method_id,))


def _cursors(request: Request) -> tuple[str | None, str | None]:
    after, before = (request.query_params.get(name) for name in (AFTER, BEFORE))
    if after is not None and before is not None:
        raise InvalidQueryParameter("after and before cannot be asked for at once.")
    return after, before


def _write(kind: bytes, parts: Sequence[str | float]) -> str:
    """An opaque place in a list. The digest tells mistakes; who forges it gains nothing."""
    payload = orjson.dumps(parts)
    return base64.urlsafe_b64encode(_digest(kind, payload) + payload).decode().rstrip("=")


def _read(kind: bytes, text: str | None) -> Any:
    """The parts of a cursor, None if there is none; InvalidQueryParameter for what is none."""
    if text is None:
        return None
    try:
        whole = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        digest, payload = whole[:DIGEST_BYTES], whole[DIGEST_BYTES:]
        if digest == _digest(kind, payload):
            return orjson.loads(payload)
    except ValueError:
        pass
    raise InvalidQueryParameter(FOLLOW)


def _place(parts: Any) -> Place | None:
    match parts:
        case None:
            return None
        case [float(created), str(job_id)]:
            return created, job_id
    raise InvalidQueryParameter(FOLLOW)


def _method_id(parts: Any) -> str | None:
    match parts:
        case None:
            return None
        case [str(method_id)]:
            return method_id
    raise InvalidQueryParameter(FOLLOW)


def _digest(kind: bytes, payload: bytes) -> bytes:
    return blake2b(payload, digest_size=DIGEST_BYTES, person=kind).digest()


def list_links(request: Request, following: str | None, previous: str | None) -> list[Link]:
    """`self`, `alternate`, and `next` and `prev` where there are such pages."""
    offer = chosen(request)
    other = JSON if offer is HTML else HTML
    links = [
        link(here(request), "self", "This list", offer.media_type),
        link(here(request, f=other.f), "alternate", "This list otherwise", other.media_type),
    ]
    for rel, name, place in (("next", AFTER, following), ("prev", BEFORE, previous)):
        if place is not None:
            address = here(request, **{AFTER: None, BEFORE: None, name: place})
            links.append(link(address, rel, TITLES[rel], offer.media_type))
    return links


def job_links(request: Request, page: JobPage) -> list[Link]:
    """The links of a page of jobs."""
    return list_links(request, cursor(JOBS, page.older), cursor(JOBS, page.newer))


def link_header(links: Sequence[Link], profile: Profile | None = None) -> dict[str, str]:
    """The same links as a header (RFC 8288), and the list's profile if it has one."""
    told = [f'<{one["href"]}>; rel="{one["rel"]}"' for one in links]
    return {"Link": ", ".join([*told, profile.header["Link"]] if profile else told)}
