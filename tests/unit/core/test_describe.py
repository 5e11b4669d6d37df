import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from openccp.core.describe import describe, summarise, to_openapi
from openccp.core.descriptor import read_method
from openccp.core.method import Method, Revision

ROOT = Path(__file__).parents[3]
SCHEMAS = Path(os.environ.get("OGC_SCHEMAS", ROOT.parent / "shared/reference/ogc-schemas"))
BUNDLE = SCHEMAS / "part1-2.0-draft/openapi/ogcapi-processes.bundled.json"
SHIPPED = sorted((ROOT / "methods").glob("*/method.json"))

RICH = read_method(
    {
        "id": "rich",
        "version": "1.0.0",
        "x-ccp-network": False,
        "jobControlOptions": ["sync-execute"],
        "keywords": ["a"],
        "metadata": [{"role": "author", "title": "Grace"}, {"role": "note", "title": None}],
        "examples": {"one": {"inputs": {"a": 1}}},
        "inputs": {
            "ccpimage": {"schema": {"type": "string", "format": "url", "default": "bash"}},
            "a": {
                "title": "A",
                "maxOccurs": "unbounded",
                "schema": {"$ref": "#/$defs/n", "$defs": {"n": {"type": ["number", "null"]}}},
            },
            "b": {"schema": {"type": "string", "format": None, "enum": ["x"], "default": "x"}},
            "c": {
                "minOccurs": 0,
                "schema": {
                    "type": "object",
                    "required": [],
                    "examples": [{"k": 1}],
                    "properties": {"k": {"const": 1}, "$ref": {"exclusiveMinimum": 0}},
                    "additionalProperties": {"type": ["string", "integer"]},
                },
            },
            "d": {"minOccurs": 0, "schema": {"allOf": [{"format": "ogc-bbox"}]}},
            "key": {"minOccurs": 0, "schema": {"type": "string", "format": "secret"}},
        },
        "outputs": {"table": {"schema": {"type": "string"}, "x-ccp-path": "out/*.csv"}},
        "additionalParameters": [{"name": "execute-script", "value": "echo hi"}],
    }
)


def revision(method: Method) -> Revision:
    return Revision(method, number=1, owner="u", public=True, mutable=True, created=0.0)


def all_methods() -> list[Method]:
    return [RICH, *(read_method(json.loads(path.read_bytes())) for path in SHIPPED)]


def test_a_summary() -> None:
    assert summarise(revision(RICH)) == {
        "id": "rich",
        "title": "rich",
        "description": "",
        "version": "1.0.0",
        "keywords": ["a"],
        "metadata": [{"role": "author", "title": "Grace"}, {"role": "note"}],
        "jobControlOptions": ["sync-execute", "async-execute", "dismiss"],
        "outputTransmission": ["value", "reference"],
        "mutable": True,
    }


def test_a_description() -> None:
    described = describe(revision(RICH))
    assert described["inputs"]["a"] == {
        "id": "a",
        "title": "A",
        "description": "",
        "minOccurs": 1,
        "maxOccurs": "unbounded",
        "schema": {"nullable": True, "type": "number"},
        "valuePassing": ["byValue", "byReference"],
    }
    assert described["inputs"]["b"]["minOccurs"] == 0
    assert described["inputs"]["b"]["schema"] == {"type": "string", "enum": ["x"], "default": "x"}
    assert described["inputs"]["c"]["schema"] == {
        "type": "object",
        "example": {"k": 1},
        "properties": {"k": {"enum": [1]}, "$ref": {"minimum": 0, "exclusiveMinimum": True}},
        "additionalProperties": {"allOf": [{"anyOf": [{"type": "string"}, {"type": "integer"}]}]},
    }
    assert described["outputs"]["table"]["x-ccp-path"] == "out/*.csv"
    assert described["additionalParameters"] == {
        "parameters": [{"name": "execute-script", "value": ["echo hi"]}]
    }
    assert described["examples"] == {"one": {"inputs": {"a": 1}}}
    assert described["x-ccp-network"] is False
    assert "links" not in described


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (True, {}),
        (False, {"not": {}}),
        ({"type": "null"}, {"nullable": True}),
        ({"items": {"const": None}}, {"items": {"enum": [None]}}),
        ({"not": {"prefixItems": [True]}}, {"not": {}}),
        ({"oneOf": [{"x-a": 1, "title": "T"}]}, {"oneOf": [{"title": "T"}]}),
        ({"additionalProperties": False}, {"additionalProperties": False}),
    ],
)
def test_schemas_in_the_dialect_of_1_0(schema: Any, expected: Any) -> None:
    assert to_openapi(schema) == expected


@pytest.mark.parametrize("method", all_methods(), ids=lambda method: method.id)
def test_what_is_shown_can_be_deployed_elsewhere(method: Method) -> None:
    again = read_method(describe(revision(method)))
    assert again.scripts == method.scripts
    assert {i.id: i.kind for i in again.inputs.values()} == {
        i.id: i.kind for i in method.inputs.values()
    }
    assert {o.id: o.path for o in again.outputs.values()} == {
        o.id: o.path for o in method.outputs.values()
    }


@pytest.mark.skipif(not BUNDLE.exists(), reason="the standard's schemas are not at hand")
@pytest.mark.parametrize("method", all_methods(), ids=lambda method: method.id)
def test_descriptions_are_valid_in_2_0(method: Method) -> None:
    document = json.loads(BUNDLE.read_bytes())
    # The published bundle mixes up two files of this name: it has that of geographic features.
    document["components"]["schemas"]["schema"] = {"type": "object"}
    registry: Registry[Any] = Registry().with_resource(
        "urn:ogc", DRAFT202012.create_resource(document)
    )
    for shown, name in ((describe, "process"), (summarise, "processSummary")):
        schema = {"$ref": f"urn:ogc#/components/schemas/{name}"}
        errors = Draft202012Validator(schema, registry=registry).iter_errors(
            shown(revision(method))
        )
        assert [error.message for error in errors] == []


@pytest.mark.skipif(not SCHEMAS.exists(), reason="the standard's schemas are not at hand")
@pytest.mark.parametrize("method", all_methods(), ids=lambda method: method.id)
def test_descriptions_are_valid_in_1_0(method: Method) -> None:
    yaml = pytest.importorskip("yaml")
    folder = SCHEMAS / "part1-1.0/core/openapi/schemas"
    registry: Registry[Any] = Registry().with_resources(
        (path.name, DRAFT202012.create_resource(contents))
        for path, contents in parsed(folder, yaml)
    )
    for shown, name in ((describe, "process.yaml"), (summarise, "processSummary.yaml")):
        validator = Draft202012Validator({"$ref": name}, registry=registry)
        errors = validator.iter_errors(shown(revision(method)))
        assert [error.message for error in errors] == []


def parsed(folder: Path, yaml: Any) -> Iterator[tuple[Path, Any]]:
    for path in folder.glob("*.yaml"):
        yield path, without_boolean_bounds(yaml.safe_load(path.read_text()))


def without_boolean_bounds(schema: Any) -> Any:
    """OpenAPI 3.0's boolean `exclusiveMinimum` is not for a validator of 2020-12."""
    if isinstance(schema, dict):
        return {
            name: without_boolean_bounds(value)
            for name, value in schema.items()
            if not (name.startswith("exclusive") and isinstance(value, bool))
        }
    return [without_boolean_bounds(v) for v in schema] if isinstance(schema, list) else schema
