"""The API document (OpenAPI 3.0): every path, parameter, answer and security scheme."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from openccp.web.operations import JSON, OPERATIONS, Operation

PROBLEM = "application/problem+json"
VERSION = "1.0.0"
Schema = dict[str, Any]
PLACE = re.compile(r"\{(\w+)\}")


def _object(required: Sequence[str] = (), **properties: Schema) -> Schema:
    schema: Schema = {"type": "object", "properties": properties}
    return schema | ({"required": list(required)} if required else {})


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


TEXT: Schema = {"type": "string"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
LINKS = _list(_reference("link"))
STATUSES = ["accepted", "running", "successful", "failed", "dismissed"]
SCHEMAS: dict[str, Schema] = {
    "object": {"type": "object"},
    "link": _object(("href",), href=TEXT, rel=TEXT, type=TEXT, title=TEXT),
    "landingPage": _object(("links",), title=TEXT, description=TEXT, links=LINKS),
    "confClasses": _object(("conformsTo",), conformsTo=_list(TEXT)),
    "processSummary": _object(
        ("id", "version"),
        id=TEXT,
        version=TEXT,
        title=TEXT,
        description=TEXT,
        keywords=_list(TEXT),
        jobControlOptions=_list(TEXT),
        mutable={"type": "boolean"},
        links=LINKS,
    ),
    "processList": _object(
        ("processes", "links"), processes=_list(_reference("processSummary")), links=LINKS
    ),
    "process": {
        "allOf": [
            _reference("processSummary"),
            _object((), inputs={"type": "object"}, outputs={"type": "object"}),
        ]
    },
    "method": {"type": "object", "description": "CCP's method.json."},
    "execute": _object(
        (),
        inputs={"type": "object", "description": "Input id -> value."},
        outputs={"type": "object", "description": "Output id -> transmissionMode, format."},
        response={"type": "string", "enum": ["raw", "document"]},
    ),
    "statusInfo": _object(
        ("jobID", "id", "status", "type", "processingEntityType"),
        jobID=TEXT,
        id=TEXT,
        status={"type": "string", "enum": STATUSES},
        type={"type": "string", "enum": ["process"]},
        processingEntityType=TEXT,
        processID=TEXT,
        message=TEXT,
        phase=TEXT,
        created=MOMENT,
        started=MOMENT,
        finished=MOMENT,
        updated=MOMENT,
        progress={"type": "integer", "minimum": 0, "maximum": 100},
        note=TEXT,
        exception={"type": "object"},
        links=LINKS,
    ),
    "jobList": _object(("jobs", "links"), jobs=_list(_reference("statusInfo")), links=LINKS),
    "executionList": _list(_reference("statusInfo")),
    "tokenRequest": _object(
        ("grant_type",),
        grant_type=TEXT,
        client_id=TEXT,
        username=TEXT,
        password=TEXT,
        refresh_token=TEXT,
        audience=TEXT,
        scope=TEXT,
    ),
    "problem": _object(
        ("type", "title", "status"),
        type=TEXT,
        title=TEXT,
        status={"type": "integer"},
        detail=TEXT,
        instance=TEXT,
        errors=_list(_object((), pointer=TEXT, detail=TEXT)),
    ),
}


@lru_cache(maxsize=16)
def openapi(root: str) -> dict[str, Any]:
    """The document for a service at the address `root`."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "OpenCCP",
            "version": VERSION,
            "description": "OGC API - Processes, with CCP's executions.",
            "license": {"name": "Apache-2.0"},
        },
        "servers": [{"url": root}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    document: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "parameters": _parameters(operation),
        "responses": _answers(operation),
    }
    if operation.body:
        media_type, schema = operation.body
        content = {media_type: {"schema": _reference(schema)}}
        document["requestBody"] = {"required": True, "content": content}
    if operation.open:
        document["security"] = []
    return document


def _parameters(operation: Operation) -> list[Schema]:
    places: list[Schema] = [
        {"name": name, "in": "path", "required": True, "schema": TEXT}
        for name in PLACE.findall(operation.path)
    ]
    query: list[Schema] = [
        {"name": name, "in": "query", "description": words, "schema": {"type": kind}}
        for name, kind, words in operation.query
    ]
    headers: list[Schema] = [
        {"name": name, "in": "header", "description": words, "schema": TEXT}
        for name, words in operation.headers
    ]
    return places + query + headers


def _answers(operation: Operation) -> dict[str, Schema]:
    answers: dict[str, Schema] = {
        str(status): {"description": words, **_content(kind)}
        for status, words, kind in operation.answers
    }
    answers["default"] = {
        "description": "A problem (RFC 9457).",
        "content": {PROBLEM: {"schema": _reference("problem")}},
    }
    return answers


def _content(kind: str | None) -> Schema:
    if kind is None:
        return {}
    if "/" in kind:
        return {"content": {kind: {"schema": {"type": "string", "format": "binary"}}}}
    return {"content": {JSON: {"schema": _reference(kind)}}}
