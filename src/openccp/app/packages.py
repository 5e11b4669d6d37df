"""From what was sent to a method: method.json, an OGC application package, or CWL."""

import asyncio
import base64
import binascii
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from openccp.app.services import Services
from openccp.core.cwl.process import selected
from openccp.core.descriptor import MAX_DOCUMENT
from openccp.core.method import InvalidMethod
from openccp.core.packages.cwl import describe_cwl
from openccp.core.packages.media import CWL_TYPES, METHOD, OGC_PACKAGE
from openccp.core.packages.ogc import (
    Container,
    Link,
    Package,
    Text,
    describe_container,
    describe_unit,
    is_package,
    read_package,
)
from openccp.core.ports import Fetched, NotFetched
from openccp.core.problems import Fault, MalformedBody
from openccp.core.strict_json import loads

ACCEPT = ", ".join((*CWL_TYPES, "application/json", "text/plain;q=0.5", "*/*;q=0.1"))


@dataclass(frozen=True, slots=True)
class Sent:
    """A package as it came: its bytes, their media type (bare), and which workflow is meant."""

    body: bytes
    media_type: str = METHOD
    workflow: str | None = None


async def read_descriptor(services: Services, sent: Sent, by: str) -> Any:
    """The method.json that a package stands for; what it links to is fetched for `by`."""
    document = await asyncio.to_thread(parsed, sent.body, sent.media_type)
    if sent.media_type in CWL_TYPES:
        return await asyncio.to_thread(_cwl, document, sent.workflow)
    if sent.media_type != OGC_PACKAGE and not is_package(document):
        return document
    package = read_package(document)
    if isinstance(package.unit, Container):
        return describe_container(package)
    unit = (
        await _fetched(services, package.unit, by)
        if isinstance(package.unit, Link)
        else (package.unit)
    )
    return await asyncio.to_thread(_unit, package, unit, sent.workflow)


def parsed(body: bytes, media_type: str) -> Any:
    """The document in a body. CWL without saying so may be either JSON or YAML."""
    if media_type not in CWL_TYPES or media_type.endswith("+json"):
        return loads(body)
    if media_type == CWL_TYPES[0] and body.lstrip()[:1] == b"{":
        return loads(body)
    # The YAML reader comes with the first package that needs it (docs/decisions/0013).
    return import_module("openccp.app.yaml_text").loads(body)


def _cwl(document: Any, workflow: str | None) -> dict[str, Any]:
    return describe_cwl(selected(document, workflow))


def _unit(package: Package, unit: Text, workflow: str | None) -> dict[str, Any]:
    document = unit.value
    if isinstance(document, str):
        document = parsed(_bytes(document, unit.media_type), unit.media_type)
    return describe_unit(package, selected(document, workflow))


def _bytes(text: str, media_type: str) -> bytes:
    """The text itself; in base64 if it is nothing else."""
    if ":" not in text:
        try:
            return base64.b64decode(text, validate=True)
        except binascii.Error:
            raise MalformedBody("The execution unit's value is no CWL.") from None
    return text.encode()


async def _fetched(services: Services, link: Link, by: str) -> Text:
    try:
        found: Fetched = await services.fetcher.get(link.href, MAX_DOCUMENT, ACCEPT, by=by)
    except NotFetched as refused:
        detail = f"The execution unit could not be fetched: {refused}"
        raise InvalidMethod(detail, faults=[Fault("/executionUnit/href", str(refused))]) from None
    return Text(found.content.decode(errors="replace"), link.media_type)
