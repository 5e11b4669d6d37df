"""Reads the words of shell text: quotes, escapes, expansions and the placeholders in them."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, NoReturn

PLACEHOLDER = re.compile(r"\{\{[ \t]*([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*\}\}")
HOLE = "\0"
"""Stands for a placeholder in the text of a word."""
DYNAMIC = "\1"
"""Stands for any other expansion in the text of a word."""

SPACE = re.compile(r"(?:[ \t\n]|\\\n|(?<=[ \t\n(])#[^\n]*)*")
PLAIN = re.compile(r"[^ \t\n;&|<>()\\'\"`${]+")
PLAIN_WORD = re.compile(r"[^ \t\n;&|<>()\\'\"`${]+(?=[ \t\n;&|<>)])")
PLAIN_QUOTED = re.compile(r"[^\"\\`${]+")
PLAIN_ARITHMETIC = re.compile(r"[^()'\"\\`${]+")
PLAIN_EXPANSION = re.compile(r"[^}'\"\\`${]+")
PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[@*#?$!0-9-]")
DOLLAR_QUOTED = re.compile(r"\$'(?:[^'\\]|\\.)*'", re.DOTALL)
BACKTICKED = re.compile(r"`(?:[^`\\]|\\.)*`", re.DOTALL)
ARRAY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\[[^\]]*\])?\+?=")
DEPTH = 40
META = frozenset(" \t\n;&|<>()")


class Form(StrEnum):
    """How a reference has to be written where a placeholder stands."""

    BARE = "bare"
    QUOTED = "quoted"
    SINGLE = "single"
    INERT = "inert"


class Danger(StrEnum):
    """Why a reference is not safe, or not possible, where a placeholder stands."""

    ARITHMETIC = "arithmetic"
    EXPANSION = "expansion"
    EVALUATED = "evaluated"
    PROGRAM = "program"
    BACKTICK = "backtick"
    DOLLAR_QUOTE = "dollar-quote"
    QUOTED_HERE = "quoted-here"
    DOLLAR = "dollar"
    BACKSLASH = "backslash"
    NAME = "name"
    DUPLICATE = "duplicate"
    FORMAT = "format"
    OPTION = "option"
    UNSURE = "unsure"


@dataclass(slots=True)
class Hole:
    """One placeholder: its span, the form its place needs, and what speaks against it."""

    start: int
    end: int
    name: str
    form: Form
    dangers: list[Danger] = field(default_factory=list)


class Word(NamedTuple):
    """One word. `text` is without its quotes; `holes` includes those of nested commands."""

    text: str
    holes: tuple[Hole, ...] = ()
    plain: bool = True
    """Whether it was written without quotes or expansions (reserved words are)."""
    vanishing: bool = False
    """Whether it is only expansions, so that it may be no word at all."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Where, and why, the reader cannot be sure how a shell goes on."""

    position: int
    why: str


class LostError(Exception):
    """The reader cannot go on."""

    def __init__(self, lost: Lost) -> None:
        self.lost = lost
        super().__init__(lost.why)


def blame(holes: Iterable[Hole], danger: Danger) -> None:
    """Note a danger on each of `holes`."""
    for hole in holes:
        if danger not in hole.dangers:
            hole.dangers.append(danger)


