"""Inputs by reference: finding them in a request, and turning what was fetched into values.

A request that names addresses is read in two steps: `draft` reads all the rest of it, so that
nothing is fetched for a request that is wrong anyway, and `Draft.finish` puts the fetched values
where the references stand, to be checked like values that were sent (OGC API - Processes,
process-execute-input-validation).
"""

import base64
import codecs
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from openccp.core.fields import Faults
from openccp.core.kinds import is_bbox, kind_of, plain_type
from openccp.core.method import RESERVED, Input, Kind, Method
from openccp.core.mixed import bare_type
from openccp.core.ports import Fetched
from openccp.core.problems import Fault, InvalidRequest, MalformedBody
from openccp.core.request import ExecuteRequest, Origin
from openccp.core.scalars import Unfit, unfit
from openccp.core.schema import token
from openccp.core.strict_json import loads
from openccp.core.validate import read_request

MAX_REFERENCES = 32
"""References in one request."""
LONGEST_HREF = 4096
_HREF = re.compile(r"https?://.+|/[^/].*", re.IGNORECASE | re.DOTALL)
_UNKNOWING = frozenset(
    {
        "application/download",
        "application/force-download",
        "application/octet-stream",
        "application/x-download",
        "application/x-octet-stream",
        "binary/octet-stream",
        "text/plain",
    }
)
"""Media types of servers that do not know what they send."""
_CHARSETS = {
    "ascii": "ascii",
    "iso-8859-1": "latin-1",
    "iso-8859-15": "iso-8859-15",
    "latin-1": "latin-1",
    "latin1": "latin-1",
    "us-ascii": "ascii",
    "utf-16": "utf-16",
    "windows-1252": "windows-1252",
}
"""All others are read as UTF-8, which says so itself when it is none."""
_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_XML = frozenset({"text/xml", "application/xml"})
_SECRET_NAME = re.compile(
    r"auth(?!ors?$)|^code$|cred|hmac|jwt|key(?!word)|passw|pwd|secret|session|^sig|signature"
    r"|ticket|token|^x-(amz|goog)-",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[\w.~%+/=-]{24,}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reference:
    """One value of an input that is given by its address (link.yaml).

    `index` is its place where the input has several values; `media_type` is what the client
    says that it is.
    """

    input: str
    index: int | None
    href: str
    media_type: str | None = None

    @property
    def pointer(self) -> str:
        """Where it stands in the request."""
        place = "" if self.index is None else f"/{self.index}"
        return f"/inputs{token(self.input)}{place}"


@dataclass(frozen=True, slots=True)
class Draft:
    """A request that is right as far as can be known before its references are fetched."""

    method: Method
    body: Mapping[str, Any]
    references: tuple[Reference, ...]

    def finish(self, fetched: Mapping[Reference, Fetched | str]) -> ExecuteRequest:
        """The request with what was fetched, or the words for why it was not.

        InvalidRequest with a fault for each reference that failed or does not fit.
        """
        faults = Faults()
        inputs = dict(self.body["inputs"])
        for reference in self.references:
            got = fetched[reference]
            try:
                value = self._value(reference, got)
            except Unfit as error:
                faults.extend(error.faults)
                continue
            _put(inputs, reference, value)
        if faults:
            raise InvalidRequest(faults.summary, faults=faults.all)
        request = read_request(self.method, {**self.body, "inputs": inputs})
        origins = {
            reference.pointer: _origin(reference, got)
            for reference, got in fetched.items()
            if isinstance(got, Fetched) and reference.input not in self.method.secrets
        }
        return replace(request, references=origins)

    def _value(self, reference: Reference, got: Fetched | str) -> dict[str, Any]:
        if isinstance(got, str):
            raise unfit(reference.pointer, got)
        return value_of(self.method.inputs[reference.input], reference, got)


def draft(method: Method, body: Any) -> ExecuteRequest | Draft:
    """The checked request; a Draft where inputs are given by reference.

    InvalidRequest with one fault for each thing wrong that can be seen without fetching.
    """
    faults = Faults()
    references = tuple(_find(method, body, faults))
    if not references:
        return read_request(method, body)
    if len(references) > MAX_REFERENCES:
        faults.add("/inputs", f"expected at most {MAX_REFERENCES} references")
    faults.extend(_faults_of_the_rest(method, body, references))
    if faults:
        raise InvalidRequest(faults.summary, faults=faults.all)
    return Draft(method, body, references)


def _find(method: Method, body: Any, faults: Faults) -> Iterable[Reference]:
    inputs = body.get("inputs") if isinstance(body, dict) else None
    for name, value in inputs.items() if isinstance(inputs, dict) else ():
        declared = method.inputs.get(name)
        if declared is None or name in RESERVED:
            continue
        for index, link in _links(declared, value):
            reference = Reference(name, index, link["href"], _text(link.get("type")))
            wrong = _wrong_with(link, reference.pointer)
            faults.extend([] if wrong is None else [wrong])
            yield reference


def _links(declared: Input, value: Any) -> Iterable[tuple[int | None, dict[str, Any]]]:
    if _is_link(value):
        yield None, value
    elif declared.repeated and isinstance(value, list):
        yield from ((index, item) for index, item in enumerate(value) if _is_link(item))


def _is_link(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("href"), str) and "value" not in value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _wrong_with(link: Mapping[str, Any], pointer: str) -> Fault | None:
    """What keeps a link from being fetched, as far as the core can tell."""
    if len(link["href"]) > LONGEST_HREF or not _HREF.fullmatch(link["href"]):
        return Fault(f"{pointer}/href", "expected an http or https address")
    if link.get("type") is not None and not isinstance(link["type"], str):
        return Fault(f"{pointer}/type", "expected text, like text/plain")
    for name in ("body", "headers"):
        if link.get(name):
            return Fault(f"{pointer}/{name}", "an address is fetched without it; leave it out")
    if str(link.get("method") or "GET").upper() != "GET":
        return Fault(f"{pointer}/method", "an address is fetched by GET only")
    return None


def _faults_of_the_rest(method: Method, body: Any, references: Iterable[Reference]) -> list[Fault]:
    names = {reference.input for reference in references}
    rest = {name: value for name, value in body["inputs"].items() if name not in names}
    try:
        read_request(method, {**body, "inputs": rest})
    except InvalidRequest as error:
        missing = {f"/inputs{token(name)}" for name in names}
        return [fault for fault in error.faults if fault.pointer not in missing]
    return []


def _put(inputs: dict[str, Any], reference: Reference, value: dict[str, Any]) -> None:
    if reference.index is None:
        inputs[reference.input] = value
    else:
        values = list(inputs[reference.input])
        values[reference.index] = value
        inputs[reference.input] = values


def _origin(reference: Reference, got: Fetched) -> Origin:
    digest = hashlib.sha256(got.content).hexdigest()
    return Origin(without_secrets(reference.href), digest, len(got.content), got.media_type)


def without_secrets(href: str) -> str:
    """An address fit for a record: no user, no fragment, no value that may be a key to it."""
    parts = urlsplit(href)
    query = "&".join(_without_secret(part) for part in parts.query.split("&"))
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, query=query, fragment="").geturl()


