"""Renders `{{ input }}` in scripts as references: a script never contains a value."""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from openccp.core.method import Kind
from openccp.core.problems import OURS, Fault, Problem
from openccp.core.shell_rules import judge
from openccp.core.shell_text import read
from openccp.core.shell_words import PLACEHOLDER, Danger, Form, Hole, Lost

BRACES = re.compile(r"\{\{([^{}\n]*)\}\}")
MOST_FAULTS = 50
NEAR_NAME = 64
NUMERIC = frozenset([Kind.NUMBER, Kind.INTEGER, Kind.BOOLEAN])
SAFE_FOR_NUMBERS = frozenset(
    [Danger.ARITHMETIC, Danger.EXPANSION, Danger.EVALUATED, Danger.PROGRAM, Danger.FORMAT]
)
"""Numbers are rendered from the parsed number, so they are the same text for every reader."""

ADVICE: Mapping[Danger, str] = {
    Danger.ARITHMETIC: "{hole} stands in arithmetic, where the shell would run commands hidden in "
    "the value. Declare the input as a number or integer",
    Danger.EXPANSION: "{hole} stands inside `${{...}}`. Keep the value in a variable first, with "
    "`value={hole}`, and use `${{value}}` there",
    Danger.EVALUATED: "{hole} is handed to a command that runs its text as shell commands. Run the "
    "command directly, with {hole} as one of its arguments",
    Danger.PROGRAM: "{hole} would become part of a program's text. Hand the value over as an "
    "argument or variable instead: `sh -c '... \"$1\" ...' sh {hole}`, "
    "`python -c '... sys.argv[1] ...' {hole}`, `Rscript script.R {hole}`, "
    "`VALUE={hole} awk '... ENVIRON[\"VALUE\"] ...'`",
    Danger.BACKTICK: "{hole} stands between backticks. Write `$( ... )` instead of backticks",
    Danger.DOLLAR_QUOTE: "{hole} stands inside `$'...'` or `$\"...\"`. Close the quote before it, "
    "and open it again after it",
    Danger.QUOTED_HERE: "{hole} stands in a here-document whose end mark is quoted, where nothing "
    "is replaced. Write the end mark without quotes, and a backslash before every other `$`",
    Danger.DOLLAR: "{hole} stands directly after a `$`. Leave the `$` out, or write `\\$` if it is "
    "meant as a character",
    Danger.BACKSLASH: "{hole} stands directly after a backslash. Write two backslashes before it "
    "if one is meant as a character, else none",
    Danger.NAME: "{hole} stands where the shell expects the name of a variable. Use a name of "
    "your own, such as `value={hole}`",
    Danger.DUPLICATE: "{hole} stands after `>&` or `<&`, where bash expands it twice. Write "
    "`> {hole} 2>&1`",
    Danger.FORMAT: "{hole} stands where printf expects its format. Write `printf '%s' {hole}`",
    Danger.OPTION: "{hole} names the script to run, and a value that starts with `-` would be "
    "taken as an option. Write `./` or a folder before it, or `--`",
    Danger.UNSURE: "{hole} stands inside quotes within an expression. Keep the value in a variable "
    "first, with `value={hole}`",
}


class UnsafeScript(Problem):
    """The script cannot be made safe as it stands; `errors` says what to write instead."""

    status, type, title = 400, OURS + "unsafe-script", "Unsafe script"


def variable(id: str) -> str:
    """The shell variable that holds an input's value.

    `CCP_IN_` and the id, each character outside of A-Z, a-z, 0-9 and `_` replaced by `_`.
    Two inputs that would share a variable are refused by `render`.
    """
    return "CCP_IN_" + re.sub(r"[^A-Za-z0-9_]", "_", id)


