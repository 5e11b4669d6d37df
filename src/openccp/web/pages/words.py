"""The words of the pages in the reader's language: gettext catalogues, read at their first use."""

import gettext
from contextvars import ContextVar
from functools import cache
from importlib import import_module
from io import BytesIO
from pathlib import Path

from openccp.web.language import OWN

FOLDER = Path(__file__).parent / "languages"
SPOKEN: ContextVar[str] = ContextVar("spoken", default=OWN)
"""The language of the page that is being written."""


@cache
def catalogue(language: str) -> gettext.NullTranslations:
    """All words in a language; the words themselves in that of the templates."""
    if language == OWN:
        return gettext.NullTranslations()
    source = FOLDER / f"{language}.po"
    compiled = BytesIO()
    with source.open("rb") as file:
        words = import_module("babel.messages.pofile").read_po(file, locale=language)
    import_module("babel.messages.mofile").write_mo(compiled, words)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def say(message: str) -> str:
    """A text in the language that is spoken."""
    # gettext keeps the catalogue's own headers under the empty text.
    return catalogue(SPOKEN.get()).gettext(message) if message else ""


def say_many(one: str, many: str, number: int) -> str:
    """A text about a number of things in the language that is spoken."""
    return catalogue(SPOKEN.get()).ngettext(one, many, number)
