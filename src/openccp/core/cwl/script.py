"""One tool's part of a job's script: its working folder, its environment, its command."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from openccp.core.cwl.needs import Entry
from openccp.core.cwl.references import Scope, Template, as_text, evaluate
from openccp.core.cwl.shell import command, has_mark, quote, without_marks
from openccp.core.cwl.tool import Tool
from openccp.core.cwl.words import command_line, is_file
from openccp.core.ports import CannotStart

DATA = "/ccp_data"
_OUTSIDE = re.compile(r"(?:^|/)\.\.(?:/|$)")
LONGEST_PATH = 1_000
MOST_TEXT = 64 << 20
"""Of a job's script and of the files that it reads besides the inputs, in characters."""


@dataclass
class Draft:
    """A script under way, and the files that it reads besides the inputs."""

    lines: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    variables: int = 0
    left: int = MOST_TEXT

    def spend(self, text: str) -> str:
        """Count a text that is made of values; CannotStart where there are too many."""
        self.left -= len(text)
        if self.left < 0:
            raise CannotStart(f"the tool's texts would have more than {MOST_TEXT} characters")
        return text

    def keep(self, content: bytes) -> str:
        """Put a text among the job's files; its path there. No input can have this name."""
        name = f"{len(self.files)}-entry"
        self.files[name] = content
        return f"/ccp_in/{name}"

    def variable(self) -> str:
        """The name of a variable that nothing else has."""
        self.variables += 1
        return str(self.variables)


def write_run(draft: Draft, tool: Tool, scope: Scope, folder: str, name: str) -> None:
    """Append the lines that run a tool in a folder; they return its exit code if it failed."""
    body = [
        *_staged(draft, tool, scope),
        *(
            draft.spend(f"export {variable}={quote(_text(value, scope))}")
            for variable, value in tool.needs.environment
        ),
        draft.spend(f"exec {command(command_line(tool, scope))}{_redirections(tool, scope)}"),
    ]
    draft.lines += [
        *([f"mkdir -p {quote(folder)}"] if folder != DATA else []),
        "(",
        f"cd {quote(folder)} || exit 125",
        *body,
        ")",
        "ccp_ended=$?",
        f"case $ccp_ended in {'|'.join(map(str, tool.success_codes))}) : ;;",
        f"*) {_told(name)}return $ccp_ended ;;",
        "esac",
    ]


def _told(name: str) -> str:
    if not name:
        return ""
    return f"printf '%s\\n' {quote(f'The step {name} failed')}\" with exit code $ccp_ended.\" >&2; "


def _text(template: Template, scope: Scope) -> str:
    return as_text(evaluate(template, scope))


def _redirections(tool: Tool, scope: Scope) -> str:
    text = ""
    if tool.stdin is not None:
        text += f" <{quote(_text(tool.stdin, scope))}"
    if tool.stdout is not None:
        text += f" >{quote(inside(_text(tool.stdout, scope)))}"
    if tool.stderr is not None:
        text += f" 2>{quote(inside(_text(tool.stderr, scope)))}"
    return text


def inside(path: str) -> str:
    """A path below the working folder; CannotStart for any other."""
    shown = without_marks(path, "x")
    if not shown or shown.startswith("/") or _OUTSIDE.search(shown) or len(path) > LONGEST_PATH:
        raise CannotStart("a file of the tool would lie outside of its working folder")
    return path


def _staged(draft: Draft, tool: Tool, scope: Scope) -> Iterator[str]:
    for entry in tool.needs.workdir:
        yield from _placed(draft, entry, scope)


def _placed(draft: Draft, entry: Entry, scope: Scope) -> Iterator[str]:
    value = evaluate(entry.content, scope)
    name = None if entry.name is None else _text(entry.name, scope)
    if value is None:
        return
    if is_file(value):
        yield from _copied(value["path"], name or value["basename"])
    elif isinstance(value, list) and value and all(map(is_file, value)):
        for file in value:
            yield from _copied(file["path"], file["basename"])
    elif name is None:
        raise CannotStart("an entry of the working folder has no name")
    else:
        yield from _written(draft, draft.spend(as_text(value)), name)


def _copied(source: str, name: str) -> Iterator[str]:
    yield from _folder_of(name)
    yield f"cat {quote(source)} >{quote(name)} || exit 125"


def _written(draft: Draft, text: str, name: str) -> Iterator[str]:
    yield from _folder_of(name)
    if has_mark(text):
        yield f"printf '%s' {quote(text)} >{quote(name)} || exit 125"
    else:
        source = draft.keep(text.encode("utf-8", "surrogatepass"))
        yield f"cat {quote(source)} >{quote(name)} || exit 125"


def _folder_of(name: str) -> Iterator[str]:
    folder, _, _ = inside(name).rpartition("/")
    if folder:
        yield f"mkdir -p -- {quote(folder)}"


def runtime(folder: str, tool: Tool, cpus: float, memory_bytes: int) -> Mapping[str, Any]:
    """What `runtime` is for a tool: what it asked for, as far as the operator allows it."""
    mebibytes = memory_bytes >> 20
    return {
        "outdir": folder,
        "tmpdir": "/tmp",
        "cores": max(1, int(min(max(tool.needs.cores, 1), cpus))),
        "ram": int(min(max(tool.needs.memory, 1), mebibytes)),
        "outdirSize": 1024,
        "tmpdirSize": 1024,
    }
