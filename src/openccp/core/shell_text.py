"""Reads shell text (what sh, dash, busybox and bash agree on) to find where placeholders stand.

Nothing is run or expanded. The reader keeps the words of every simple command, so that
`shell_rules` can see which of them a program evaluates once more. Where the shells would read
a text differently, or it never ends, the reader says that it is `Lost` instead of guessing.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from openccp.core.shell_words import (
    ARRAY,
    DYNAMIC,
    SPACE,
    Danger,
    Form,
    Hole,
    Lost,
    LostError,
    Word,
    WordReader,
    blame,
)

BLANKS = re.compile(r"(?:[ \t]|\\\n)*")
OPERATOR = re.compile(r";;&|;;|;&|&&|\|\||\|&|&>>?|[;&|]")
REDIRECT = re.compile(r"<<<|<<-|<<|<>|<&|>>|>&|>\||[<>]")
SPLIT_OPERATOR = re.compile(
    r"[<>](\\\n)+[<>&|(]|\((\\\n)+\(|&(\\\n)+[>&]|;(\\\n)+[;&]|\|(\\\n)+[|&]"
)
EMPTY_PARENS = re.compile(r"\([ \t]*\)")
DESCRIPTOR = re.compile(r"[0-9]+|\{[A-Za-z_][A-Za-z0-9_]*\}")
OPEN_SUBSCRIPT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\[[^\]]*")
OPENERS = frozenset(["if", "then", "else", "elif", "while", "until", "do", "{", "!"])


@dataclass(slots=True)
class Command:
    """A simple command. `before` is the previous stage of its pipeline."""

    words: list[Word] = field(default_factory=list)
    targets: list[Word] = field(default_factory=list)
    given: list[Hole] = field(default_factory=list)
    """Placeholders in its here-documents and here-strings."""
    before: "Command | None" = None

    @property
    def holes(self) -> Iterator[Hole]:
        """Every placeholder of the command and of what is nested in it."""
        for word in (*self.words, *self.targets):
            yield from word.holes
        yield from self.given


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read. With `lost` set, holes and commands are only those found until there."""

    holes: tuple[Hole, ...]
    commands: tuple[Command, ...]
    lost: Lost | None


def read(text: str) -> Reading:
    """Read a whole script. Never raises."""
    reader = _Reader(text)
    lost = None
    try:
        reader.commands_until("")
    except LostError as found:
        lost = found.lost
    return Reading(tuple(reader.holes), tuple(reader.commands), lost)


@dataclass(frozen=True, slots=True)
class _Here:
    delimiter: str
    quoted: bool
    strip_tabs: bool
    command: Command
    position: int


@dataclass(slots=True)
class _Frame:
    """The state of one list of commands: the script, a subshell, a substitution."""

    close: str
    position: int
    command: Command = field(default_factory=Command)
    pending: list[_Here] = field(default_factory=list)
    cases: list[bool] = field(default_factory=list)
    """One entry per open `case`; True while a pattern is awaited."""


