"""The words of a tool's command line for given values (CWL: 4.1, generic execution)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from openccp.core.cwl.bindings import Binding
from openccp.core.cwl.references import Reference, Scope, Template, as_text, evaluate
from openccp.core.cwl.tool import Tool
from openccp.core.cwl.types import Type
from openccp.core.ports import CannotStart

LONGEST_COMMAND = 2 << 20
"""In characters: no system takes a longer one."""
_SAFE = re.compile(r"[A-Za-z0-9_./+-]*", re.ASCII)


class File(dict[str, Any]):
    """A file as tools see it. A value that only looks like one was sent by somebody."""


Key = tuple[tuple[int, int, str], ...]
"""What words are sorted by: numbers before names."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word; `quoted` False is the author's own text for a shell to read."""

    text: str
    quoted: bool = True


def command_line(tool: Tool, scope: Scope) -> list[Word]:
    """The words in their order."""
    bound: list[tuple[Key, list[Word]]] = []
    left = LONGEST_COMMAND
    for key, words in _bound(tool, scope):
        left -= sum(len(word.text) for word in words)
        if left < 0:
            raise CannotStart(f"the command has more than {LONGEST_COMMAND} characters")
        bound.append((key, words))
    bound.sort(key=lambda entry: entry[0])
    return [*map(Word, tool.base_command), *(word for _, words in bound for word in words)]


def _bound(tool: Tool, scope: Scope) -> Iterator[tuple[Key, list[Word]]]:
    for i, argument in enumerate(tool.arguments):
        key = (_number(_position(argument, scope)), _number(i))
        yield key, _argument(_read(argument, tool), None, scope)
    for name, parameter in tool.inputs.items():
        value = scope["inputs"].get(name)
        yield from _bind(tool, parameter.binding, parameter.type, value, _name(name), scope)


def _read(binding: Binding, tool: Tool) -> Binding:
    """`shellQuote` means nothing where no shell was asked for (ShellCommandRequirement)."""
    return binding if tool.needs.shell else replace(binding, quoted=True)


def _number(value: int) -> tuple[int, int, str]:
    return (0, value, "")


def _name(value: str) -> Key:
    return ((1, 0, value),)


def _position(binding: Binding, scope: Scope) -> int:
    if isinstance(binding.position, int):
        return binding.position
    value = evaluate(binding.position, scope)
    try:
        return 0 if value is None else int(value)
    except (TypeError, ValueError):
        raise CannotStart("the position of an argument is not a whole number") from None


def _bind(
    tool: Tool, binding: Binding | None, declared: Type, value: Any, tail: Key, scope: Scope
) -> Iterator[tuple[Key, list[Word]]]:
    """The words of one value and of what is in it, each with what it is sorted by."""
    if value is None:
        return
    key: Key = tail
    if binding is not None:
        own = {**scope, "self": value}
        key = (_number(_position(binding, own)), *tail)
        if binding.value is None and _is_record(declared, value):
            yield key, [] if binding.prefix is None else [Word(binding.prefix)]
        else:
            yield key, _argument(_read(binding, tool), value, scope)
    if binding is None or binding.value is None:
        for inner, words in _bind_inside(tool, binding, declared, value, scope):
            yield (*key, *inner), words


def _bind_inside(
    tool: Tool, binding: Binding | None, declared: Type, value: Any, scope: Scope
) -> Iterator[tuple[Key, list[Word]]]:
    declared = _fitting(declared, value)
    if declared.items is not None and isinstance(value, list):
        each = declared.binding
        if each is None and binding is not None and binding.separator is None:
            each = Binding(quoted=binding.quoted)
        for i, item in enumerate(value):
            yield from _bind(tool, each, declared.items, item, (_number(i),), scope)
    elif declared.fields is not None and isinstance(value, Mapping):
        for name, member in declared.fields.items():
            inner = value.get(name)
            yield from _bind(tool, member.binding, member.type, inner, _name(name), scope)
    elif declared.binding is not None:
        bare = replace(declared, binding=None)
        yield from _bind(tool, declared.binding, bare, value, (), scope)


def _is_record(declared: Type, value: Any) -> bool:
    return _fitting(declared, value).fields is not None and isinstance(value, Mapping)


def _fitting(declared: Type, value: Any) -> Type:
    """The first option of a union that a value fits."""
    for option in declared.options:
        if _fits(option, value):
            return _fitting(option, value)
    return declared


def _fits(declared: Type, value: Any) -> bool:
    match declared.name:
        case "array":
            return isinstance(value, list)
        case "record":
            return isinstance(value, Mapping)
        case "boolean":
            return isinstance(value, bool)
        case "int" | "long" | "float" | "double":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case "enum":
            return value in declared.symbols
        case "string":
            return isinstance(value, str)
        case _:
            return True


def _argument(binding: Binding, value: Any, scope: Scope) -> list[Word]:
    if binding.value is not None:
        own = {**scope, "self": value}
        value = evaluate(binding.value, own) if binding.quoted else _author(binding.value, own)
    elif not binding.quoted:
        for item in value if isinstance(value, list) else [value]:
            _word(_item_text(item))
    return [Word(text, binding.quoted) for text in _texts(binding, value)]


def _author(template: Template, scope: Scope) -> str:
    """The author's text, with nothing in it that a shell could read as more than a word."""
    return "".join(
        part if isinstance(part, str) else _harmless(part, scope) for part in template.parts
    )


def _harmless(reference: Reference, scope: Scope) -> str:
    return _word(as_text(evaluate(Template((reference,)), scope)))


def _word(text: str) -> str:
    """A value's text that no shell reads as more than a word, whatever its type promised."""
    if _SAFE.fullmatch(text) is None:
        raise CannotStart("a value that a shell would read cannot stand unquoted")
    return text


def _texts(binding: Binding, value: Any) -> list[str]:
    prefix = [] if binding.prefix is None else [binding.prefix]
    if isinstance(value, list):
        return _list_texts(binding, value, prefix)
    if value is None or value is False:
        return []
    if value is True:
        return prefix
    return _joined(binding, prefix, _item_text(value))


def _list_texts(binding: Binding, value: list[Any], prefix: list[str]) -> list[str]:
    if not value:
        return []
    texts = [_item_text(item) for item in value]
    if binding.separator is not None:
        return _joined(binding, prefix, binding.separator.join(texts))
    return [*prefix, *texts] if binding.value is not None else prefix


def _joined(binding: Binding, prefix: list[str], text: str) -> list[str]:
    return [*prefix, text] if binding.separate else ["".join([*prefix, text])]


def _item_text(item: Any) -> str:
    return as_text(item["path"]) if is_file(item) else as_text(item)


def is_file(value: Any) -> bool:
    """Whether a value is a file, as tools see them."""
    return isinstance(value, File)
