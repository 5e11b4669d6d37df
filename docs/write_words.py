"""Brings the catalogues of the pages' words up to date: `python -m docs.write_words`.

A text is translated by filling in its empty `msgstr` in `src/openccp/web/pages/languages/`.
"""

from collections.abc import Iterator
from importlib import import_module
from io import BytesIO
from pathlib import Path
from pkgutil import walk_packages

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

import openccp.core
from openccp.core.explain import EXPLANATIONS
from openccp.core.job import Phase, Status
from openccp.core.problems import Problem
from openccp.web.language import LANGUAGES, OWN
from openccp.web.pages.words import FOLDER

WEB = Path(__file__).parent.parent / "src/openccp/web"
METHODS = [("**.html.j2", "jinja2.ext:babel_extract"), ("**.py", "python")]
OPTIONS = {"**.html.j2": {"extensions": "jinja2.ext.i18n", "trimmed": "true"}}
UNSAID = tuple(
    f'"{name}'.encode()
    for name in ("POT-", "PO-", "Generated-By", "Report-", "Last-", "Language-Team")
)
"""Headers that differ each time, or tell nobody anything."""
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "say": None,
    "say_many": (1, 2),
}


def words() -> Catalog:
    """Every text that a page may say, in the language of the templates."""
    catalogue = Catalog(fuzzy=False)
    found = extract_from_dir(WEB, METHODS, OPTIONS, keywords=KEYWORDS)  # type: ignore[arg-type]
    for _, _, message, _, context in found:
        catalogue.add(message, context=context)
    for message in said_by_the_core():
        catalogue.add(message)
    return catalogue


def said_by_the_core() -> Iterator[str]:
    """The words of the core that pages translate as they come: states and titles of problems."""
    for module in walk_packages(openccp.core.__path__, "openccp.core."):
        import_module(module.name)
    yield from sorted(status.value for status in Status)
    yield from sorted(phase.value for phase in Phase)
    yield from sorted({problem.title for problem in _below(Problem)})
    for one in EXPLANATIONS:
        yield from (one.title, one.means, *one.advice)


def _below(kind: type[Problem]) -> Iterator[type[Problem]]:
    yield kind
    for one in kind.__subclasses__():
        yield from _below(one)


def updated(language: str) -> bytes:
    """The catalogue of a language with all texts of today, what it says already, and no more."""
    source = FOLDER / f"{language}.po"
    catalogue = read_po(BytesIO(source.read_bytes()), locale=language)
    catalogue.update(words(), no_fuzzy_matching=True, update_header_comment=False)
    catalogue.obsolete.clear()
    written = BytesIO()
    write_po(written, catalogue, no_location=True, sort_output=True, omit_header=False, width=0)
    lines = written.getvalue().splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(UNSAID))


if __name__ == "__main__":
    for other in LANGUAGES:
        if other != OWN:
            (FOLDER / f"{other}.po").write_bytes(updated(other))
