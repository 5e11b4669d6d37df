"""How a method is shown: OGC's process description and summary, valid in 1.0 and 2.0."""

from collections.abc import Mapping
from typing import Any

from openccp.core.descriptor import README
from openccp.core.method import RESERVED, Input, Method, Output, Revision
from openccp.core.mixed import content_schema

OGC_1_0 = frozenset(
    {
        "allOf", "anyOf", "contentEncoding", "contentMediaType", "default", "deprecated",
        "description", "enum", "example", "exclusiveMaximum", "exclusiveMinimum", "format",
        "items", "maxItems", "maxLength", "maxProperties", "maximum", "minItems", "minLength",
        "minProperties", "minimum", "multipleOf", "not", "nullable", "oneOf", "pattern",
        "additionalProperties", "properties", "readOnly", "required", "title", "type",
        "uniqueItems", "writeOnly",
    }
)  # fmt: skip
OPENAPI_3_0 = OGC_1_0 - {"contentEncoding", "contentMediaType"}
_TOLD = {"dataClasses": list, "dataAccessAPIs": list, "executionUnitRequirements": dict}
_BOUNDS = (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum"))


def summarise(revision: Revision) -> dict[str, Any]:
    """The process summary, without links."""
    method = revision.method
    modes = ["sync-execute", "async-execute"] if method.synchronous else ["async-execute"]
    return {
        "id": method.id,
        "title": method.title,
        "description": method.description,
        "version": method.version,
        "keywords": list(method.keywords),
        "metadata": _metadata(method),
        "jobControlOptions": [*modes, "dismiss"],
        "outputTransmission": ["value", "reference"],
        "mutable": revision.mutable,
    }


def describe(revision: Revision) -> dict[str, Any]:
    """The process description, without links; scripts stay in `additionalParameters`.

    Schemas are written in the closed dialect of OGC 1.0 (OpenAPI 3.0), which 2.0 reads too.
    """
    method = revision.method
    described = summarise(revision)
    told = _told(method, "inputs")
    described["inputs"] = {n: {**_input(i), **told.get(n, {})} for n, i in method.inputs.items()}
    told = _told(method, "outputs")
    described["outputs"] = {n: {**_output(o), **told.get(n, {})} for n, o in method.outputs.items()}
    if parameters := _parameters(method):
        described["additionalParameters"] = {"parameters": parameters}
    if isinstance(method.document.get("examples"), Mapping):
        described["examples"] = method.document["examples"]
    if not method.network:
        described["x-ccp-network"] = False
    if not method.synchronous_job:
        described["x-ccp-sync-job"] = False
    if method.root:
        described["x-ccp-root"] = True
    if method.gpus:
        described["x-ccp-gpus"] = method.gpus
    if readme := method.document.get(README):
        described[README] = readme
    if method.image:
        described["x-ccp-image"] = method.image
    return described


def _metadata(method: Method) -> list[Any]:
    """Entries with the texts that OGC 1.0 wants."""
    entries = method.document.get("metadata") or []
    texts = ("title", "role", "href")
    return [
        {name: v for name, v in entry.items() if name not in texts or isinstance(v, str)}
        for entry in entries
    ]


def _input(declared: Input) -> dict[str, Any]:
    return {
        "id": declared.id,
        "title": declared.title or declared.id,
        "description": declared.description,
        "minOccurs": 0 if declared.has_default else declared.minimum,
        "maxOccurs": "unbounded" if declared.maximum is None else declared.maximum,
        "schema": to_openapi(declared.schema),
        "valuePassing": ["byValue"] if declared.id in RESERVED else ["byValue", "byReference"],
    }


def _told(method: Method, group: str) -> dict[str, dict[str, Any]]:
    """What a descriptor says of data and access in the words of 2.0, which we pass on."""
    puts = method.document.get(group) or {}
    named = puts.items() if isinstance(puts, Mapping) else ((put["id"], put) for put in puts)
    return {
        name: {word: put[word] for word, kind in _TOLD.items() if isinstance(put.get(word), kind)}
        for name, put in named
    }


def _output(declared: Output) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": declared.id,
        "title": declared.title or declared.id,
        "description": declared.description,
        "schema": to_openapi(declared.schema),
    }
    if declared.path is not None:
        shown["x-ccp-path"] = declared.path
    return shown


def _parameters(method: Method) -> list[dict[str, Any]]:
    additional = method.document.get("additionalParameters")
    listed = additional.get("parameters") if isinstance(additional, Mapping) else additional
    return [
        {**parameter, "value": _listed(parameter.get("value"))}
        for parameter in listed or []
        if isinstance(parameter.get("name"), str)
    ]


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def to_openapi(schema: Any, known: frozenset[str] = OGC_1_0) -> Any:
    """A schema of JSON Schema 2020-12 in OpenAPI 3.0's words; what 3.0 cannot say is left out.

    `known` are the keywords that may stay: OGC 1.0 has a few that OPENAPI_3_0 lacks.
    """
    if not isinstance(schema, Mapping):
        return {} if schema is True else {"not": {}}
    words = {name: _word(name, v, known) for name, v in schema.items() if name in known}
    if "const" in schema:
        words["enum"] = [schema["const"]]
    if (address := content_schema(schema)) and "contentMediaType" in known:
        words["contentSchema"] = address
    if "example" not in words and schema.get("examples"):
        words["example"] = schema["examples"][0]
    for exclusive, inclusive in _BOUNDS:
        if exclusive in words:
            words[inclusive], words[exclusive] = words[exclusive], True
    if words.get("required") == []:
        del words["required"]
    _set_type(words)
    if words.get("type") == "array":
        words.setdefault("items", {})
    return words


def _word(name: str, value: Any, known: frozenset[str]) -> Any:
    if name in ("allOf", "anyOf", "oneOf"):
        return [to_openapi(part, known) for part in value]
    if name == "properties":
        return {key: to_openapi(part, known) for key, part in value.items()}
    if name == "additionalProperties" and isinstance(value, bool):
        return value
    return to_openapi(value, known) if name in ("items", "not", "additionalProperties") else value


def _set_type(words: dict[str, Any]) -> None:
    types = words.get("type")
    if types == "null":
        types = ["null"]
    if not isinstance(types, list):
        return
    names = [name for name in types if name != "null"]
    del words["type"]
    if len(names) < len(types):
        words["nullable"] = True
    if len(names) == 1:
        words["type"] = names[0]
    elif names:
        words["allOf"] = [*words.get("allOf", ()), {"anyOf": [{"type": name} for name in names]}]
