"""What is deployed: a method.json, an OGC application package, or CWL in JSON or YAML."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openccp.client.errors import CCPError

METHOD = "application/json"
OGC = "application/ogcapppkg+json"
CWL_JSON = "application/cwl+json"
CWL_YAML = "application/cwl+yaml"
_ID_LINE = re.compile(r"""^id:\s*["']?#?([\w.-]+)["']?\s*(#.*)?$""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Package:
    """The bytes to send, their media type, and the process's id where it can be told."""

    content: bytes
    media_type: str
    id: str | None

    @property
    def known_id(self) -> str:
        """The id; CCPError if the package does not say it."""
        if self.id is None:
            raise CCPError("The package does not say its id: name it to replace it.")
        return self.id


def package_of(given: Mapping[str, Any] | str | bytes | Path) -> Package:
    """A package from a document, its text, or its file."""
    if isinstance(given, Path):
        given = given.read_bytes()
    if isinstance(given, Mapping):
        content = json.dumps(dict(given), ensure_ascii=False).encode()
        return Package(content, _media_type(given), _identifier(given))
    content = given.encode() if isinstance(given, str) else given
    if content.lstrip()[:1] != b"{":
        found = _ID_LINE.search(content.decode(errors="replace"))
        return Package(content, CWL_YAML, found[1] if found else None)
    try:
        document = json.loads(content)
    except ValueError:
        return Package(content, METHOD, None)
    return Package(content, _media_type(document), _identifier(document))


def _media_type(document: Mapping[str, Any]) -> str:
    if "executionUnit" in document:
        return OGC
    return CWL_JSON if "cwlVersion" in document else METHOD


def _identifier(document: Mapping[str, Any]) -> str | None:
    """The id as the server takes it: that of the description, or of the document itself."""
    described = document.get("processDescription", document)
    if isinstance(described, Mapping):
        described = described.get("process", described)
    found = described.get("id") if isinstance(described, Mapping) else None
    return found.rsplit("#", 1)[-1].rsplit("/", 1)[-1] if isinstance(found, str) else None
