"""The execution of one process as the API document tells it: typed inputs, outputs, examples."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from openccp.core.describe import OPENAPI_3_0, to_openapi
from openccp.core.execute_schema import (
    examples,
    is_plain,
    is_required,
    settable,
    value_schema,
)
from openccp.core.kinds import is_bbox
from openccp.core.method import ALL_FILES, Input, Method, Output
from openccp.core.output_types import declared_media_type
from openccp.web.openapi.schema_words import ref
from openccp.web.operations.shape import JSON, TEXT

Schema = dict[str, Any]
Dialect = Callable[[Mapping[str, Any]], Any]
DIALECTS: Mapping[str, Dialect] = {"3.0": partial(to_openapi, known=OPENAPI_3_0), "3.1": dict}
MULTIPART = "multipart/related"
INFRASTRUCTURE: Schema = {
    "type": "string",
    "description": "Where it is to run, by name; without it, the best place is chosen.",
}
_BINARY: Schema = {"type": "string", "format": "binary"}


def request_body(method: Method, dialect: Dialect) -> dict[str, Any]:
    """The body of an execute request, with examples."""
    needs_inputs = any(is_required(declared) for declared in method.inputs.values())
    schema = _closed(
        {
            "inputs": _inputs(method, dialect),
            "outputs": _wanted_outputs(method),
            "response": {"type": "string", "enum": ["raw", "document"]},
            "infrastructure": INFRASTRUCTURE,
            "subscriber": ref("subscriber"),
        },
        ["inputs"] if needs_inputs else [],
    )
    content = {"schema": schema, "examples": _examples(method)}
    return {"required": True, "content": {JSON: content}}


def results(method: Method, dialect: Dialect) -> dict[str, Any]:
    """What a synchronous execution answers, by media type."""
    outputs = method.outputs
    values = {name: _value(output.schema, dialect) for name, output in outputs.items()}
    document = {
        "type": "object",
        "properties": {
            name: _handed_over(value, several=_is_glob(outputs[name]))
            for name, value in values.items()
        },
    }
    kinds = {o.id: declared_media_type(o) for o in method.outputs.values()}
    raw = [values[name] for name, kind in kinds.items() if kind == JSON]
    content: dict[str, Any] = {JSON: {"schema": {"anyOf": [document, *raw]} if raw else document}}
    for kind in kinds.values():
        if kind is not None and kind != JSON:
            content[kind] = {"schema": TEXT if kind.startswith("text/") else _BINARY}
    content[MULTIPART] = {"schema": _BINARY}
    content["*/*"] = {"schema": _BINARY}
    return content


def _examples(method: Method) -> dict[str, Any]:
    shown = {}
    for name, request in examples(method).items():
        title = str(request.pop("title", name))
        shown[name] = {"summary": title, "value": request}
    return shown


def _inputs(method: Method, dialect: Dialect) -> Schema:
    declared = list(settable(method))
    properties = {i.id: _input(i, dialect) for i in declared}
    properties.setdefault("ccpnote", {"type": "string", "description": "A note for yourself."})
    return _closed(properties, [i.id for i in declared if is_required(i)])


def _input(declared: Input, dialect: Dialect) -> Schema:
    words = ". ".join(text for text in (declared.title, declared.description) if text)
    schema = _one_or_more(declared, dialect)
    return {**schema, "description": words} if words else schema


def _one_or_more(declared: Input, dialect: Dialect) -> Schema:
    value = _value(value_schema(declared), dialect)
    one = [value] if is_plain(declared) else [value, _qualified(value), ref("link")]
    if not declared.repeated:
        return one[0] if len(one) == 1 else {"anyOf": one}
    many: Schema = {"type": "array", "items": {"anyOf": one}}
    if declared.minimum:
        many["minItems"] = declared.minimum
    if declared.maximum is not None:
        many["maxItems"] = declared.maximum
    return {"anyOf": [*one, many]}


def _value(schema: Mapping[str, Any], dialect: Dialect) -> Any:
    if is_bbox(schema):
        return ref("bbox")
    return dialect({name: word for name, word in schema.items() if not name.startswith("x-")})


def _qualified(value: Any) -> Schema:
    return {
        "type": "object",
        "required": ["value"],
        "properties": {"value": value, "mediaType": TEXT, "encoding": TEXT, "schema": {}},
    }


def _handed_over(value: Any, *, several: bool) -> Schema:
    one = [value, ref("qualifiedValue"), ref("link")]
    return {"anyOf": [*one, {"type": "array", "items": {"anyOf": one}}] if several else one}


def _is_glob(output: Output) -> bool:
    return not set("*?[").isdisjoint(output.path or "")


def _wanted_outputs(method: Method) -> Schema:
    names = [output.id for output in method.outputs.values()]
    return _closed({name: ref("outputRequest") for name in (*names, ALL_FILES)}, [])


def _closed(properties: Schema, required: list[str]) -> Schema:
    schema: Schema = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    return schema | ({"required": required} if required else {})
