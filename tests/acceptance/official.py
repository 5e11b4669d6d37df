"""Answers against the official schemas, where they are kept beside this project.

The YAML files are OpenAPI 3.0's dialect: JSON Schema as it was in draft 4, with `nullable`.
"""

import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft4Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

FOLDER = Path(
    os.environ.get("OGC_SCHEMAS", Path(__file__).parents[3] / "shared/reference/ogc-schemas")
)
VERSIONS = {
    "part1-1.0": "part1-1.0/core/openapi/schemas",
    "part1-2.0": "part1-2.0-draft/openapi/schemas",
}
SUBFOLDERS = (".", "processes-core", "common-core", "processes-dru", "processes-job-management")
AMBIGUOUS = {"inputValueNoObject.yaml", "inputValue.yaml", "execute.yaml"}
"""Files of 1.0 whose `oneOf` contradict themselves: an integer is a number too."""

needs_schemas = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the official schemas are not kept beside this checkout"
)


def validate(document: Any, version: str, name: str) -> None:
    """Fail with every fault a document has against an official schema; skip without schemas.

    `version` is `part1-1.0` or `part1-2.0`; `name` is the file without `.yaml`, where several
    folders have one of that name with its folder: `processes-job-management/statusInfo`.
    """
    if not FOLDER.is_dir():
        pytest.skip("the official schemas are not kept beside this checkout")
    found = sorted(_validator(version, name).iter_errors(document), key=lambda e: e.json_path)
    assert not found, "\n".join(f"{e.json_path}: {e.message[:300]}" for e in found)


def is_valid(document: Any, version: str, name: str) -> bool:
    """Whether an official schema takes a document."""
    return bool(_validator(version, name).is_valid(document))


@lru_cache
def _validator(version: str, name: str) -> Draft4Validator:
    path = _path(FOLDER / VERSIONS[version], name)
    registry: Registry[Any] = Registry(retrieve=_retrieve)  # type: ignore[call-arg]
    return Draft4Validator({"$ref": path.as_uri()}, registry=registry)


def _path(folder: Path, name: str) -> Path:
    for subfolder in SUBFOLDERS:
        path = (folder / subfolder / f"{name}.yaml").resolve()
        if path.is_file():
            return path
    raise AssertionError(f"there is no official schema {name} in {folder}")


def _retrieve(uri: str) -> Resource[Any]:
    path = Path(uri.removeprefix("file://"))
    assert path.is_relative_to(FOLDER.resolve()), f"{uri} is not among the official schemas"
    schema = yaml.safe_load(path.read_text())
    for part in _objects(schema):
        if path.name in AMBIGUOUS and "oneOf" in part:
            part["anyOf"] = part.pop("oneOf")
        if part.get("nullable") is True and isinstance(part.get("type"), str):
            part["type"] = [part["type"], "null"]
    return DRAFT4.create_resource(schema)


def _objects(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
    inner = schema.values() if isinstance(schema, dict) else schema
    for part in inner if isinstance(schema, dict | list) else ():
        yield from _objects(part)
