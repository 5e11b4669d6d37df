"""Writes the table of docs/code.md from the languages: python -m docs.write_code."""

import re
from collections.abc import Iterator
from pathlib import Path

from openccp.codegen.languages import LANGUAGES, PARSED, Language

PAGE = Path(__file__).with_name("code.md")
TABLE = re.compile(r"(?<=<!-- from the languages -->\n).*?(?=<!-- end -->)", re.DOTALL)


def page() -> str:
    """The whole page, with the table as it has to be."""
    rows = "".join(f"| {' | '.join(row)} |\n" for row in _rows())
    return TABLE.sub(lambda _: rows, PAGE.read_text())


def _rows() -> Iterator[tuple[str, str, str, str]]:
    yield "`language`", "what it writes", "what that takes", "our tests"
    yield ("---",) * 4
    for one in LANGUAGES.values():
        yield f"`{one.id}`", one.title, one.needs, _tested(one)


def _tested(language: Language) -> str:
    words = "parsed, not executed" if language.tested == PARSED else language.tested
    return f"{words}, {language.remark}" if language.remark else words


if __name__ == "__main__":
    PAGE.write_text(page())
