"""A descriptor as the texts of a form, and the descriptor that edited texts stand for."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from openccp.core.descriptor import SCRIPTS
from openccp.core.problems import Fault
from openccp.web.editor.words import INPUT, OUTPUT, TOP, Entry, Word

GROUPS: Mapping[str, Mapping[str, Word]] = {"inputs": INPUT, "outputs": OUTPUT}
MOST_ROWS = 100
"""More of them are for the view in JSON: a form has a bounded number of fields."""
Texts = Mapping[str, str]
_ELSEWHERE = {
    "links": "infrastructures",
    "metadata": "context",
    "additionalParameters": "execute-script",
}
_IN_ROWS = {
    "minOccurs": "needed",
    "maxOccurs": "several",
    "x-ccp-path": "path",
    "type": "kind",
    "format": "kind",
    "contentMediaType": "media",
    "readOnly": "locked",
}


def fits(document: Any) -> bool:
    """Whether a form can show a descriptor: its parts have the shapes that descriptors have."""
    if not isinstance(document, dict):
        return False
    groups = [document.get(name) or {} for name in GROUPS]
    additional = document.get("additionalParameters") or []
    parameters = additional.get("parameters") or [] if isinstance(additional, dict) else additional
    lists = [document.get("metadata") or [], document.get("links") or [], parameters]
    return (
        all(isinstance(group, dict | list) for group in groups)
        and sum(map(len, groups)) <= MOST_ROWS
        and all(_described(one) for group in groups for one in _values(group))
        and all(isinstance(one, list) for one in [*lists, document.get("keywords") or []])
        and all(isinstance(one, dict) for listed in lists for one in listed)
        and all(isinstance(one.get("value") or "", str | list) for one in parameters)
    )


def _described(entry: Any) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("schema", {}), dict):
        return False
    return isinstance(entry.get("schema", {}).get("enum") or [], list)


def _values(group: Any) -> Sequence[Any]:
    return list(group.values()) if isinstance(group, dict) else group


def _rows(document: Mapping[str, Any], group: str) -> list[tuple[str, Entry]]:
    found = document.get(group) or {}
    if isinstance(found, dict):
        return list(found.items())
    return [(one["id"] if isinstance(one.get("id"), str) else "", one) for one in found]


def shown(document: Mapping[str, Any]) -> dict[str, str]:
    """The texts of the form by the names of its fields: `inputs/0/title` is that of the first.

    Each group ends with an empty row.
    """
    entry = dict(document)
    texts = {name: word.read(entry) for name, word in TOP.items()}
    for group, words in GROUPS.items():
        for number, (one, described) in enumerate([*_rows(document, group), ("", _empty())]):
            texts[f"{group}/{number}/id"] = one
            texts |= {f"{group}/{number}/{n}": word.read(described) for n, word in words.items()}
    return texts


def edited(base: Mapping[str, Any], texts: Texts) -> dict[str, Any]:
    """The descriptor after its form was edited: what the form does not show stays as it was."""
    document = deepcopy(dict(base))
    _write(document, TOP, {name: texts[name] for name in TOP if name in texts})
    for group in GROUPS:
        if f"{group}/0/id" in texts:
            document[group] = _edited_rows(document, group, texts)
    return document


def _write(entry: Entry, words: Mapping[str, Word], texts: Texts) -> None:
    """Only what was changed is written: the rest keeps its own way of saying things."""
    for name, text in texts.items():
        if text != words[name].read(entry):
            words[name].write(entry, text)


def _edited_rows(document: Entry, group: str, texts: Texts) -> Any:
    """The rows with an id, and those that never had one but say something.

    Only a row that had an id and has none any more is meant to go.
    """
    words, after = GROUPS[group], list[tuple[str, Entry]]()
    empty = {name: word.read(_empty()) for name, word in words.items()}
    for number, (before, entry) in enumerate([*_rows(document, group), ("", _empty())]):
        at = f"{group}/{number}/"
        given = {name: texts[at + name] for name in words if at + name in texts}
        identifier = texts.get(f"{at}id", "").strip()
        if identifier or (not before and empty | given != empty):
            _write(entry, words, given)
            if "id" in entry and before != identifier:
                entry["id"] = identifier
            after.append((identifier, entry))
    return _as_before(document.get(group), after)


def _empty() -> Entry:
    return {"schema": {"type": "string"}}


def _as_before(group: Any, rows: list[tuple[str, Entry]]) -> Any:
    """Rows by id, or as a list where they were one, or where ids are no names for them."""
    names = {identifier for identifier, _ in rows}
    if isinstance(group, list) or len(names) < len(rows) or "" in names:
        return [{**entry, "id": identifier} for identifier, entry in rows]
    return dict(rows)


def places(document: Mapping[str, Any], faults: Sequence[Fault]) -> dict[str, list[str]]:
    """The words of faults by the field at which they are said; those of none under ''."""
    found: dict[str, list[str]] = {}
    for fault in faults:
        found.setdefault(_place(document, fault.pointer), []).append(fault.detail)
    return found


def _place(document: Mapping[str, Any], pointer: str) -> str:
    first, *rest = [_unescaped(token) for token in pointer.split("/")[1:]] or [""]
    if first in GROUPS and rest:
        return _place_in_rows(document, first, rest)
    if first in SCRIPTS:
        return first
    return first if first in TOP else _ELSEWHERE.get(first, "")


def _place_in_rows(document: Mapping[str, Any], group: str, rest: list[str]) -> str:
    rows, name = _rows(document, group), rest[0]
    listed = isinstance(document.get(group), list)
    number = next((n for n, row in enumerate(rows) if row[0] == name), None)
    if number is None and listed and name.isdigit() and int(name) < len(rows):
        number = int(name)
    if number is None:
        return ""
    words = [_IN_ROWS.get(token, token) for token in reversed(rest[1:])]
    known = (one for one in words if one in GROUPS[group] or one == "id")
    return f"{group}/{number}/{next(known, 'id')}"


def _unescaped(token: str) -> str:
    return token.replace("~1", "/").replace("~0", "~")