class WordReader(ABC):
    """A position in a text, moved by methods that each read one thing."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.end = len(text)
        self.pos = 0
        self.depth = 0
        self.holes: list[Hole] = []

    @abstractmethod
    def commands_until(self, close: str) -> None:
        """Read commands up to and with `close`."""

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """Count how deep expansions and commands stand in each other."""
        self.depth += 1
        if self.depth > DEPTH:
            self.lose("commands and expansions are nested too deeply here")
        yield
        self.depth -= 1

    def lose(self, why: str, position: int | None = None) -> NoReturn:
        """Give up: shells may disagree on what follows."""
        raise LostError(Lost(self.pos if position is None else position, why))

    def at(self, *starts: str) -> bool:
        """Whether one of `starts` comes next."""
        return self.text.startswith(starts, self.pos, self.end)

    def match(self, pattern: re.Pattern[str]) -> str:
        """Take what `pattern` matches here, which may be nothing."""
        found = pattern.match(self.text, self.pos, self.end)
        if found is None:
            return ""
        self.pos = found.end()
        return found[0]

    def holes_until(self, end: int, form: Form, *dangers: Danger) -> None:
        """Take everything up to `end`, keeping only its placeholders."""
        for found in PLACEHOLDER.finditer(self.text, self.pos, end):
            self.holes.append(Hole(found.start(), found.end(), found[1], form, list(dangers)))
        self.pos = end

    def word(self) -> Word:
        """Read one word; there must be one."""
        plain = PLAIN_WORD.match(self.text, self.pos, self.end)
        if plain is not None:
            self.pos = plain.end()
            return Word(plain[0])
        start, mark = self.pos, len(self.holes)
        parts: list[str] = []
        while self.pos < self.end:
            if self.text[self.pos] not in META:
                parts.append(self._piece())
            elif not self._group("".join(parts)):
                break
        if self.pos == start:
            self.lose("a word is missing here")
        text = "".join(parts)
        raw = self.text[start : self.pos].replace("\\\n", "")
        vanishing = raw.startswith(("$", "`")) and not text.strip(DYNAMIC)
        return Word(text, tuple(self.holes[mark:]), text == raw, vanishing)

    def process(self) -> Word:
        """Read `<( ... )` or `>( ... )`."""
        mark = len(self.holes)
        self.pos += 2
        self.commands_until(")")
        return Word(DYNAMIC, tuple(self.holes[mark:]), plain=False)

    def _group(self, before: str) -> bool:
        """Whether the word goes on with a parenthesis: an array's elements or a pattern list."""
        if not before or not self.at("("):
            return False
        if ARRAY.fullmatch(before):
            with self.deeper():
                self._array()
        elif before[-1] in "?*+@!":
            self.pos += 1
            self.commands_until(")")
        else:
            return False
        return True

    def _array(self) -> None:
        self.pos += 1
        self.match(SPACE)
        while not self.at(")"):
            word = self.word()
            if word.text.startswith("[") and "]" not in word.text:
                self.lose("this array index cannot be read")
            subscript = word.text.partition("]=")[0]
            if word.text.startswith("[") and (HOLE in subscript or DYNAMIC in subscript):
                blame(word.holes, Danger.ARITHMETIC)
            self.match(SPACE)
        self.pos += 1

    def _piece(self) -> str:
        char = self.text[self.pos]
        if char == "'":
            return self._single()
        if char == '"':
            return self.quoted('"')
        if char in "\\`$":
            return self._special(char, quoted=False)
        if char == "{":
            return self._hole_or_brace(Form.BARE)
        return self.match(PLAIN)

    def _special(self, char: str, *, quoted: bool) -> str:
        if char == "\\":
            return self._backslash()
        return self._backtick() if char == "`" else self._dollar(quoted=quoted)

    def _hole_or_brace(self, form: Form, *dangers: Danger) -> str:
        found = PLACEHOLDER.match(self.text, self.pos, self.end)
        if found is None:
            self.pos += 1
            return "{"
        self.holes_until(found.end(), form, *dangers)
        return HOLE

    def _single(self, *dangers: Danger) -> str:
        start = self.pos + 1
        close = self.text.find("'", start, self.end)
        if close < 0:
            self.lose("this single quote is never closed")
        self.holes_until(close, Form.SINGLE, *dangers)
        self.pos = close + 1
        return PLACEHOLDER.sub(HOLE, self.text[start:close])

    def quoted(self, close: str) -> str:
        """Read text in which only expansions count: up to `close`, or a here-document's end."""
        start = self.pos
        self.pos += len(close)
        parts: list[str] = []
        while self.pos < self.end:
            char = self.text[self.pos]
            if char == close:
                self.pos += 1
                return "".join(parts)
            if char in "\\`$":
                parts.append(self._special(char, quoted=True))
            elif char == "{":
                parts.append(self._hole_or_brace(Form.QUOTED))
            else:
                parts.append(self.match(PLAIN_QUOTED) or self._one())
        if close:
            self.lose("this double quote is never closed", start)
        return "".join(parts)

    def _one(self) -> str:
        self.pos += 1
        return self.text[self.pos - 1]

    def _backslash(self) -> str:
        self.pos += 1
        if PLACEHOLDER.match(self.text, self.pos, self.end):
            return self._hole_or_brace(Form.QUOTED, Danger.BACKSLASH)
        escaped = self.text[self.pos : min(self.pos + 1, self.end)]
        self.pos += len(escaped)
        return "" if escaped == "\n" else escaped

    def _backtick(self) -> str:
        found = BACKTICKED.match(self.text, self.pos, self.end)
        if found is None:
            self.lose("this backtick is never closed")
        self.holes_until(found.end(), Form.QUOTED, Danger.BACKTICK)
        return DYNAMIC

    def _dollar(self, *, quoted: bool) -> str:
        if self.at("$\\\n", "$["):
            self.lose("this `$` is read differently by sh and bash")
        if PLACEHOLDER.match(self.text, self.pos + 1, self.end):
            self.pos += 1
            return self._hole_or_brace(Form.QUOTED, Danger.DOLLAR)
        if self.at("$("):
            return self._substitution()
        if self.at("${"):
            with self.deeper():
                return self._expansion(quoted=quoted)
        if not quoted and self.at("$'", '$"'):
            return self._dollar_quote()
        self.pos += 1
        return DYNAMIC if self.match(PARAMETER) else "$"

    def _substitution(self) -> str:
        if self.at("$(("):
            self.pos += 3
            with self.deeper():
                self.arithmetic()
        else:
            self.pos += 2
            self.commands_until(")")
        return DYNAMIC

    def _dollar_quote(self) -> str:
        start, mark = self.pos, len(self.holes)
        if self.at('$"'):
            self.pos += 1
            text = self.quoted('"')
            blame(self.holes[mark:], Danger.DOLLAR_QUOTE)
            return text
        found = DOLLAR_QUOTED.match(self.text, self.pos, self.end)
        if found is None or "\\'" in found[0]:
            self.lose("`$'...'` is read differently by sh and bash", start)
        self.holes_until(found.end(), Form.QUOTED, Danger.DOLLAR_QUOTE)
        return DYNAMIC

    def arithmetic(self) -> None:
        """Read up to the `))` that ends an arithmetic expression."""
        start, mark, depth = self.pos, len(self.holes), 0
        while depth or not self.at("))"):
            if self.pos >= self.end or (not depth and self.at(")")):
                self.lose("this `((` is not ended by `))`", start - 2)
            depth += self.at("(") - self.at(")")
            self._inside(PLAIN_ARITHMETIC, quoted=False)
        self.pos += 2
        blame(self.holes[mark:], Danger.ARITHMETIC)

    def _expansion(self, *, quoted: bool) -> str:
        start, mark = self.pos, len(self.holes)
        self.pos += 2
        if self.at(" ", "\t", "\n", "|"):
            self.lose("`${ ` is read differently by sh and bash", start)
        while not self.at("}"):
            if self.pos >= self.end:
                self.lose("this `${` is never closed", start)
            self._inside(PLAIN_EXPANSION, quoted=quoted)
        self.pos += 1
        blame(self.holes[mark:], Danger.EXPANSION)
        return DYNAMIC

    def _inside(self, plain: re.Pattern[str], *, quoted: bool) -> None:
        """One piece of an expression or expansion."""
        char = self.text[self.pos]
        if char == "'" and quoted:
            self.lose("a single quote in `${...}` within double quotes is read differently")
        if char == "'":
            self._single(Danger.UNSURE)
        elif char == '"':
            self.quoted('"')
        elif char in "\\`$":
            self._special(char, quoted=quoted)
        elif char == "{":
            self._hole_or_brace(Form.QUOTED)
        else:
            self.match(plain) or self._one()
