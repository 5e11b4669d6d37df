"""JSON as it is accepted from outside: one meaning only, bounded, and quick to refuse."""

import json
import math
from collections import Counter
from typing import Any

from openccp.core.problems import MalformedBody

MAX_DEPTH = 64
MAX_NAME = 64
INTEGERS = range(-(2**63), 2**64)
"""What every JSON reader and database of ours keeps exactly."""
_INTEGER_DIGITS = 20


def loads(body: bytes) -> Any:
    """The value of a JSON text.

    MalformedBody for everything two readers could understand differently or that a later stage
    could not keep: not UTF-8, duplicate member names, NaN and infinities, numbers out of range,
    NUL and lone surrogates in text, nesting deeper than 64. The words never repeat the body,
    except for the (shortened) name of a member given twice.
    """
    try:
        value = _DECODER.decode(body.decode())
    except UnicodeDecodeError:
        raise MalformedBody("The body is not UTF-8 text.") from None
    except json.JSONDecodeError as error:
        raise MalformedBody(
            f"The body is not JSON: {error.msg}, line {error.lineno}, column {error.colno}."
        ) from None
    except RecursionError:
        raise _too_deep() from None
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        _check_depth(value)
    if b"\\u" in body:
        _check_text(value)
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        name, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise MalformedBody(f'The body gives the member "{shorten(name)}" twice.')
    return members


def _integer(digits: str) -> int:
    if len(digits) <= _INTEGER_DIGITS and (number := int(digits)) in INTEGERS:
        return number
    raise MalformedBody("The body has a whole number of more than 64 bits.")


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise MalformedBody("The body has a number that is too large.")
    return number


def _constant(name: str) -> float:
    raise MalformedBody(f"The body has {name}, which is no JSON number.")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members,
    parse_int=_integer,
    parse_float=_float,
    parse_constant=_constant,
)


def shorten(name: str) -> str:
    """A foreign name fit to be shown: printable, at most 64 characters."""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name[:MAX_NAME])
    return shown if len(name) <= MAX_NAME else shown[:-1] + "…"


def _too_deep() -> MalformedBody:
    return MalformedBody(f"The body is nested more than {MAX_DEPTH} levels deep.")


def _check_depth(value: Any) -> None:
    level = _containers([value])
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _containers(outer)]
    if level:
        raise _too_deep()


def _containers(of: Any) -> list[Any]:
    children = of.values() if isinstance(of, dict) else of
    return [child for child in children if isinstance(child, (dict, list))]


def _check_text(value: Any) -> None:
    """Escapes are the only way to write what UTF-8 itself has no place for."""
    try:
        text = json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise MalformedBody("The body has half of a surrogate pair in a text.") from None
    if b"\\u0000" in text and has_nul(value):
        raise MalformedBody("The body has a NUL character in a text.")


def has_nul(value: Any) -> bool:
    """Whether any text in a JSON value, names included, has a NUL character."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            if "\0" in item:
                return True
        elif isinstance(item, dict):
            pending.extend(item)
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
    return False
