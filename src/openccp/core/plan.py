"""What can be worked out once for a method, to read its requests quickly."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from openccp.core.method import Input, Method
from openccp.core.scalars import Read, parse_integer, parse_text, unfit
from openccp.core.schema import token
from openccp.core.schema_check import shown
from openccp.core.values import compile_input

MAX_REPLICAS = 64
MAX_NOTE = 2_000
BASIC_IMAGE = "bash"
"""What an empty `ccpimage` stands for."""
IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@+-]{0,254}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a method's inputs are read. `all_files`: the output `output` may be asked for."""

    readers: Mapping[str, Read]
    defaults: Mapping[str, Any]
    required: tuple[str, ...]
    all_files: bool


@lru_cache(maxsize=1024)
def plan_of(method: Method) -> Plan:
    """The plan of a method whose descriptor was checked."""
    readers = {name: reader_of(declared) for name, declared in method.inputs.items()}
    readers.setdefault("ccpnote", _read_note)
    readers.setdefault("ccpimage", _only_image(method.image or BASIC_IMAGE))
    readers.setdefault("ccpreplicas", _only_one_replica)
    defaults = {
        name: readers[name](declared.schema["default"], token(name))
        for name, declared in method.inputs.items()
        if declared.has_default
    }
    for name, declared in method.inputs.items():
        if declared.read_only and name in defaults:
            readers[name] = _bound(readers[name], defaults[name])
    required = tuple(
        name for name, i in method.inputs.items() if i.minimum > 0 and name not in defaults
    )
    runs = method.image or method.scripts.execute
    all_files = "ccpimage" in method.inputs or bool(runs)
    return Plan(readers, defaults, required, all_files)


def image_of(method: Method) -> str:
    """The runtime that a job gets unless its user chooses another."""
    return str(plan_of(method).defaults.get("ccpimage") or method.image or BASIC_IMAGE)


def size_of(method: Method) -> str | None:
    """The size that a job gets unless its user chooses another."""
    size = plan_of(method).defaults.get("ccpsize")
    return str(size) if size else None


def reader_of(declared: Input) -> Read:
    """A reader of what clients may send for an input, the reserved ones by their own rules."""
    if declared.id == "ccpnote":
        return _read_note
    if declared.id == "ccpreplicas":
        schema = {"minimum": 1, **declared.schema}
        schema["maximum"] = min(MAX_REPLICAS, schema.get("maximum", MAX_REPLICAS))
        return compile_input(replace(declared, schema=schema))
    if declared.id == "ccpmaxtime":
        schema = {"exclusiveMinimum": 0, **declared.schema}
        return compile_input(replace(declared, schema=schema))
    if declared.id == "ccpimage":
        return _imagereader_of(compile_input(declared))
    return compile_input(declared)


def _imagereader_of(read: Read) -> Read:
    def read_image(value: Any, pointer: str) -> Any:
        image = read(value, pointer)
        if image == "":
            return BASIC_IMAGE
        if IMAGE.fullmatch(image) is None:
            raise unfit(pointer, "expected the name of a runtime, like python:3.11")
        return image

    return read_image


def _bound(read: Read, default: Any) -> Read:
    detail = f"this value is set by the method and cannot be changed from {shown(default)}"

    def read_bound(value: Any, pointer: str) -> Any:
        if read(value, pointer) != default:
            raise unfit(pointer, detail)
        return default

    return read_bound


def _read_note(value: Any, pointer: str) -> str:
    note = parse_text(value)
    if note is None or len(note) > MAX_NOTE:
        raise unfit(pointer, f"expected text of at most {MAX_NOTE} characters")
    return note


def _only_image(image: str) -> Read:
    def read_image(value: Any, pointer: str) -> str:
        if value not in ("", image):
            raise unfit(pointer, f"this method runs in {shown(image)} and in no other runtime")
        return image

    return read_image


def _only_one_replica(value: Any, pointer: str) -> int:
    if parse_integer(value) != 1:
        raise unfit(pointer, "this method does not declare ccpreplicas: it runs once")
    return 1
