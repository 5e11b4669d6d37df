"""Programs whose arguments or input are programs themselves: a value must not get in there."""

import re
from collections.abc import Sequence
from itertools import pairwise

from openccp.core.shell_words import DYNAMIC, HOLE, Danger, Word, blame

NAME_WITH_HOLE = re.compile(r"[A-Za-z0-9_\0\1]*(\[.*)?\+?", re.DOTALL)
SHELLS = frozenset(["sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "fish", "busybox"])
SHELL_STARTERS = frozenset(["su", "runuser", "sg", "flock", "script"])
DATABASES = frozenset(["sqlite3", "psql", "mysql", "mariadb", "duckdb"])
REMOTE = frozenset(["ssh", "parallel", "at", "batch", "crontab", "watch"])
PYTHON = re.compile(r"(python|pypy)[0-9.]*")
LANGUAGES = re.compile(
    r"(python|pypy)[0-9.]*|perl[0-9.]*|ruby|node|nodejs|deno|bun|php|lua[0-9.]*|julia|R|Rscript"
    r"|octave|octave-cli|matlab|gnuplot|expect|tclsh|guile|gdb|dc|ed"
)
ANYWHERE = re.compile(r"sh|bash|dash|ash|ksh|mksh|zsh|fish|python[0-9.]*|perl|Rscript|node|ruby")
"""Looked for among the arguments of every command: some other program may start them."""
WRAPPERS = frozenset(
    {"sudo", "env", "xargs", "timeout", "nice", "ionice", "stdbuf", "setsid", "find", "busybox"}
    | {"docker", "podman", "apptainer", "singularity", "srun", "mpirun", "mpiexec", "chroot"}
)
SHELL_PROGRAM = re.compile(r"-[A-Za-z]*c[A-Za-z]*|--(session-)?command")
PYTHON_PROGRAM = re.compile(r"-[A-Za-z]*c")
OTHER_PROGRAM = re.compile(r"-[A-Za-z0-9]*[ceEr]|-p|-(batch|ex)|--(eval|print|command|run|execute)")
TAKES_VALUE = re.compile(r"-[IWXlM]|[-+][a-z]*[oO]|--(rcfile|init-file|require|import)")
LOOKS_LIKE_FILE = re.compile(r"[./]")
AWK = re.compile(r"[gmn]?awk")
FILTER_PROGRAM = re.compile(r"-[nErsuz]*e|--(expression|source)")
FILTER_FILE = re.compile(r"-[nErsuz]*f|--file")
FILTER_ATTACHED = re.compile(r"-[nErsuz]*[ef]|--(expression|source|file)")


def names_by_hole(text: str) -> bool:
    """Whether a word is an assignment to a variable whose name holds a placeholder."""
    name, equals, _ = text.partition("=")
    return bool(equals) and HOLE in name and bool(NAME_WITH_HOLE.fullmatch(name))


def judge_programs(words: Sequence[Word]) -> None:
    """Note on the holes of a command's words whether they get into a program's text."""
    wrapped = _base(words[0]) in WRAPPERS
    for index, word in enumerate(words):
        name, rest = _base(word), words[index + 1 :]
        if index and not wrapped and not ANYWHERE.fullmatch(name):
            continue
        _judge_operands(name, rest)
        if _reads_program(name):
            _judge_options(name, rest, first=index == 0)


def _base(word: Word) -> str:
    return word.text.rpartition("/")[2].strip(DYNAMIC)


def _reads_program(name: str) -> bool:
    known = name in SHELLS or name in SHELL_STARTERS or name in DATABASES
    return known or bool(LANGUAGES.fullmatch(name))


def _program_option(name: str) -> re.Pattern[str]:
    if name in SHELLS or name in SHELL_STARTERS:
        return SHELL_PROGRAM
    return PYTHON_PROGRAM if PYTHON.fullmatch(name) else OTHER_PROGRAM


def judge_unknown(words: Sequence[Word]) -> None:
    """A command named by a variable may be a shell: then `-c` is followed by a program."""
    for before, word in pairwise(words):
        if SHELL_PROGRAM.fullmatch(before.text) and word.text != HOLE:
            blame(word.holes, Danger.PROGRAM)


def _judge_options(name: str, words: Sequence[Word], *, first: bool) -> None:
    """A program after `-c`, `-e` and the like; what follows a script's name are only values."""
    option = _program_option(name)
    before, expected = "", False
    for word in words:
        is_option = word.text.startswith(("-", "+")) and not (
            expected and option is not SHELL_PROGRAM
        )
        if is_option:
            _judge_option(word)
            expected = expected or bool(option.fullmatch(word.text))
        elif expected:
            blame(word.holes, Danger.PROGRAM)
            if word.vanishing:
                continue
            if option is not OTHER_PROGRAM:
                return
            expected = False
        elif _ends_options(name, word, before):
            return
        else:
            _judge_operand(name, word, first=first)
        if not expected and _ends_all(name, word.text):
            return
        before = word.text


def _ends_all(name: str, text: str) -> bool:
    return text in ("--", "--args") or (text == "-" and name not in SHELL_STARTERS)


def _judge_option(word: Word) -> None:
    if not re.match(r"--(?!eval|print|command|run|exec)", word.text):
        blame(word.holes, Danger.PROGRAM)


def _judge_operand(name: str, word: Word, *, first: bool) -> None:
    if name in DATABASES:
        if re.search(r"\s", word.text):
            blame(word.holes, Danger.PROGRAM)
    elif first and name not in SHELL_STARTERS and word.text.startswith(HOLE):
        blame(word.holes, Danger.OPTION)


def _ends_options(name: str, word: Word, before: str) -> bool:
    """Whether `word` is the script to run, after which nothing is an option any more."""
    if before == "-m":
        return True
    if name in SHELL_STARTERS or name in DATABASES or name == "busybox":
        return False
    if word.text[:1] in (HOLE, DYNAMIC, "") or TAKES_VALUE.fullmatch(before):
        return False
    return not before.startswith(("-", "+")) or bool(LOOKS_LIKE_FILE.search(word.text))


def _judge_operands(name: str, words: Sequence[Word]) -> None:
    if name == "sed" or AWK.fullmatch(name):
        _judge_filter(name, words)
        return
    for word in words:
        if name in REMOTE:
            blame(word.holes, Danger.EVALUATED)
        elif name == "make" and "=" in word.text:
            blame(word.holes, Danger.PROGRAM)
        elif name in ("make", "env") and names_by_hole(word.text):
            blame(word.holes, Danger.NAME)


def _judge_filter(name: str, words: Sequence[Word]) -> None:
    """The first operand of sed and awk is a program, unless `-e` or `-f` gave one."""
    valued = re.compile(r"-l" if name == "sed" else r"-[vFi]|--assign|--field-separator")
    before, given = "", False
    for word in words:
        option = word.text.startswith("-") and word.text != "-"
        program = FILTER_ATTACHED.match(word.text) if option else not given
        if FILTER_PROGRAM.fullmatch(before) or FILTER_FILE.fullmatch(before):
            blame(word.holes, Danger.PROGRAM)
        elif program and not valued.fullmatch(before):
            blame(word.holes, Danger.PROGRAM)
            given = True
        before = word.text


def program_from_input(words: Sequence[Word]) -> bool:
    """Whether the command takes a program, not only data, from its standard input."""
    if not words:
        return False
    if _base(words[0]) in WRAPPERS:
        texts = [word.text for word in words]
        inner = next((i for i in range(1, len(words)) if _reads_program(_base(words[i]))), 0)
        if inner and _base(words[0]) == "xargs" and any(t.startswith("-I") for t in texts):
            return True
        words = words[inner:]
    name = _base(words[0])
    if name in DATABASES or name in REMOTE:
        return True
    if name == "sed" or AWK.fullmatch(name):
        return any(b.text == "-f" and w.text in ("-", "/dev/stdin") for b, w in pairwise(words))
    return _reads_program(name) and name not in SHELL_STARTERS and _names_no_program(name, words)


def _names_no_program(name: str, words: Sequence[Word]) -> bool:
    option = re.compile(r"-[ef]|--file.*") if name == "R" else _program_option(name)
    for before, word in pairwise(words):
        if word.text in ("-", "/dev/stdin") or (
            name in SHELLS and re.match(r"-[a-z]*s\Z", word.text)
        ):
            return True
        if option.fullmatch(word.text):
            return False
        valued = TAKES_VALUE.fullmatch(before.text) or name == "R"
        if not word.text.startswith(("-", "+")) and not valued:
            return False
    return True
