"""Read the documentation: its pages, their fenced blocks, and the commands they name."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
FENCE = re.compile(r"```(\w*)\s*$")
NOT_RUN = re.compile(r"<!-- not run: .+ -->")
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
COMMAND = re.compile(r"(?:^|[\s(|])(?:\.venv/bin/)?ccp((?: +[^|>)`]+)?)")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block. `shown` is the text block that follows: what its output looks like."""

    page: Path
    line: int
    language: str
    text: str
    runs: bool = True
    shown: list[str] = field(default_factory=list)

    @property
    def place(self) -> str:
        """Where it stands, for a person."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page; a `not run` comment speaks of the block after it."""
    found: list[Block] = []
    runs, start, language, lines = True, 0, "", list[str]()
    for number, line in enumerate(page.read_text().splitlines(), 1):
        fence = FENCE.match(line)
        if start and line.strip() == "```":
            _keep(found, Block(page, start, language, "\n".join(lines) + "\n", runs))
            runs, start, lines = True, 0, []
        elif start:
            lines.append(line)
        elif fence:
            start, language = number, fence[1]
        elif NOT_RUN.match(line):
            runs = False
    assert not start, f"{page.name}:{start}: the block has no end"
    return found


def _keep(found: list[Block], block: Block) -> None:
    if block.language == "text" and found:
        found[-1].shown.extend(block.text.splitlines())
    else:
        found.append(block)


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def commands(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Every `ccp ...` of a page with its words: in blocks, indented lines and inline code."""
    texts = [text for text in INLINE.findall(prose(page)) if COMMAND.match(text)]
    texts += [line for line in prose(page).splitlines() if line.startswith("    ")]
    for block in blocks(page):
        if block.language in ("sh", "") and block.page.name != "benchmarks.md":
            texts += block.text.replace("\\\n", " ").splitlines()
    for text in texts:
        for found in COMMAND.finditer(text.partition(" #")[0]):
            yield found[0].strip(" (|"), _words(found[1])


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()
