"""How to cite a method: in words, and for BibTeX."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_SPECIAL = re.compile(r"[\\{}$&#^_~%]")
_WORDS = {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}"}
AUTHOR = ("author", "creator")
LICENCE = ("license", "licence")


@dataclass(frozen=True, slots=True)
class Citation:
    """What is said of a method where it is cited."""

    authors: tuple[str, ...]
    title: str
    version: str
    year: str
    address: str
    id: str

    @property
    def text(self) -> str:
        """In a line of words."""
        who = f"{'; '.join(self.authors)} ({self.year})" if self.authors else f"({self.year})"
        return f"{who}. {self.title}. Version {self.version}. {self.address}"

    @property
    def bibtex(self) -> str:
        """As an entry for BibTeX."""
        members = {
            "author": " and ".join(f"{{{_escaped(one)}}}" for one in self.authors),
            "title": f"{{{_escaped(self.title)}}}",
            "version": _escaped(self.version),
            "year": self.year,
            "url": _escaped(self.address),
        }
        lines = [f"  {name} = {{{value}}}," for name, value in members.items() if value]
        key = re.sub(r"[^A-Za-z0-9:.-]", "-", self.id)
        return "\n".join([f"@software{{{key},", *lines, "}"])


def citation(process: Mapping[str, Any], address: str, year: str) -> Citation:
    """How to cite a process by its description."""
    return Citation(
        tuple(titles(process, AUTHOR)),
        str(process.get("title") or process.get("id", "")),
        str(process.get("version", "")),
        year,
        address,
        str(process.get("id", "")),
    )


def titles(process: Mapping[str, Any], roles: tuple[str, ...]) -> list[str]:
    """What the metadata of a process says in some roles."""
    entries = process.get("metadata") or ()
    named = (one for one in entries if isinstance(one, Mapping) and _role(one) in roles)
    found = (one.get("title") or one.get("value") or one.get("href") for one in named)
    return [text for text in found if isinstance(text, str) and text]


def _role(entry: Mapping[str, Any]) -> str:
    """The last word of a role, which may be an address."""
    return re.split(r"[/#:]", str(entry.get("role", "")))[-1].lower()


def _escaped(text: str) -> str:
    one_line = " ".join(text.split())
    return _SPECIAL.sub(lambda hit: _WORDS.get(hit[0], f"\\{hit[0]}"), one_line)