def _without_secret(parameter: str) -> str:
    name, equals, value = parameter.partition("=")
    secret = _SECRET_NAME.search(name) or _SECRET_VALUE.fullmatch(value)
    return f"{name}{equals}***" if value and secret else parameter


# --- what was fetched, as a value ---------------------------------------------------------------


def value_of(declared: Input, reference: Reference, got: Fetched) -> dict[str, Any]:
    """A qualified value of what was fetched, by the input's kind; Unfit where it cannot be one.

    Files become base64; lists and objects are read as JSON; all else is text, from which numbers
    and the like are read.
    """
    media_type = _checked_type(declared, reference, got)
    kind = declared.kind
    if kind is not Kind.OBJECT:
        return {"value": _as(kind, got, reference.pointer)}
    part = _alternative(declared.schema, media_type)
    if part is not None:
        kind = kind_of("", part)
        return {"value": _as(kind, got, reference.pointer), "mediaType": media_type}
    open_to_all = plain_type(declared.schema) != "object" and not is_bbox(declared.schema)
    kind = _kind_by_type(media_type) if open_to_all else Kind.OBJECT
    return {"value": _as(kind, got, reference.pointer)}


def _checked_type(declared: Input, reference: Reference, got: Fetched) -> str | None:
    """The media type to go by: the client's word, else the server's if it knows."""
    expected = _text(declared.schema.get("contentMediaType"))
    said = None if reference.media_type is None else bare_type(reference.media_type)
    if said and expected and said != bare_type(expected):
        raise unfit(f"{reference.pointer}/type", f"expected {expected}")
    wanted = said or (bare_type(expected) if expected else None)
    page = got.media_type in _PAGES and wanted not in _PAGES
    if wanted and (page or (not said and not _may_be(got.media_type, wanted))):
        raise unfit(reference.pointer, f"the address gives {got.media_type}, expected {wanted}")
    return said or (None if got.media_type in _UNKNOWING else got.media_type)


def _may_be(given: str, wanted: str) -> bool:
    """Whether what a server calls `given` may be what is wanted."""
    if given in _UNKNOWING or given == wanted or {given, wanted} <= _XML:
        return True
    general = given.rpartition("/")[2]
    return wanted.endswith(f"+{general}")


def _alternative(schema: Mapping[str, Any], media_type: str | None) -> Mapping[str, Any] | None:
    for part in schema.get("oneOf", ()) if media_type else ():
        declared = part.get("contentMediaType") if isinstance(part, Mapping) else None
        if isinstance(declared, str) and bare_type(declared) == media_type:
            found: Mapping[str, Any] = part
            return found
    return None


def _kind_by_type(media_type: str | None) -> Kind:
    if media_type is None or media_type.endswith(("/json", "+json")):
        return Kind.OBJECT
    if media_type.startswith("text/") or media_type.endswith(("/xml", "+xml", "yaml")):
        return Kind.TEXT
    return Kind.FILE


def _as(kind: Kind, got: Fetched, pointer: str) -> Any:
    if kind is Kind.FILE:
        return base64.b64encode(got.content).decode("ascii")
    if kind in (Kind.ARRAY, Kind.OBJECT):
        return _json(got.content, pointer)
    try:
        return got.content.decode(_CHARSETS.get(got.charset or "", "utf-8-sig"))
    except ValueError:
        raise unfit(pointer, "the address gives no text in UTF-8") from None


def _json(content: bytes, pointer: str) -> Any:
    try:
        return loads(content.removeprefix(codecs.BOM_UTF8))
    except MalformedBody:
        raise unfit(pointer, "the address gives no JSON that can be read here") from None