class _Reader(WordReader):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.commands: list[Command] = []

    # --- lists of commands ---

    def commands_until(self, close: str) -> None:
        """Read commands up to and with `close`; the empty string means the end of the text."""
        frame = _Frame(close, self.pos)
        with self.deeper():
            while not self._closed(frame):
                self._step(frame)

    def _closed(self, frame: _Frame) -> bool:
        self.match(BLANKS)
        at_end = self.pos >= self.end
        in_pattern = frame.cases and frame.cases[-1]
        if not at_end and (in_pattern or self.text[self.pos] != ")"):
            return False
        self._finish(frame)
        if frame.pending:
            self.lose("this here-document never ends", frame.pending[0].position)
        if at_end and frame.close:
            self.lose("this parenthesis is never closed", frame.position - 1)
        if not at_end and not frame.close:
            self.lose("this parenthesis was never opened")
        self.pos += len(frame.close)
        return True

    def _step(self, frame: _Frame) -> None:
        read_start = _STARTS.get(self.text[self.pos])
        if read_start and SPLIT_OPERATOR.match(self.text, self.pos, self.end):
            self.lose("an operator is split over two lines here")
        if frame.cases and frame.cases[-1]:
            self._pattern(frame)
        elif read_start:
            read_start(self, frame)
        else:
            position = self.pos
            word = self.word()
            if frame.pending and "\n" in self.text[position : self.pos]:
                self.lose("a here-document starts in the middle of this word", position)
            self._take(frame, word)

    def _take(self, frame: _Frame, word: Word) -> None:
        words = frame.command.words
        text = word.text if word.plain else ""
        if self.at("<", ">") and DESCRIPTOR.fullmatch(text):
            return
        if not words and text in OPENERS:
            return
        if OPEN_SUBSCRIPT.fullmatch(word.text) and all(ARRAY.match(w.text) for w in words):
            self.lose("this array index cannot be read")
        words.append(word)
        if text == "[[" and len(words) == 1:
            self._condition(words)
        elif text:
            self._reserved(frame, text)

    def _reserved(self, frame: _Frame, text: str) -> None:
        words = frame.command.words
        first = words[0].text if words[0].plain else ""
        if text == "in" and first == "case" and len(words) == 3:
            self._finish(frame)
            frame.cases.append(True)
        elif text == "esac" and len(words) == 1 and frame.cases:
            frame.cases.pop()
        elif (text == "{" and first == "function") or (text == "do" and first in ("for", "select")):
            self._finish(frame)

    def _finish(self, frame: _Frame, *, pipe: bool = False) -> None:
        done = frame.command
        if not pipe and not done.words and not any(done.holes):
            return
        self.commands.append(done)
        frame.command = Command(before=done if pipe else None)

    def _operator(self, frame: _Frame) -> None:
        operator = self.match(OPERATOR)
        if operator.startswith("&>"):
            self._target(frame, operator)
            self.match(BLANKS)
            if self.pos < self.end and not self.at(*"\n;&|)<>#0123456789"):
                self.lose("`&>` in the middle of a command is read differently by sh and bash")
            return
        self._finish(frame, pipe=operator in ("|", "|&"))
        if operator in (";;", ";&", ";;&") and frame.cases:
            frame.cases[-1] = True

    def _newline(self, frame: _Frame) -> None:
        words = frame.command.words
        if not (len(words) == 2 and words[0].plain and words[0].text == "case"):
            self._finish(frame)
        self.pos += 1
        pending, frame.pending = frame.pending, []
        for here in pending:
            self._body(here)

    def _comment(self, _frame: _Frame) -> None:
        line_end = self.text.find("\n", self.pos, self.end)
        self.holes_until(self.end if line_end < 0 else line_end, Form.INERT)

    def _pattern(self, frame: _Frame) -> None:
        if self.at("\n"):
            self._newline(frame)
        elif self.at("#"):
            self._comment(frame)
        else:
            self._pattern_words(frame)

    def _pattern_words(self, frame: _Frame) -> None:
        if self.at("("):
            self.pos += 1
        while not self.at(")"):
            self.match(BLANKS)
            if self.at("|"):
                self.pos += 1
                continue
            word = self.word()
            if word.plain and word.text == "esac":
                frame.cases.pop()
                frame.command.words.append(word)
                return
            self.match(BLANKS)
            if not self.at("|", ")"):
                self.lose("this `case` pattern cannot be read")
        self.pos += 1
        frame.cases[-1] = False

    def _condition(self, words: list[Word]) -> None:
        start = self.pos
        while not (words[-1].plain and words[-1].text == "]]"):
            self.match(SPACE)
            if self.pos >= self.end:
                self.lose("this `[[` is never closed", start)
            if self.at(*"();<>&|"):
                words.append(Word(self.text[self.pos]))
                self.pos += 1
            else:
                words.append(self.word())

    def _parenthesis(self, frame: _Frame) -> None:
        words = frame.command.words
        mark = len(self.holes)
        if self.at("((") and (not words or words[0].text == "for"):
            self.pos += 2
            self.arithmetic()
            words.append(Word("((", tuple(self.holes[mark:])))
        elif words and (empty := EMPTY_PARENS.match(self.text, self.pos, self.end)):
            blame(words[-1].holes, Danger.NAME)
            self.pos = empty.end()
            self._finish(frame)
        elif words:
            self.lose("this parenthesis is not expected")
        else:
            self.pos += 1
            self.commands_until(")")
            words.append(Word("(", tuple(self.holes[mark:])))

    # --- redirections and here-documents ---

    def _redirect(self, frame: _Frame) -> None:
        if self.at("<(", ">("):
            frame.command.words.append(self.process())
            return
        operator = self.match(REDIRECT)
        if operator in ("<<", "<<-"):
            self._here(frame, strip_tabs=operator == "<<-")
        else:
            self._target(frame, operator)

    def _target(self, frame: _Frame, operator: str) -> None:
        self.match(BLANKS)
        word = self.process() if self.at("<(", ">(") else self.word()
        if operator in (">&", "<&"):
            blame(word.holes, Danger.DUPLICATE)
        if operator == "<<<":
            frame.command.given.extend(word.holes)
        else:
            frame.command.targets.append(word)

    def _here(self, frame: _Frame, *, strip_tabs: bool) -> None:
        self.match(BLANKS)
        start = self.pos
        word = self.word()
        if not word.text or word.holes or DYNAMIC in word.text or "\n" in word.text:
            self.lose("this here-document needs a plain word as its end mark", start)
        here = _Here(word.text, not word.plain, strip_tabs, frame.command, start)
        frame.pending.append(here)

    def _body(self, here: _Here) -> None:
        mark = len(self.holes)
        body_end, after = self._find_end(here)
        if here.quoted:
            self.holes_until(body_end, Form.QUOTED, Danger.QUOTED_HERE)
        else:
            end, self.end = self.end, body_end
            self.quoted("")
            self.end = end
        here.command.given.extend(self.holes[mark:])
        self.pos = after

    def _find_end(self, here: _Here) -> tuple[int, int]:
        tabs = "\t*" if here.strip_tabs else ""
        mark = re.compile(f"^{tabs}{re.escape(here.delimiter)}(?:\n|\\Z)", re.MULTILINE)
        found = mark.search(self.text, self.pos, self.end)
        if found is None:
            self.lose(f"this here-document never ends with `{here.delimiter}`", here.position)
        joined = self.text.endswith("\\\n", self.pos, found.start())
        if joined and not here.quoted:
            self.lose("a backslash joins the end mark to the line before it", here.position)
        return found.start(), found.end()


_STARTS: Mapping[str, Callable[[_Reader, _Frame], None]] = {
    "#": _Reader._comment,
    "\n": _Reader._newline,
    "(": _Reader._parenthesis,
    "<": _Reader._redirect,
    ">": _Reader._redirect,
    **dict.fromkeys(";&|", _Reader._operator),
}
