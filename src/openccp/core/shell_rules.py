"""Which words of a shell command are evaluated once more: there a value would become code.

Quoting keeps a value whole on its way to a command. It cannot help where the command itself
reads its argument as shell text, arithmetic, a variable's name or a program.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from openccp.core.shell_programs import (
    judge_programs,
    judge_unknown,
    names_by_hole,
    program_from_input,
)
from openccp.core.shell_text import OPENERS, Command, Reading
from openccp.core.shell_words import DYNAMIC, HOLE, Danger, Word, blame

NAME = r"[A-Za-z_][A-Za-z0-9_]*"
ASSIGNMENT = re.compile(rf"({NAME})(\[.*\])?\+?=", re.DOTALL)
STATIC_NAME = re.compile(rf"{NAME}\+?=")
COMPOUND = re.compile(rf"{NAME}\+?=\Z")
SUBSCRIPT = re.compile(rf"{NAME}\[")
PREFIXES = OPENERS | {"command", "builtin", "exec", "time", "coproc", "nohup"}
CLOSERS = frozenset(["}", "fi", "done", "esac"])
COMPARISONS = frozenset(["-eq", "-ne", "-lt", "-le", "-gt", "-ge"])
SELF_EVALUATING = frozenset(["PS0", "PS1", "PS2", "PS4", "PROMPT_COMMAND", "ENV", "BASH_ENV"])
INTEGERS = frozenset(["RANDOM", "SRANDOM", "SECONDS", "LINENO", "OPTIND", "HISTCMD", "BASHPID"])
DECLARING = frozenset(["declare", "typeset", "local", "export", "readonly"])


def judge(reading: Reading) -> None:
    """Note on every hole what its command would do with the value."""
    integers = INTEGERS | set(_integer_names(reading.commands))
    for command in reading.commands:
        if not any(command.holes):
            continue
        _judge_assignments(command.words, integers)
        words = _without_prefixes(command.words)
        if words:
            _judge_builtin(words)
            judge_programs(words)
        if any(word.text.startswith(DYNAMIC) for word in command.words):
            judge_unknown(command.words)
    _judge_pipelines(reading)


def _integer_names(commands: Iterable[Command]) -> Iterator[str]:
    for command in commands:
        words = _without_prefixes(command.words)
        if words and words[0].text in DECLARING and "i" in _flags(words):
            for word in words[1:]:
                yield word.text.partition("=")[0].rstrip("+")


def _flags(words: Sequence[Word]) -> str:
    return "".join(word.text[1:] for word in words[1:] if word.text.startswith("-"))


def _without_prefixes(words: Sequence[Word]) -> Sequence[Word]:
    start, prefixed = 0, False
    while start < len(words):
        text = words[start].text
        if text in PREFIXES:
            prefixed = True
        elif words[start].vanishing and start + 1 < len(words):
            prefixed = False
        elif not (ASSIGNMENT.match(text) or (prefixed and text.startswith("-"))):
            break
        start += 1
    return words[start:]


def _judge_assignments(words: Sequence[Word], integers: frozenset[str] | set[str]) -> None:
    for word in words:
        assignment = ASSIGNMENT.match(word.text)
        if _hole_in_subscript(word.text):
            blame(word.holes, Danger.ARITHMETIC)
        if assignment is None:
            if names_by_hole(word.text):
                blame(word.holes, Danger.NAME)
            return
        if assignment[1] in SELF_EVALUATING:
            blame(word.holes, Danger.EVALUATED)
        if assignment[1] in integers or DYNAMIC in (assignment[2] or ""):
            blame(word.holes, Danger.ARITHMETIC)


def _hole_in_subscript(text: str) -> bool:
    subscript = SUBSCRIPT.match(text)
    if subscript is None:
        return False
    end = max(text.find("]"), text.rfind("]="), text.rfind("]+="))
    return HOLE in text[subscript.end() : end if end >= 0 else None]


# --- what the shell itself evaluates ---


def _all(danger: Danger) -> Callable[[Sequence[Word]], None]:
    def rule(words: Sequence[Word]) -> None:
        for word in words[1:]:
            blame(word.holes, danger)

    return rule


def _first(danger: Danger) -> Callable[[Sequence[Word]], None]:
    def rule(words: Sequence[Word]) -> None:
        if len(words) > 1 and words[1].text != "((":
            blame(words[1].holes, danger)

    return rule


def _declare(words: Sequence[Word]) -> None:
    flags = _flags(words)
    for word in words[1:]:
        compound = COMPOUND.match(word.text) and not word.plain
        if not STATIC_NAME.match(word.text):
            blame(word.holes, Danger.NAME)
        elif "i" in flags or ("n" in flags and words[0].text != "export"):
            blame(word.holes, Danger.ARITHMETIC)
        elif ("a" in flags or "A" in flags) and not compound:
            blame(word.holes, Danger.EVALUATED)
        _judge_assignments([word], INTEGERS)


def _printf(words: Sequence[Word]) -> None:
    operands = words[1:]
    if operands and operands[0].text == "--":
        operands = operands[1:]
    elif operands and operands[0].text.startswith("-v"):
        named = 2 if operands[0].text == "-v" else 1
        for word in operands[:named]:
            blame(word.holes, Danger.NAME)
        operands = operands[named:]
    if operands:
        blame(operands[0].holes, Danger.FORMAT)


def _test(words: Sequence[Word]) -> None:
    for before, word in pairwise(words):
        if before.text in ("-v", "-R") or before.text in (HOLE, DYNAMIC):
            blame(word.holes, Danger.NAME)


def _condition(words: Sequence[Word]) -> None:
    for before, word in pairwise(words):
        if before.text in COMPARISONS:
            blame(word.holes, Danger.ARITHMETIC)
        if word.text in COMPARISONS:
            blame(before.holes, Danger.ARITHMETIC)
        if before.text in ("-v", "-R"):
            blame(word.holes, Danger.NAME)


BUILTINS: Mapping[str, Callable[[Sequence[Word]], None]] = {
    **dict.fromkeys(
        ["eval", "trap", "alias", "bind", "complete", "compgen"], _all(Danger.EVALUATED)
    ),
    **dict.fromkeys([".", "source", "enable", "fc"], _all(Danger.EVALUATED)),
    **dict.fromkeys(["read", "mapfile", "readarray", "getopts", "unset"], _all(Danger.NAME)),
    **dict.fromkeys(["wait", "function"], _all(Danger.NAME)),
    **dict.fromkeys(["for", "select"], _first(Danger.NAME)),
    **dict.fromkeys(DECLARING, _declare),
    "let": _all(Danger.ARITHMETIC),
    "printf": _printf,
    "test": _test,
    "[": _test,
    "[[": _condition,
}


def _judge_builtin(words: Sequence[Word]) -> None:
    rule = BUILTINS.get(words[0].text.strip(DYNAMIC))
    if rule is not None:
        rule(words)


# --- programs that come by standard input ---


def _judge_pipelines(reading: Reading) -> None:
    for command in reading.commands:
        if command.before is None and not command.given:
            continue
        if not program_from_input(_without_prefixes(command.words)):
            continue
        blame(command.given, Danger.PROGRAM)
        for stage in _stages_before(command):
            blame(stage.holes, Danger.PROGRAM)
            if stage.words and stage.words[0].text in CLOSERS:
                blame(reading.holes, Danger.PROGRAM)
                return


def _stages_before(command: Command) -> Iterator[Command]:
    """Earlier stages, up to one that reads a program itself (it is judged on its own)."""
    stage = command.before
    while stage is not None:
        yield stage
        if program_from_input(_without_prefixes(stage.words)):
            return
        stage = stage.before
