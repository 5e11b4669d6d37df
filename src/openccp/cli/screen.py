"""What a watched job looks like: a bar below its log on a terminal, plain lines in a pipe."""

import shutil
import sys
import threading
from types import TracebackType
from typing import Self, TextIO

from openccp.cli.output import one_line, say, write
from openccp.client import LogText
from openccp.client.card import JobCard

CLEAR_LINE = "\r\x1b[K"
BAR_WIDTH = 20
LONGEST_HELD = 8192


class Lines:
    """Puts the pieces of a log together to whole lines, each stream for itself."""

    def __init__(self) -> None:
        self._held: dict[tuple[int, str], str] = {}

    def take(self, piece: LogText) -> str:
        """The lines that are whole now (with their ends), marked by replica other than 0."""
        key = (piece.replica, piece.stream)
        text = self._held.pop(key, "") + piece.text
        whole, end, rest = text.rpartition("\n")
        if len(rest) > LONGEST_HELD:
            whole, end, rest = text, "\n", ""
        if rest:
            self._held[key] = rest
        return _marked(piece.replica, whole + end)

    def rest(self) -> list[tuple[str, str]]:
        """Streams and what they wrote without an end of line."""
        left = [(s, _marked(replica, text + "\n")) for (replica, s), text in self._held.items()]
        self._held.clear()
        return left


def _marked(replica: int, text: str) -> str:
    if not replica:
        return text
    return "".join(f"[{replica}] {line}" for line in text.splitlines(keepends=True))


def written_to(stream: str) -> TextIO:
    """Where a stream of the job comes out here."""
    return sys.stderr if stream == "stderr" else sys.stdout


class Screen:
    """Shows a log and how the job stands; the two may come from different threads."""

    def __init__(self, *, log_to_stderr: bool = False) -> None:
        self._lock = threading.Lock()
        self._lines = Lines()
        self._log_to_stderr = log_to_stderr
        self._live = sys.stderr.isatty()
        self._bar = ""
        self._said = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for stream, text in self._lines.rest():
            self._write(stream, text)
        with self._lock:
            self._wipe()
            self._bar = ""

    def log(self, piece: LogText) -> None:
        """Show what the job wrote."""
        if text := self._lines.take(piece):
            self._write(piece.stream, text)

    def state(self, job: JobCard) -> None:
        """Show how the job stands."""
        with self._lock:
            if self._live:
                self._wipe()
                self._bar = bar(job, shutil.get_terminal_size().columns)
                self._draw()
            elif (line := summary(job)) != self._said:
                self._said = line
                say(line)

    def _write(self, stream: str, text: str) -> None:
        with self._lock:
            self._wipe()
            write(text, sys.stderr if self._log_to_stderr else written_to(stream))
            self._draw()

    def _wipe(self) -> None:
        if self._live and self._bar:
            sys.stderr.write(CLEAR_LINE)
            sys.stderr.flush()

    def _draw(self) -> None:
        if self._live and self._bar:
            sys.stderr.write(self._bar)
            sys.stderr.flush()


def bar(job: JobCard, columns: int) -> str:
    """One line that fits the terminal."""
    filled = BAR_WIDTH * min(max(job.progress or 0, 0), 100) // 100
    line = f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {summary(job)}"
    line = line.encode(sys.stderr.encoding or "ascii", "replace").decode(sys.stderr.encoding)
    return line[: max(columns - 1, 1)]


def summary(job: JobCard) -> str:
    """The status, with percent and message where there are any."""
    percent = "" if job.progress is None else f" {job.progress}%"
    message = one_line(job.message)
    return f"{job.status}{percent}" + (f": {message}" if message not in ("", job.status) else "")
