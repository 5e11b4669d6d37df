"""Markdown of strangers as HTML: words, lists, tables and links, and nothing else."""

from functools import cache
from typing import Any
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markupsafe import Markup

BELOW = 2
"""A README stands in a section of a page: its first heading comes below that of the section."""
LOWEST = 6
_HEADINGS = ("heading_open", "heading_close")


def markdown(text: object) -> Markup:
    """The HTML of a text; what is HTML in it is shown as text, and pictures by their words."""
    return Markup(_reader().render(text)) if isinstance(text, str) else Markup()


@cache
def _reader() -> MarkdownIt:
    reader = (
        MarkdownIt("commonmark", {"html": False, "xhtmlOut": False})
        .enable("table")
        .disable("image")
    )
    reader.validateLink = _followed  # type: ignore[method-assign,assignment]
    reader.core.ruler.push("plain", _plain)
    return reader


def _followed(address: str) -> bool:
    """Whether a reader may follow a link: to the web, and nowhere in this platform."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _plain(state: Any) -> None:
    """Lower headings; no styles, which the policy of pages refuses."""
    for token in state.tokens:
        token.attrs.pop("style", None)
        if token.type in _HEADINGS:
            token.tag = f"h{min(LOWEST, int(token.tag[1:]) + BELOW)}"
