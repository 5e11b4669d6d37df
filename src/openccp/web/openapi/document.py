"""The API document in OpenAPI 3.0 and 3.1: every path, parameter, answer and security scheme."""

import re
from typing import Any

from openccp.web.openapi.answers import refusal_responses, responses
from openccp.web.openapi.callbacks import CALLBACK_REFERENCES, CALLBACKS
from openccp.web.openapi.headers import HEADERS
from openccp.web.openapi.schema_words import ref
from openccp.web.openapi.schemas import SCHEMAS
from openccp.web.operations import OPERATIONS, Operation
from openccp.web.operations.parameters import PLACES
from openccp.web.operations.shape import HTML, JSON, TEXT, Parameter

VERSION = "1.0.0"
VERSIONS = {"3.0": "3.0.3", "3.1": "3.1.0"}
PLACE = re.compile(r"\{(\w+)\}")
FORM = Parameter(
    "f",
    "query",
    "Which form, before the header Accept.",
    {"type": "string", "enum": ["json", "html"]},
)
ABOUT = """OGC API - Processes, with CCP's executions.

HEAD answers wherever GET does, and every address names its methods to OPTIONS (and with 405).
Resources that are HTML too choose by the header Accept or the parameter f. Every refusal is a
problem document (RFC 9457)."""


def paths() -> dict[str, dict[str, Any]]:
    """The operations that every service has."""
    found: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        found.setdefault(operation.path, {})[operation.method] = described(operation)
    return found


def frame(root: str, version: str) -> dict[str, Any]:
    """The document without its paths; `version` is a key of VERSIONS."""
    return {
        "openapi": VERSIONS[version],
        "info": {
            "title": "OpenCCP",
            "version": VERSION,
            "description": ABOUT,
            "license": {
                "name": "Apache-2.0",
                "url": "https://www.apache.org/licenses/LICENSE-2.0",
            },
        },
        "servers": [{"url": root}],
        "security": [{name: []} for name in security_schemes(root)],
        "components": {
            "schemas": SCHEMAS,
            "headers": HEADERS,
            "callbacks": CALLBACKS,
            "responses": refusal_responses(OPERATIONS),
            "securitySchemes": security_schemes(root),
        },
    }


def security_schemes(root: str) -> dict[str, Any]:
    """How to sign in."""
    token, scopes = f"{root}/token", {"d4s-context:default": "The context default."}
    password = {"tokenUrl": token, "refreshUrl": token, "scopes": scopes}
    return {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "A personal token, an access token, or a token for one context.",
        },
        "oauth2": {
            "type": "oauth2",
            "flows": {
                "password": password,
                "clientCredentials": {"tokenUrl": token, "scopes": scopes},
            },
        },
        "openId": {
            "type": "openIdConnect",
            "openIdConnectUrl": f"{root}/.well-known/openid-configuration",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "__Host-ccp-session" if root.startswith("https:") else "ccp-session",
            "description": "The session of a browser that signed in.",
        },
    }


def described(operation: Operation) -> dict[str, Any]:
    """An operation object."""
    document: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [tag(operation.path)],
        "parameters": parameters(operation),
        "responses": responses(operation),
    }
    if operation.body:
        content = {kind: {"schema": ref(schema)} for kind, schema in operation.body.items()}
        document["requestBody"] = {"required": not operation.body_optional, "content": content}
    if operation.body and operation.body.get(JSON) == "execute":
        document["callbacks"] = CALLBACK_REFERENCES
    if operation.open:
        document["security"] = []
    return document


def tag(path: str) -> str:
    """The group of an operation: the first word of its path."""
    first = path.split("/")[1]
    return first if first in ("processes", "jobs", "executions", "infrastructures") else "service"


def parameters(operation: Operation) -> list[dict[str, Any]]:
    """The parameters of an operation, those of its path first."""
    places: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": PLACES[name],
            "schema": TEXT,
        }
        for name in PLACE.findall(operation.path)
    ]
    taken = list(operation.parameters)
    if any(HTML in answer.content and JSON in answer.content for answer in operation.answers):
        taken += [] if any(p.name == "f" for p in taken) else [FORM]
    return places + [_parameter(parameter) for parameter in taken]


def _parameter(parameter: Parameter) -> dict[str, Any]:
    document: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.words,
        "schema": parameter.schema,
    }
    return document | ({"style": "form", "explode": False} if parameter.listed else {})
