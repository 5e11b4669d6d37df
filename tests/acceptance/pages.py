"""Read a page as a browser does: its text, its attributes, its links, and what is wrong with it."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

VOID = {"meta", "link", "input", "br", "hr", "img"}
LIVE = {"hx-get", "hx-trigger", "hx-target", "hx-select", "hx-swap"}
OUR_SCRIPT = re.compile(r"(/[\w./-]*)?/assets/[0-9a-f]{16}/ui\.js")
PLACES = {"href", "src", "action", "formaction", "hx-get"}
"""Attributes that lead somewhere."""
RUNS = {"script", "iframe", "object", "embed", "style", "svg", "math", "base", "template"}


class Page(HTMLParser):
    """One page. `faults` names everything that could run, and elements that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text: list[str] = []
        self.attributes: list[str] = []
        self.links: set[str] = set()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.faults: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        self.faults += [f"<{tag}> has no end" for tag in self._open]

    @property
    def all(self) -> str:
        """Everything a reader can find."""
        return "\n".join(["".join(self.text), *self.attributes])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.tags.append((tag, named))
        self.attributes += [value for value in named.values() if value]
        if tag in RUNS and not OUR_SCRIPT.fullmatch(named.get("src") or ""):
            self.faults.append(f"<{tag}>")
        for name, value in attrs:
            target = (value or "").strip().lower()
            if name.startswith("on") or name in ("style", "srcdoc"):
                self.faults.append(f"{tag} {name}={value!r}")
            if name.startswith(("hx-", "data-hx-")) and name not in LIVE:
                self.faults.append(f"{tag} {name}={value!r}")
            if name in PLACES and not target.startswith(("http://", "https://", "/", "#")):
                self.faults.append(f"{tag} {name}={value!r}")
        if tag == "a" and named.get("href"):
            self.links.add(str(named["href"]))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}> out of place")

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def count(self, tag: str) -> int:
        """How many elements of a kind there are."""
        return sum(name == tag for name, _ in self.tags)


def leaves(document: Any) -> Iterator[str]:
    """Every value of a JSON document as a page would write it."""
    if isinstance(document, dict):
        for value in document.values():
            yield from leaves(value)
    elif isinstance(document, list):
        for value in document:
            yield from leaves(value)
    elif document != "":
        yield document if isinstance(document, str) else json.dumps(document)


def hrefs(document: Any) -> Iterator[str]:
    """Every link of a JSON document."""
    if isinstance(document, dict):
        if isinstance(document.get("href"), str):
            yield document["href"]
        for value in document.values():
            yield from hrefs(value)
    elif isinstance(document, list):
        for value in document:
            yield from hrefs(value)
