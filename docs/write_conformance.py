"""Writes docs/conformance.md from the tests' marks: python -m docs.write_conformance.

A test that shows a requirement of the standard says so by
`@pytest.mark.requirement("1/1.0/core/http")`: part, version, class and name, as listed in
docs/requirements.toml.
"""

import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from docs.told_marks import TOLD

DOCS = Path(__file__).parent
ROOT = DOCS.parent
PAGE = DOCS / "conformance.md"
TITLES = {
    ("1", "1.0"): "Part 1, version 1.0 (18-062r2)",
    ("1", "2.0"): "Part 1, version 2.0, draft (18-062r3)",
    ("2", "1.0"): "Part 2: Deploy, Replace, Undeploy, draft (20-044)",
    ("4", "1.0"): "Part 4: Job Management, draft (24-051)",
}
NOT_DECLARED = frozenset(
    {"http://www.opengis.net/spec/ogcapi-processes-4/1.0/conf/ogcapi-processes"}
)
"""Met as far as its own requirements go, but its schema promises nested processes too."""
HEAD = """# Conformance

Written from the tests by `docs/write_conformance.py`: a class is met when each of its requirements
has a test that carries its name. The service declares the classes that are met at `/conformance`,
all but Part 4's ogcapi-processes: its schema promises nested processes too.

- The official executable suites run from `tests/acceptance/test_official_suites.py` where the Maven
  registry has them.
- Not built: Part 1's collection-input, remote-collections, local-filtering and collection-output
  (optional, 2.0); Part 3; Part 4's openeo.
"""


@dataclass(frozen=True, slots=True)
class Class:
    """A requirements class of the standard."""

    part: str
    version: str
    name: str
    requirements: tuple[str, ...]

    @property
    def uri(self) -> str:
        """What `/conformance` says when it is met."""
        base = f"http://www.opengis.net/spec/ogcapi-processes-{self.part}/{self.version}"
        return f"{base}/conf/{self.name}"

    def key(self, requirement: str) -> str:
        """What the tests say."""
        return f"{self.part}/{self.version}/{self.name}/{requirement}"

    def missing(self, tests: Mapping[str, Sequence[str]]) -> list[str]:
        """The requirements that no test shows."""
        return [self.key(name) for name in self.requirements if self.key(name) not in tests]


def classes() -> list[Class]:
    """All classes, as listed."""
    listed = tomllib.loads((DOCS / "requirements.toml").read_text())["class"]
    return [
        Class(one["part"], one["version"], one["name"], tuple(one["requirements"]))
        for one in listed
    ]


@cache
def marked() -> Mapping[str, Sequence[str]]:
    """Requirement -> the tests that show it, as `file::test`: pytest collects them and says."""
    found: dict[str, list[str]] = defaultdict(list)
    command = [sys.executable, "-m", "pytest", "--collect-only", "-p", "docs.told_marks", "tests"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        if line.startswith(TOLD):
            requirement, _, test = line.removeprefix(TOLD).partition(" ")
            found[requirement].append(test)
    return found


def page() -> str:
    """The whole page."""
    tests, parts = marked(), [HEAD]
    for (part, version), title in TITLES.items():
        own = [one for one in classes() if (one.part, one.version) == (part, version)]
        parts += [f"\n## {title}\n", "| class | requirements | shown | met |", "|---|---|---|---|"]
        for one in own:
            shown = len(one.requirements) - len(one.missing(tests))
            met = "yes" if shown == len(one.requirements) else "no"
            parts.append(f"| `{one.name}` | {len(one.requirements)} | {shown} | {met} |")
        for one in own:
            parts += [f"\n### {one.name}\n", "| requirement | shown by |", "|---|---|"]
            parts += [_row(name, tests.get(one.key(name), ())) for name in one.requirements]
    return "\n".join(parts) + "\n"


def _row(name: str, tests: Sequence[str]) -> str:
    shown = ", ".join(f"`{test.removeprefix('tests/')}`" for test in dict.fromkeys(tests))
    return f"| {name} | {shown} |"


if __name__ == "__main__":
    PAGE.write_text(page())
