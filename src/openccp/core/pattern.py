"""Regular expressions of strangers, matched in linear time."""

from collections.abc import Callable
from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, core_schema

MAX_PATTERN = 256


class UnsafePattern(ValueError):
    """This pattern cannot be matched safely; the text says why."""


@lru_cache(maxsize=1024)
def compile_pattern(pattern: str) -> Callable[[str], bool]:
    """A search for `pattern` anywhere in a text, as JSON Schema means it.

    Rust's engine never backtracks, so there is no evil pattern to find; the price is that
    look-around and back-references do not exist, and UnsafePattern says so.
    """
    if len(pattern) > MAX_PATTERN:
        raise UnsafePattern(f"a pattern may have at most {MAX_PATTERN} characters")
    try:
        checker = SchemaValidator(core_schema.str_schema(pattern=pattern))
    except SchemaError as error:
        raise UnsafePattern(_why(str(error))) from None
    return checker.isinstance_python


def _why(text: str) -> str:
    if "size limit" in text:
        return "the pattern is too large; use smaller repeat counts"
    if "look-around" in text or "backreferences" in text:
        return "look-around and back-references are not supported in patterns"
    return "this is not a valid regular expression"
