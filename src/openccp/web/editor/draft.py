"""What the page of the editor sent: a method that is being written."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from openccp.core.problems import MalformedBody
from openccp.core.strict_json import loads
from openccp.web.editor.form import edited, fits
from openccp.web.forms.filled import Upload

FORM, JSON = "form", "json"
CHECK, LOAD, TRY, RUN, EXPORT, PUBLISH = "check", "load", "try", "run", "export", "publish"
NEW: Mapping[str, Any] = {
    "id": "",
    "title": "",
    "version": "1.0.0",
    "x-ccp-image": "bash",
    "x-ccp-network": False,
    "inputs": {"name": {"title": "Your name", "schema": {"type": "string", "default": "Ada"}}},
    "outputs": {"stdout": {"title": "What it says", "schema": {"type": "string"}}},
    "additionalParameters": {
        "parameters": [{"name": "execute-script", "value": ["echo Hello {{name}}"]}]
    },
}


@dataclass(frozen=True, slots=True)
class Draft:
    """`do` is the button that was pressed, `view` what the page showed."""

    view: str
    do: str
    base: Any
    texts: Mapping[str, str]
    loaded: str | None
    number: int | None
    """The revision that is being edited."""

    @property
    def public(self) -> bool:
        """Whether it is meant for everybody."""
        return self.texts.get("public") == "yes"

    @property
    def text(self) -> str:
        """What stands in the view in JSON."""
        return self.texts.get("text", "")

    def document(self) -> Any:
        """The descriptor; MalformedBody where what was written is no JSON."""
        if self.do == LOAD and self.loaded is not None:
            return loads(self.loaded.encode())
        if self.view == JSON:
            return loads(self.text.encode())
        if not fits(self.base):
            raise MalformedBody("The form cannot be read.")
        return edited(self.base, self.texts)


def read_draft(pairs: Iterable[tuple[str, str | Upload]]) -> Draft:
    """The parts of the page; several of a name are lines of one text."""
    texts: dict[str, str] = {}
    loaded = None
    for name, one in pairs:
        if isinstance(one, Upload):
            loaded = one.content.decode(errors="replace")
            continue
        text = one.replace("\r\n", "\n")
        texts[name] = f"{texts[name]}\n{text}" if texts.get(name) else text
    number = texts.get("number", "")
    base = loads(texts["base"].encode()) if texts.get("base") else {}
    return Draft(
        JSON if texts.get("as") == JSON else FORM,
        texts.get("do", CHECK),
        base,
        texts,
        loaded,
        int(number) if number.isascii() and number.isdigit() and len(number) < 10 else None,
    )


def written(document: Any) -> str:
    """A descriptor as it is read and edited."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