def render(script: str, kinds: Mapping[str, Kind], pointer: str = "") -> str:
    """Replace each `{{ id }}` by a quoted reference to the input's variable, in one pass.

    `kinds` holds every input of the method. A secret becomes a read of /run/secrets/<id>.
    Placeholders in comments stay, and so does everything in double braces that is not written
    like an id. Raises UnsafeScript with one fault a place, at `<pointer>/<line, from 0>`.
    """
    faults = list(_shared_variables(kinds))
    if not BRACES.search(script):
        return _rendered_or_refused(script, faults)
    reading = read(script)
    judge(reading)
    lines = _Lines(script, pointer)
    live = [hole for hole in reading.holes if hole.form is not Form.INERT]
    if reading.lost is not None and (live or PLACEHOLDER.search(script, reading.lost.position)):
        faults.append(_lost(reading.lost, lines))
    for hole in live:
        faults.extend(_refusals(hole, kinds, lines))
    faults.extend(_unusable_ids(script, kinds, lines))
    return _rendered_or_refused(_replaced(script, live, kinds), faults)


class _Lines:
    def __init__(self, script: str, pointer: str) -> None:
        self.ends = [found.start() for found in re.finditer("\n", script)]
        self.pointer = pointer

    def fault(self, position: int, detail: str) -> Fault:
        index = bisect_right(self.ends, position - 1)
        return Fault(f"{self.pointer}/{index}", f"Line {index + 1}: {detail}.")


def _rendered_or_refused(rendered: str, faults: list[Fault]) -> str:
    if faults:
        raise UnsafeScript(faults=faults[:MOST_FAULTS])
    return rendered


def _shared_variables(kinds: Mapping[str, Kind]) -> Iterator[Fault]:
    sharing = defaultdict(list)
    for id, kind in kinds.items():
        if kind is not Kind.SECRET:
            sharing[variable(id)].append(id)
    for name, ids in sharing.items():
        if len(ids) > 1:
            listed = ", ".join(f"`{id}`" for id in ids)
            yield Fault(
                f"/inputs/{ids[1].replace('~', '~0').replace('/', '~1')}",
                f"The inputs {listed} would share the variable {name}. Rename all but one.",
            )


def _lost(lost: Lost, lines: _Lines) -> Fault:
    return lines.fault(
        lost.position,
        f"{lost.why}, so the platform cannot tell how a shell reads the placeholders of this "
        "script. Please write this line more simply",
    )


def _refusals(hole: Hole, kinds: Mapping[str, Kind], lines: _Lines) -> Iterator[Fault]:
    kind = kinds.get(hole.name)
    written = f"{{{{{hole.name}}}}}"
    if kind is None:
        yield lines.fault(hole.start, _unknown(hole.name, kinds))
        return
    for danger in hole.dangers:
        if not (kind in NUMERIC and danger in SAFE_FOR_NUMBERS):
            yield lines.fault(hole.start, ADVICE[danger].format(hole=written))
            return


def _unknown(name: str, kinds: Mapping[str, Kind]) -> str:
    near = get_close_matches(name, kinds, n=3) if len(name) <= NEAR_NAME else []
    meant = " or ".join(f"`{id}`" for id in near)
    hint = f"Did you mean {meant}" if near else f"The inputs are: {', '.join(kinds) or 'none'}"
    return (
        f"this method has no input `{name}`. {hint}? If the braces are not meant for the "
        f"platform, write `{{''{{{name}}}}}`"
    )


def _unusable_ids(script: str, kinds: Mapping[str, Kind], lines: _Lines) -> Iterator[Fault]:
    for found in BRACES.finditer(script):
        id = found[1].strip()
        if id in kinds and not PLACEHOLDER.fullmatch(found[0]):
            yield lines.fault(
                found.start(),
                f"the id of the input `{id}` cannot be used in a script: only letters "
                "(a to z), digits, `_`, `-` and `.` can, and a letter or `_` comes first",
            )


def _replaced(script: str, holes: list[Hole], kinds: Mapping[str, Kind]) -> str:
    parts, position = [], 0
    for hole in sorted(holes, key=lambda hole: hole.start):
        reference = f"${{{variable(hole.name)}}}"
        if kinds.get(hole.name) is Kind.SECRET:
            reference = f"$(cat /run/secrets/{hole.name})"
        parts += [script[position : hole.start], _quoted(reference, hole.form)]
        position = hole.end
    return "".join([*parts, script[position:]])


def _quoted(reference: str, form: Form) -> str:
    if form is Form.QUOTED:
        return reference
    return f'"{reference}"' if form is Form.BARE else f"'\"{reference}\"'"
