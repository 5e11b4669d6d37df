"""What a browser sent of a form page, whichever view it showed: the request that it means."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from openccp.core.method import Method
from openccp.web.forms.body import body_of
from openccp.web.forms.fields import Field
from openccp.web.forms.filled import Filled, Upload, read_pairs
from openccp.web.forms.views import View, read

RUN, CHECK, LOAD = "run", "check", "load"
VIEWS = frozenset(View)
Pair = tuple[str, str | Upload]


@dataclass(frozen=True, slots=True)
class Sent:
    """`view` is what the page showed, `do` the button: run, check, load, or the view to show."""

    view: View = View.FORM
    do: str = RUN
    key: str | None = None
    filled: Filled = field(default_factory=Filled)
    text: str = ""
    loaded: str | None = None
    """A file of parameters that came along."""

    @property
    def next(self) -> View:
        """The view to be shown, if the page is shown again."""
        return View(self.do) if self.do in VIEWS else self.view

    def body(self, method: Method, fields: Sequence[Field]) -> dict[str, Any]:
        """The execute request; MalformedBody where the text is none."""
        if self.do == LOAD and self.loaded is not None:
            return read(self.loaded)
        if self.view is View.FORM:
            return body_of(method, fields, self.filled)
        body = read(self.text)
        given = {name: self.filled.text(name) for name in method.secrets}
        secrets = {name: text for name, text in given.items() if text}
        return {**body, "inputs": {**(body.get("inputs") or {}), **secrets}}


def read_sent(pairs: Collection[Pair]) -> Sent:
    """The parts of the page as it came."""
    words = {name: one for name, one in pairs if isinstance(one, str)}
    files = {name: one for name, one in pairs if isinstance(one, Upload)}
    shown, do, key = words.get("as", ""), words.get("do", RUN), words.get("key", "")
    usable = key.isascii() and key.isalnum() and len(key) <= 64
    loaded = files.get("parameters")
    return Sent(
        View(shown) if shown in VIEWS else View.FORM,
        do,
        # Two presses of one button make one job; a form that was changed since makes another.
        f"form-{key}" if usable else None,
        read_pairs(pairs),
        words.get("text", "").replace("\r\n", "\n"),
        None if loaded is None else loaded.content.decode(errors="replace"),
    )


def without(names: Iterable[str], body: Mapping[str, Any]) -> dict[str, Any]:
    """The request without some of its inputs: secrets are not shown."""
    inputs = {name: v for name, v in (body.get("inputs") or {}).items() if name not in names}
    return {**body, "inputs": inputs}
