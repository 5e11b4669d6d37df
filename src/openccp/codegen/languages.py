"""The languages of programs, in the order in which they are offered."""

from collections.abc import Callable
from dataclasses import dataclass

from openccp.codegen.literals import c_like, in_shell

HTTP, CLIENT, WORKFLOW = "http", "client", "workflow"


def _same(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Language:
    """One kind of program.

    `template` is its file among the templates, `needs` says what it takes to run it. `text` writes
    a short text as a literal; `unsafe` are the characters that could end the raw literal in which
    the request stands, and `raw` is what that literal still needs.
    """

    id: str
    title: str
    extension: str
    media_type: str
    needs: str
    template: str
    unsafe: str = "'"
    text: Callable[[str], str] = in_shell
    raw: Callable[[str], str] = _same
    kind: str = HTTP

    def file_name(self, label: str) -> str:
        """What a program in this language is called."""
        return f"{label}.{self.extension}"


LANGUAGES = {
    language.id: language
    for language in (
        Language(
            "python", "Python", "py", "text/x-python", "Python 3.9 or newer", "python.py.j2",
            text=ascii,
        ),
        Language(
            "bash", "Bash, curl and jq", "sh", "application/x-sh", "bash, curl, jq", "bash.sh.j2"
        ),
        Language(
            "r", "R (httr)", "R", "text/x-r", "R 4.0 or newer with httr and jsonlite", "httr.R.j2",
            text=c_like(wide="\\U{{{:x}}}"),
        ),
    )
}  # fmt: skip
