"""What somebody wrote into a form: read into an execute request, and shown again as it was."""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from openccp.core.problems import Fault, MalformedBody
from openccp.core.strict_json import loads
from openccp.web.forms.fields import UTC, Field, Widget, text_of

SECRET = "secret:"
LARGEST_KEPT = 2 << 20
"""Bytes of base64 that a form carries along, so that a small file need not be chosen again."""
_LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with the form."""

    content: bytes


@dataclass(slots=True)
class Filled:
    """The texts, addresses and files of a form by input. Secrets are never shown again."""

    values: dict[str, list[str]] = field(default_factory=dict)
    hrefs: dict[str, str] = field(default_factory=dict)
    files: dict[str, list[str]] = field(default_factory=dict)
    """In base64, as requests carry them."""
    json: dict[str, str] = field(default_factory=dict)
    """Values that their field cannot say, as JSON."""
    infrastructure: str = ""
    outputs: tuple[str, ...] | None = None
    """The outputs to keep; None: all."""
    rest: str = ""
    """What of the request stands in no field, as JSON."""

    def text(self, name: str) -> str:
        """What stands in a field of one text."""
        return "\n".join(self.values.get(name, ()))

    def kept(self, name: str) -> list[str]:
        """The files that the form carries along: none where they are large."""
        files = self.files.get(name, [])
        return files if sum(map(len, files)) <= LARGEST_KEPT else []


def read_pairs(pairs: Iterable[tuple[str, str | Upload]]) -> Filled:
    """The parts of a form: `value:x`, `secret:x`, `href:x`, `upload:x`, `kept:x`, `json:x` for the
    input x; `output:y` for an output y (empty where there are others), `infrastructure` and `rest`.

    Line ends become those of this platform.
    """
    filled, kept = Filled(), dict[str, list[str]]()
    for name, one in pairs:
        part, _, input_id = name.partition(":")
        match part, one:
            case "upload", Upload(content):
                text = base64.b64encode(content).decode()
                filled.files.setdefault(input_id, []).append(text)
            case "value" | "secret", str():
                filled.values.setdefault(input_id, []).append(one.replace("\r\n", "\n"))
            case "href", str() if one.strip():
                filled.hrefs[input_id] = one.strip()
            case "kept", str():
                kept.setdefault(input_id, []).append(one)
            case "json", str():
                filled.json[input_id] = one.replace("\r\n", "\n")
            case "output", str():
                filled.outputs = (*(filled.outputs or ()), *([input_id] if one else []))
            case "infrastructure" | "rest", str():
                setattr(filled, part, one)
    filled.files = kept | filled.files
    return filled


def inputs_of(fields: Sequence[Field], filled: Filled) -> dict[str, Any]:
    """The inputs of the request that a filled form stands for; a field left empty is left out."""
    found = {one.id: _value(one, filled) for one in fields if not one.locked}
    return {name: value for name, value in found.items() if value is not None}


def _value(one: Field, filled: Filled) -> Any:
    if filled.json.get(one.id, "").strip():
        return _plain_json(filled.json[one.id])
    if one.widget is Widget.FILE:
        return _file(one, filled)
    texts = filled.values.get(one.id, [])
    if one.widget is Widget.CHOICES:
        return texts or None
    if one.widget is Widget.CHECK:
        return texts[-1] if texts else None
    text = "\n".join(texts)
    if not text.strip():
        return None
    return _typed(one.widget, text)


def _typed(widget: Widget, text: str) -> Any:
    """A text as the check of requests reads it: numbers are read from texts there."""
    match widget:
        case Widget.LINES:
            return [line.strip() for line in text.split("\n") if line.strip()]
        case Widget.MOMENT if local := _LOCAL.fullmatch(text.strip()):
            return text.strip() + ("Z" if local[1] else ":00Z")
        case Widget.BOX:
            return _box(text)
        case Widget.JSON | Widget.MAP:
            return _json(text)
        case Widget.TEXT | Widget.LONG | Widget.CODE | Widget.SECRET:
            return text
    return text.strip()


def _file(one: Field, filled: Filled) -> Any:
    """The files that were sent, or the address of one: it wins, being what was written last."""
    if one.id in filled.hrefs:
        return {"href": filled.hrefs[one.id]}
    files = filled.files.get(one.id)
    if not files:
        return None
    return files if one.many else files[0]


def _box(text: str) -> Any:
    """Four or six numbers with commas or spaces between them."""
    corners = [part for part in re.split(r"[\s,]+", text.strip()) if part]
    try:
        return {"bbox": [float(corner) for corner in corners]}
    except ValueError:
        return _json(text)


def _plain_json(text: str) -> Any:
    """JSON where it is; else the text, whose fault the check of requests tells."""
    try:
        return loads(text.encode(errors="replace"))
    except MalformedBody:
        return text


def _json(text: str) -> Any:
    """The same, an object as requests have it: wrapped, so that it is no qualified value."""
    value = _plain_json(text)
    wrapped = isinstance(value, dict) and not value.keys() & {"value", "href", "bbox"}
    return {"value": value} if wrapped else value


# --- shown again ------------------------------------------------------------------------------


def filled_with(fields: Sequence[Field], inputs: Mapping[str, Any]) -> Filled:
    """A form that says the same as the inputs of a request, as far as a form can say it."""
    filled = Filled()
    for one in fields:
        if one.id in inputs and one.widget is not Widget.SECRET and not one.locked:
            _fill(filled, one, inputs[one.id])
    return filled


def example_of(fields: Sequence[Field]) -> Filled:
    """A form with the author's examples, and the defaults where there are none."""
    given = {one.id: one.example if one.example is not None else one.default for one in fields}
    return filled_with(fields, {name: value for name, value in given.items() if value is not None})


def _fill(filled: Filled, one: Field, value: Any) -> None:
    several = value if isinstance(value, list) else [value]
    address = next((v["href"] for v in several if isinstance(v, dict) and "href" in v), None)
    if isinstance(address, str):
        filled.hrefs[one.id] = address
    elif one.widget is Widget.FILE:
        filled.files[one.id] = [text for part in several for text in _texts(one.widget, part)]
    else:
        filled.values[one.id] = _texts(one.widget, value)


def _texts(widget: Widget, value: Any) -> list[str]:
    bare = value["value"] if isinstance(value, dict) and "value" in value else value
    if widget in (Widget.LINES, Widget.CHOICES):
        parts = bare.split(",") if isinstance(bare, str) else bare
        return [text_of(part) for part in parts] if isinstance(parts, list) else [text_of(parts)]
    if widget is Widget.BOX and isinstance(bare, dict) and isinstance(bare.get("bbox"), list):
        return [", ".join(text_of(corner) for corner in bare["bbox"])]
    if widget is Widget.MOMENT and isinstance(bare, str) and (told := UTC.fullmatch(bare)):
        return [told[1]]
    return [text_of(bare)]


def faults_by_field(
    fields: Sequence[Field], faults: Iterable[Fault]
) -> tuple[dict[str, str], list[str]]:
    """What is wrong with each field, and what is wrong with none of them."""
    known = {one.id for one in fields}
    at: dict[str, str] = {}
    elsewhere: list[str] = []
    for fault in faults:
        name = _named(fault.pointer)
        if name in known:
            at.setdefault(name, fault.detail)
        else:
            elsewhere.append(fault.detail)
    return at, elsewhere


def _named(pointer: str) -> str:
    """The input that a pointer into a request points at."""
    parts = pointer.split("/")
    inside = len(parts) > 2 and parts[1] == "inputs"
    return parts[2] if inside else ""
