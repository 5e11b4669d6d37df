"""Profiles of documents (OGC API - Processes 2.0, query-param-profile).

A client names them by `?profile=`, Accept-Profile or `Prefer: profile=`; one that is not known is
no error. Every answer says by a link which profile it has.
"""

import re
from collections.abc import Iterator
from enum import StrEnum

from starlette.requests import Request

REGISTER = "https://www.opengis.net/def/profile/OGC/0/"
LONGEST = 4_000
_REGISTERED = re.compile(r"(?:https?://www\.opengis\.net/def/profile/OGC/0/)?([\w.-]+)", re.ASCII)
_CURIE = re.compile(r"\[ogc-profile:([\w.-]+)\]", re.ASCII)
_ACCEPTED = re.compile(r"<([^<>\s]*)>\s*((?:;[^,]*)?)")
_REFUSED = re.compile(r";\s*q\s*=\s*0(?:\.0*)?\s*(?:;|$)", re.IGNORECASE)


class Profile(StrEnum):
    """The profiles of version 2.0."""

    PROCESS_LIST = "ogc-process-list"
    PROCESS_DESCRIPTION = "ogc-process-description"
    EXECUTE_REQUEST = "ogc-execute-request"
    JOB_LIST = "jobs-list"
    JOB = "job-description"
    RESULTS = "ogc-results"

    @property
    def header(self) -> dict[str, str]:
        """The header Link that tells of it."""
        return {"Link": f'<{REGISTER}{self}>; rel="profile"'}


def asked_profiles(request: Request, preferred: str) -> frozenset[Profile]:
    """The known ones among the profiles a request names, `preferred` by `Prefer: profile=`."""
    queried = request.query_params.get("profile", "")
    accepted = request.headers.get("accept-profile", "")
    if not (queried or accepted or preferred):
        return frozenset()
    named = {*_split(queried), *_split(preferred), *_accepted(accepted)}
    identifiers = {_identifier(name) for name in named}
    return frozenset(profile for profile in Profile if profile in identifiers)


def _split(text: str) -> list[str]:
    return re.split(r"[\s,]+", text[:LONGEST])


def _accepted(header: str) -> Iterator[str]:
    for uri, parameters in _ACCEPTED.findall(header[:LONGEST]):
        if not _REFUSED.search(parameters):
            yield uri


def _identifier(name: str) -> str:
    found = _REGISTERED.fullmatch(name) or _CURIE.fullmatch(name)
    return found[1] if found else ""
