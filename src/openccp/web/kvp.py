"""Execute requests written into an address (OGC API - Processes 2.0, class kvp-execute).

`x=3`, `x[href]=...`, `x[value]=...&x[mediaType]=...`, `box=1,2,3,4&box[crs]=...`,
`x[include]=true` for the output x, `response[f]=` as Accept, `response[prefer]=` as Prefer,
`infrastructure=` where it is to run.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from openccp.core.kinds import is_bbox
from openccp.core.method import ALL_FILES, Input, Kind, Method
from openccp.core.problems import InvalidQueryParameter, MalformedBody
from openccp.core.strict_json import loads
from openccp.core.values import QUALIFIED

LINK = frozenset({"href", "rel", "type", "hreflang", "title"})
FORMAT = frozenset({"mediaType", "encoding", "schema"})
PLACE = "infrastructure"
OUTSIDE = frozenset({"f", "profile"})
"""Parameters of every address, where no input has the name."""
_NAME = re.compile(r"([^\[\]]+)(?:\[(\w+)\])?", re.ASCII)
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Written:
    """A request's body as the address has it; `accept` and `prefer` stand for the headers."""

    body: Mapping[str, Any]
    accept: str | None = None
    prefer: str | None = None


@dataclass(slots=True)
class _Said:
    """All that is said under one name."""

    texts: list[str] = field(default_factory=list)
    members: dict[str, str] = field(default_factory=dict)


def read_address(method: Method, parameters: Iterable[tuple[str, str]]) -> Written:
    """The request in an address; InvalidQueryParameter for what it cannot say.

    Names are found without regard to case, where that leaves no doubt. Values are checked later,
    as those of every other request.
    """
    said = _grouped(method, parameters)
    response = said.pop("response", _Said()) if "response" not in method.inputs else _Said()
    place = said.pop(PLACE, None) if PLACE not in method.inputs else None
    body: dict[str, Any] = {"inputs": _inputs(method, said)}
    if place is not None:
        body[PLACE] = _one_text(place)
    if outputs := _outputs(method, said):
        body["outputs"] = outputs
    if response.texts or not response.members.keys() <= {"f", "prefer"}:
        raise InvalidQueryParameter("Of response there are response[f] and response[prefer].")
    return Written(body, response.members.get("f"), response.members.get("prefer"))


def _one_text(said: _Said) -> str:
    if len(set(said.texts)) != 1 or said.members:
        raise InvalidQueryParameter("infrastructure is the name of one.")
    return said.texts[0]


def _grouped(method: Method, parameters: Iterable[tuple[str, str]]) -> dict[str, _Said]:
    said: dict[str, _Said] = {}
    known = [*method.inputs, *method.outputs, ALL_FILES, "response", PLACE, "ccpnote"]
    for key, text in parameters:
        found = _NAME.fullmatch(key)
        name = _known(found[1], known) if found else None
        if found is None or name is None:
            if key in OUTSIDE:
                continue
            raise InvalidQueryParameter(f"This process has no input {key[:64]!r}.")
        one = said.setdefault(name, _Said())
        if found[2] is None:
            one.texts.append(text)
        elif one.members.setdefault(found[2], text) != text:
            raise InvalidQueryParameter(f"{key[:64]} is given twice.")
    return said


def _known(name: str, known: Collection[str]) -> str | None:
    if name in known:
        return name
    alike = {one for one in known if one.lower() == name.lower()}
    return alike.pop() if len(alike) == 1 else None


# --- inputs -----------------------------------------------------------------------------------


def _inputs(method: Method, said: Mapping[str, _Said]) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    for name, one in said.items():
        declared = method.inputs.get(name)
        if declared is None and name != "ccpnote":
            if one.texts:
                raise InvalidQueryParameter(f"This process has no input {name!r}.")
            continue
        value = _value(name, declared, one)
        if value is not None:
            inputs[name] = value
    return inputs


def _value(name: str, declared: Input | None, one: _Said) -> Any:
    if declared is not None and declared.kind is Kind.SECRET and (one.texts or one.members):
        raise InvalidQueryParameter(f"{name} is a secret: send it in the body, by POST.")
    if "href" in one.members:
        return _members(one, LINK)
    if "value" in one.members:
        members = _members(one, QUALIFIED)
        if declared is not None and declared.kind in (Kind.ARRAY, Kind.OBJECT):
            members["value"] = _json_or_text(name, members["value"])
        return members
    if not one.texts:
        return None
    values = [_plain(name, declared, text) for text in one.texts]
    box = declared is not None and is_bbox(declared.schema)
    if box and "crs" in one.members and isinstance(values[0], dict):
        values[0]["crs"] = one.members["crs"]
    return values[0] if len(values) == 1 else values


def _members(one: _Said, names: Collection[str]) -> dict[str, Any]:
    return {name: text for name, text in one.members.items() if name in names}


def _plain(name: str, declared: Input | None, text: str) -> Any:
    """The value of `name=text`: numbers and booleans are read from the text later."""
    if declared is None:
        return text
    read: Callable[[str], Any] = partial(_open, name)
    if is_bbox(declared.schema):
        read = partial(_box, name)
    elif declared.kind is Kind.ARRAY:
        read = partial(_list, name)
    if declared.repeated and text.startswith(("{", "[")) and not is_bbox(declared.schema):
        return _listed(name, text)
    return read(text) if declared.kind in (Kind.ARRAY, Kind.OBJECT) else text


def _listed(name: str, text: str) -> Any:
    """Several objects, arrays or links with commas between them; or one JSON list of them."""
    values = _json(name, f"[{text}]")
    return values[0] if len(values) == 1 and isinstance(values[0], list) else values


def _open(name: str, text: str) -> Any:
    """JSON or a text, objects wrapped as OGC asks."""
    value = _json_or_text(name, text)
    wrapped = isinstance(value, dict) and not value.keys() & {"value", "href", "bbox"}
    return {"value": value} if wrapped else value


def _json_or_text(name: str, text: str) -> Any:
    return _json(name, text) if text.startswith(("{", "[")) else text


def _list(name: str, text: str) -> Any:
    return _json(name, text if text.startswith("[") else f"[{text}]")


def _box(name: str, text: str) -> Any:
    if text.startswith("{"):
        return _json(name, text)
    corners = text.removeprefix("[").removesuffix("]")
    return {"bbox": _json(name, f"[{corners}]")}


def _json(name: str, text: str) -> Any:
    try:
        return loads(text.encode())
    except (MalformedBody, UnicodeEncodeError):
        raise InvalidQueryParameter(f"{name} is no JSON that can be read.") from None


# --- outputs ----------------------------------------------------------------------------------


def _outputs(method: Method, said: Mapping[str, _Said]) -> dict[str, Any]:
    """The outputs that are included; without any, those that are not excluded."""
    known = [*method.outputs, ALL_FILES]
    included = {name: _included(name, said[name]) for name in known if name in said}
    wanted = {name: format for name, format in included.items() if format is not None}
    excluded = {name for name in included if said[name].members.get("include") is not None}
    if wanted or not excluded:
        return wanted
    return {name: {} for name in method.outputs if name not in excluded}


def _included(name: str, one: _Said) -> dict[str, Any] | None:
    if "include" not in one.members:
        return None
    wanted = _TRUTH.get(one.members["include"].lower())
    if wanted is None:
        raise InvalidQueryParameter(f"{name}[include] is true or false.")
    format = {} if "value" in one.members else _members(one, FORMAT)
    return ({"format": format} if format else {}) if wanted else None
