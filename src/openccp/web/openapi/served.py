"""The API document as it is served: with the processes a caller may run, rendered once each."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

import orjson

from openccp.core.method import Revision
from openccp.web.openapi.document import described, frame, parameters, paths
from openccp.web.openapi.execution import DIALECTS, request_body, results
from openccp.web.operations import OPERATIONS, Operation
from openccp.web.operations.processes import EXECUTE

KEPT_PIECES = 4_000
KEPT_BYTES = 48 << 20
Key = tuple[str, int, float]
EXECUTION = tuple(o for o in OPERATIONS if o.path == EXECUTE.path)


@dataclass(frozen=True, slots=True)
class Document:
    """A rendered API document."""

    body: bytes
    etag: str


class ApiDocuments:
    """Whole documents by what they show, and the pieces they are put together from.

    A revision never changes, so its piece is rendered once; a document is put together when the
    processes that a caller may see, or the address of the service, were not seen together yet.
    """

    def __init__(self) -> None:
        self._pieces: OrderedDict[tuple[Key, str], bytes] = OrderedDict()
        self._kept: OrderedDict[tuple[str, str, tuple[Key, ...]], Document] = OrderedDict()

    def document(self, revisions: Sequence[Revision], root: str, version: str) -> Document:
        """The document in a version of OpenAPI ("3.0" or "3.1")."""
        key = (root, version, tuple(_key(revision) for revision in revisions))
        if (kept := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return kept
        body = _joined(root, version, [self._piece(one, version) for one in revisions])
        made = Document(body, f'"{sha256(body).hexdigest()[:32]}"')
        self._kept[key] = made
        while len(self._kept) > 1 and sum(len(d.body) for d in self._kept.values()) > KEPT_BYTES:
            self._kept.popitem(last=False)
        return made

    def operations(self) -> list[dict[str, str]]:
        """The operations that every service has, in a few words each."""
        return [
            {"method": o.method.upper(), "path": o.path, "summary": o.summary} for o in OPERATIONS
        ]

    def _piece(self, revision: Revision, version: str) -> bytes:
        key = (_key(revision), version)
        if (kept := self._pieces.get(key)) is not None:
            return kept
        made = _member(*execution_path(revision, version))
        self._pieces[key] = made
        while len(self._pieces) > KEPT_PIECES:
            self._pieces.popitem(last=False)
        return made


def execution_path(revision: Revision, version: str) -> tuple[str, dict[str, Any]]:
    """The path at which one process is executed, and what can be done there."""
    method = revision.method
    operations = {o.method: _own(o, revision) for o in EXECUTION}
    post, dialect = operations[EXECUTE.method], DIALECTS[version]
    post["requestBody"] = request_body(method, dialect)
    post["responses"]["200"]["content"] = results(method, dialect)
    return EXECUTE.path.replace("{processID}", method.id), operations


def _own(operation: Operation, revision: Revision) -> dict[str, Any]:
    """An operation of execution for one process; what all of them share is referred to."""
    return {
        **described(operation),
        "operationId": f"{operation.id}.{revision.method.id}",
        "summary": f"{operation.summary}: {revision.method.title}",
        "description": revision.method.description,
        "parameters": [
            {"$ref": f"#/components/parameters/{name}"} for name in _shared_parameters(operation)
        ],
    }


def _shared_parameters(operation: Operation) -> dict[str, Any]:
    return {
        f"{operation.id}.{parameter['name']}": parameter
        for parameter in parameters(operation)
        if parameter["in"] != "path"
    }


@lru_cache(maxsize=16)
def _beginning(root: str, version: str) -> bytes:
    """The document up to where the paths of the processes come."""
    document = frame(root, version)
    document["components"]["parameters"] = {
        name: parameter for o in EXECUTION for name, parameter in _shared_parameters(o).items()
    }
    return orjson.dumps({**document, "paths": paths()}).removesuffix(b"}}")


def _joined(root: str, version: str, pieces: Iterable[bytes]) -> bytes:
    return b",".join([_beginning(root, version), *pieces]) + b"}}"


def _member(name: str, value: Any) -> bytes:
    return orjson.dumps({name: value})[1:-1]


def _key(revision: Revision) -> Key:
    return (revision.method.id, revision.number, revision.created)
