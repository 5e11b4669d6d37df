"""The languages of programs, in the order in which they are offered."""

from collections.abc import Callable
from dataclasses import dataclass

from openccp.codegen.cwl import tool
from openccp.codegen.jupyter import notebook
from openccp.codegen.literals import (
    backslashed,
    c_like,
    doubled,
    in_shell,
    java,
    json_text,
    line_by_line,
    powershell,
)
from openccp.codegen.program import Program

HTTP, CLIENT, WORKFLOW = "http", "client", "workflow"
EXECUTED, PARSED = "executed", "parsed"
PYTHON, SHELL = "text/x-python", "application/x-sh"


def _as_it_is(text: str, program: Program) -> str:
    return text


def _same(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Language:
    """One kind of program.

    `template` is its file among the templates, `needs` says what it takes to run it. `text` writes
    a short text as a literal; `unsafe` are the characters that could end the raw literal in which
    the request stands, and `raw` is what that literal still needs. `tested` says whether our tests
    execute such programs against a platform or only parse them, `remark` what else is to be known
    of that. `stem` makes a file's name of the method's.
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
    whole: Callable[[str, Program], str] = _as_it_is
    """What is still done to the finished program."""
    tested: str = EXECUTED
    remark: str = ""
    stem: Callable[[str], str] = _same

    def file_name(self, label: str) -> str:
        """What a program in this language is called."""
        return f"{self.stem(label)}.{self.extension}"


LANGUAGES = {
    language.id: language
    for language in (
        Language(
            "python", "Python", "py", PYTHON, "Python 3.9 or newer", "python.py.j2", text=ascii
        ),
        Language(
            "python-requests", "Python (requests)", "py", PYTHON,
            "Python 3.9 or newer with requests", "requests.py.j2", text=ascii,
        ),
        Language(
            "python-client", "Python (our client)", "py", PYTHON,
            "Python 3.11 or newer with openccp", "client.py.j2", text=ascii, kind=CLIENT,
        ),
        Language(
            "bash", "Bash, curl and jq", "sh", SHELL, "bash, curl, jq", "bash.sh.j2"
        ),
        Language(
            "curl", "curl, step by step", "sh", SHELL, "curl, unzip and a POSIX shell", "curl.sh.j2"
        ),
        Language(
            "wget", "wget, step by step", "sh", SHELL, "wget, unzip and a POSIX shell", "wget.sh.j2"
        ),
        Language(
            "r", "R (httr)", "R", "text/x-r", "R 4.0 or newer with httr and jsonlite",
            "httr.R.j2", text=c_like(wide="\\U{{{:x}}}"),
        ),
        Language(
            "r-httr2", "R (httr2)", "R", "text/x-r",
            "R 4.1 or newer with httr2, jsonlite and openssl", "httr2.R.j2",
            text=c_like(wide="\\U{{{:x}}}"),
        ),
        Language(
            "jupyter", "Jupyter notebook", "ipynb", "application/x-ipynb+json",
            "Jupyter with Python 3.9 or newer", "python.py.j2", text=ascii, whole=notebook,
            remark="cell by cell, by Python",
        ),
        Language(
            "javascript", "JavaScript (Node)", "mjs", "text/javascript", "Node.js 18 or newer",
            "node.mjs.j2", unsafe="`$", text=json_text,
        ),
        Language(
            "typescript", "TypeScript (Node)", "mts", "text/typescript",
            "Node.js 22.18 or newer, or tsc and Node.js 18", "node.mts.j2", unsafe="`$",
            text=json_text, remark="and checked by tsc --strict",
        ),
        Language(
            "go", "Go", "go", "text/x-go", "Go 1.20 or newer", "go.go.j2", unsafe="`",
            text=c_like(wide="\\U{:08x}"),
        ),
        Language(
            "ruby", "Ruby", "rb", "text/x-ruby", "Ruby 2.7 or newer", "ruby.rb.j2", unsafe="",
            text=c_like("#", wide="\\u{{{:x}}}"),
        ),
        Language(
            "php", "PHP", "php", "text/x-php", "PHP 8.1 or newer with curl", "php.php.j2",
            unsafe="", text=c_like("$", wide="\\u{{{:x}}}"),
        ),
        Language(
            "perl", "Perl", "pl", "text/x-perl",
            "Perl 5.14 or newer; for https IO::Socket::SSL", "perl.pl.j2", unsafe="",
            text=backslashed,
        ),
        Language(
            "rust", "Rust", "rs", "text/x-rust", "Rust 1.88 or newer with cargo", "main.rs.j2",
            unsafe="#", text=c_like(wide="\\u{{{:x}}}"),
        ),
        Language(
            "java", "Java", "java", "text/x-java", "Java 17 or newer, nothing else", "Run.java.j2",
            unsafe="", text=java, raw=lambda text: text.replace("\\", "\\\\"),
        ),
        Language(
            "csharp", "C#", "cs", "text/x-csharp", ".NET 10 (dotnet run FILE), or Mono 6",
            "Run.cs.j2", unsafe="", text=c_like(wide="\\U{:08x}"),
            raw=lambda text: text.replace('"', '""'), remark="with Mono; not with .NET",
        ),
        Language(
            "matlab", "MATLAB or GNU Octave", "m", "text/x-matlab",
            "MATLAB R2019b or newer, or Octave 7 or newer; curl", "matlab.m.j2", text=doubled,
            raw=line_by_line, remark="with Octave; not with MATLAB",
            stem=lambda label: ("run_" + label.replace("-", "_"))[:63],
        ),
        Language(
            "julia", "Julia", "jl", "text/x-julia", "Julia 1.8 or newer with JSON",
            "julia.jl.j2", unsafe="\\", text=c_like("$", wide="\\U{:08x}"), tested=PARSED,
        ),
        Language(
            "powershell", "PowerShell", "ps1", "text/x-powershell", "PowerShell 7 or newer",
            "powershell.ps1.j2", text=powershell, tested=PARSED,
        ),
        Language(
            "cwl", "CWL tool", "cwl.json", "application/cwl+json",
            "a CWL runner such as cwltool, and Python 3.9 or newer", "python.py.j2", text=ascii,
            kind=WORKFLOW, whole=tool,
        ),
    )
}  # fmt: skip
