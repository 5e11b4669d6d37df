"""A form and the execute request that it stands for: each made of the other, and nothing lost.

What a field cannot say is shown there as JSON; what stands in no field is carried along.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from openccp.core.method import Kind, Method
from openccp.core.plan import plan_of
from openccp.core.problems import MalformedBody
from openccp.core.scalars import Unfit
from openccp.core.strict_json import loads
from openccp.web.forms.fields import Field, Widget
from openccp.web.forms.filled import Filled, filled_with, inputs_of

_MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?"
TAKEN: Mapping[Widget, re.Pattern[str]] = {
    Widget.NUMBER: re.compile(r"-?(\d+(\.\d+)?|\.\d+)([eE][+-]?\d+)?", re.ASCII),
    Widget.DATE: re.compile(r"\d{4}-\d\d-\d\d", re.ASCII),
    Widget.TIME: re.compile(r"\d\d:\d\d(:\d\d(\.\d{1,3})?)?", re.ASCII),
    Widget.MOMENT: re.compile(_MOMENT, re.ASCII),
    Widget.TEXT: re.compile(r"[^\n]*"),
    Widget.ADDRESS: re.compile(r"[^\n]*"),
    Widget.BOX: re.compile(r"[^\n]*"),
    Widget.CHECK: re.compile("true|false"),
}
"""What browsers keep in a field of one line; from others they take it out unasked."""
TYPED = frozenset({Kind.NUMBER, Kind.INTEGER, Kind.BOOLEAN})


def body_of(method: Method, fields: Sequence[Field], filled: Filled) -> dict[str, Any]:
    """The execute request that a form says, with numbers as numbers where they are some."""
    body = _rest(filled)
    given = body.pop("inputs", {})
    inputs = {name: _typed(method, name, v) for name, v in inputs_of(fields, filled).items()}
    body = {"inputs": {**inputs, **given}, **body}
    if filled.infrastructure:
        body["infrastructure"] = filled.infrastructure
    if filled.outputs is not None and set(filled.outputs) != set(method.outputs):
        body["outputs"] = {name: {} for name in method.outputs if name in filled.outputs}
    return body


def filled_from(method: Method, fields: Sequence[Field], body: Mapping[str, Any]) -> Filled:
    """The form that says a request. Secrets are in none: they have to be given again."""
    given = body.get("inputs") or {}
    inputs = {name: value for name, value in given.items() if value is not None}
    rest = {name: value for name, value in body.items() if name not in ("inputs", "process")}
    left_out = {one.id: one.default for one in fields if one.default is not None}
    filled = filled_with(fields, {**left_out, **inputs})
    by_id = {one.id: one for one in fields}
    unknown = {name: value for name, value in inputs.items() if name not in by_id}
    for name in inputs.keys() - unknown.keys():
        _show_whole(method, by_id[name], inputs[name], filled)
    if isinstance(rest.get("infrastructure"), str):
        filled.infrastructure = rest.pop("infrastructure")
    if _is_choice(method, rest.get("outputs")):
        filled.outputs = tuple(rest.pop("outputs"))
    rest |= {"inputs": unknown} if unknown else {}
    filled.rest = orjson.dumps(rest).decode() if rest else ""
    return filled


def _show_whole(method: Method, one: Field, value: Any, filled: Filled) -> None:
    """Show a value as JSON where its field would say something else, or nothing."""
    if one.widget is Widget.SECRET or one.locked:
        return
    said = inputs_of([one], filled).get(one.id)
    alike = said == value or _same(method, one.id, said, value)
    if not (alike and _taken(one, filled.values.get(one.id, []))):
        for shown in (filled.values, filled.hrefs, filled.files):
            shown.pop(one.id, None)
        filled.json[one.id] = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _taken(one: Field, texts: Sequence[str]) -> bool:
    """Whether a browser keeps these texts in the field."""
    if one.options:
        return set(texts) <= set(one.options)
    pattern = TAKEN.get(one.widget)
    return pattern is None or all(pattern.fullmatch(text) for text in texts)


def _same(method: Method, name: str, said: Any, value: Any) -> bool:
    """Whether two ways of writing a value are read as the same."""
    read = plan_of(method).readers[name]
    try:
        return bool(read(said, "") == read(value, ""))
    except Unfit:
        return False


def _typed(method: Method, name: str, value: Any) -> Any:
    """A number or the like as such, where it is one: a form has texts only."""
    declared = method.inputs.get(name)
    if declared is None or declared.kind not in TYPED or not isinstance(value, str | list):
        return value
    try:
        return plan_of(method).readers[name](value, "")
    except Unfit:
        return value


def _is_choice(method: Method, outputs: Any) -> bool:
    """Whether boxes can say it: some of the declared outputs, as they are."""
    return (
        isinstance(outputs, dict)
        and 0 < len(outputs) < len(method.outputs)
        and outputs.keys() <= method.outputs.keys()
        and not any(outputs.values())
    )


def _rest(filled: Filled) -> dict[str, Any]:
    """What was carried along; whoever changes it on the way gets what he wrote."""
    try:
        rest = loads(filled.rest.encode(errors="replace")) if filled.rest else {}
    except MalformedBody:
        return {}
    if not isinstance(rest, dict) or not isinstance(rest.get("inputs", {}), dict):
        return {}
    return rest
