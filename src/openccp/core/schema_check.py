"""Arrays and objects against their schema, each fault in words."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from fractions import Fraction
from itertools import islice
from typing import Any

import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from openccp.core.pattern import compile_pattern
from openccp.core.problems import Fault
from openccp.core.schema import token

MAX_VALUES = 50_000
MAX_STEPS = 200_000
"""What one check may cost; about half a second."""
MAX_FAULTS = 20

Check = Callable[[Any, str], list[Fault]]
"""(value, pointer) -> what is wrong with the value."""


def compile_schema(schema: Mapping[str, Any]) -> Check:
    """A check of whole values against a schema that `schema.normalise` has made safe."""
    validator = _Validator(dict(schema))

    def check(value: Any, pointer: str) -> list[Fault]:
        if not _keepable(value):
            return [Fault(pointer, "expected JSON of usual size, depth and numbers")]
        _steps_left.set(MAX_STEPS)
        try:
            errors = islice(validator.iter_errors(value), MAX_FAULTS)
            return [_fault(error, pointer) for error in errors]
        except _TooCostly:
            return [Fault(pointer, "this value is too large to be checked; give it as a file")]

    return check


class _TooCostly(Exception):
    """The steps of one check are used up."""


_steps_left: ContextVar[int] = ContextVar("steps_left", default=MAX_STEPS)
_Rule = Callable[[Any, Any, Any, Any], Iterator[ValidationError] | None]


def _counted(keyword: str, rule: _Rule) -> _Rule:
    """The rule, after its price is paid: many small rules on many values take minutes."""
    loops = keyword in _LOOPS
    each = keyword == "patternProperties"

    def run(validator: Any, rule_value: Any, instance: Any, schema: Any) -> Any:
        size = len(rule_value) if isinstance(rule_value, (list, dict)) else 0
        count = len(instance) if loops and isinstance(instance, (list, dict)) else 0
        _pay(1 + size + count * (size if each else 1))
        return rule(validator, rule_value, instance, schema)

    return run


def _pay(steps: int) -> None:
    left = _steps_left.get() - steps
    if left < 0:
        raise _TooCostly
    _steps_left.set(left)


_LOOPS = frozenset(
    {
        "additionalProperties",
        "contains",
        "items",
        "patternProperties",
        "prefixItems",
        "propertyNames",
        "uniqueItems",
    }
)


def multiple_of(number: int | float, step: int | float) -> bool:
    """Whether the number, as written in decimal, is a whole multiple of the step."""
    return (Fraction(str(number)) / Fraction(str(step))).denominator == 1


def _keepable(value: Any) -> bool:
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return _count(value) <= MAX_VALUES


def _count(value: Any) -> int:
    count = 0
    pending = [value]
    while pending and count <= MAX_VALUES:
        item = pending.pop()
        count += 1
        if isinstance(item, dict):
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, float) and not math.isfinite(item):
            return MAX_VALUES + 1
    return count


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not compile_pattern(pattern)(instance):
        yield ValidationError("")


def _pattern_properties(
    validator: Any, patterns: Mapping[str, Any], instance: Any, _: Any
) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    for pattern, schema in patterns.items():
        matches = compile_pattern(pattern)
        for name, value in instance.items():
            if matches(name):
                yield from validator.descend(value, schema, path=name, schema_path=pattern)


def _additional_properties(
    validator: Any, additional: Any, instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    known = schema.get("properties", {})
    patterns = [compile_pattern(p) for p in schema.get("patternProperties", {})]
    _pay(len(patterns) * len(instance))
    for name, value in instance.items():
        if name in known or any(matches(name) for matches in patterns):
            continue
        if additional is False:
            yield ValidationError("", path=(name,))
        else:
            yield from validator.descend(value, additional, path=name)


def _unique(_: Any, wanted: bool, instance: Any, __: Any) -> Iterator[ValidationError]:
    if wanted and isinstance(instance, list):
        texts = {orjson.dumps(item, option=orjson.OPT_SORT_KEYS) for item in instance}
        if len(texts) != len(instance):
            yield ValidationError("")


def _multiple(_: Any, step: int | float, instance: Any, __: Any) -> Iterator[ValidationError]:
    number = isinstance(instance, (int, float)) and not isinstance(instance, bool)
    if number and math.isfinite(instance) and not multiple_of(instance, step):
        yield ValidationError("")


_RULES: Mapping[str, _Rule] = {
    **Draft202012Validator.VALIDATORS,
    "additionalProperties": _additional_properties,
    "multipleOf": _multiple,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "uniqueItems": _unique,
}
_Validator: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {keyword: _counted(keyword, rule) for keyword, rule in _RULES.items()}
)

_TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "text",
}
_WORDS: Mapping[str, Callable[[Any], str]] = {
    "additionalProperties": lambda _: "this member is not expected",
    "anyOf": lambda _: "fits none of the forms this may have",
    "const": lambda v: f"expected {shown(v)}",
    "contains": lambda _: "the list lacks a value it must have",
    "enum": lambda v: f"expected one of {choices(v)}",
    "exclusiveMaximum": lambda v: f"expected a number below {v}",
    "exclusiveMinimum": lambda v: f"expected a number above {v}",
    "maxItems": lambda v: f"expected at most {v} values",
    "maxLength": lambda v: f"expected at most {v} characters",
    "maxProperties": lambda v: f"expected at most {v} members",
    "maximum": lambda v: f"expected a number of at most {v}",
    "minItems": lambda v: f"expected at least {v} values",
    "minLength": lambda v: f"expected at least {v} characters",
    "minProperties": lambda v: f"expected at least {v} members",
    "minimum": lambda v: f"expected a number of at least {v}",
    "multipleOf": lambda v: f"expected a multiple of {v}",
    "not": lambda _: "this value is excluded",
    "oneOf": lambda _: "fits none, or more than one, of the forms this may have",
    "pattern": lambda v: f"expected text that matches the pattern {v}",
    "type": lambda v: f"expected {kinds(v)}",
    "uniqueItems": lambda _: "expected every value only once",
}


def words(keyword: str, value: Any) -> str:
    """What a keyword of JSON Schema asks for, for a person."""
    say = _WORDS.get(keyword)
    return say(value) if say else "does not fit what the method declares"


def kinds(types: Any) -> str:
    """A `type` in words."""
    names = types if isinstance(types, list) else [types]
    return " or ".join(_TYPES.get(str(name), str(name)) for name in names)


def shown(value: Any) -> str:
    """A value of the method's author, shortened."""
    text = orjson.dumps(value).decode()
    return text if len(text) <= 60 else text[:59] + "…"


def choices(values: list[Any]) -> str:
    """A list to choose from, shortened."""
    listed = ", ".join(shown(value) for value in values[:12])
    return listed if len(values) <= 12 else f"{listed}, and {len(values) - 12} more"


def _fault(error: ValidationError, pointer: str) -> Fault:
    where = pointer + "".join(token(part) for part in error.absolute_path)
    keyword = str(error.validator)
    asked: Any = error.validator_value
    if keyword == "required" and isinstance(error.instance, dict):
        missing = [name for name in asked if name not in error.instance]
        return Fault(where, "lacks " + ", ".join(shown(name) for name in missing))
    return Fault(where, words(keyword, asked))
