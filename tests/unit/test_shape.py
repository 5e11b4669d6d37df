"""The size guide and the naming rules of the project (docs/architecture.md), checked."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
TESTS = sorted(p for folder in ("tests", "benchmarks") for p in (ROOT / folder).rglob("*.py"))
FILE, TEST_FILE, FUNCTION, ROUTE = 400, 600, 60, 20
BANNED = {"manager", "handler", "helper", "utils", "base", "data", "info", "misc", "common"}
WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", SOURCES + TESTS, ids=named)
def test_files_are_short(path: Path) -> None:
    limit = FILE if path in SOURCES else TEST_FILE
    assert len(path.read_text().splitlines()) <= limit


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_functions_are_short_and_routes_shorter(path: Path) -> None:
    for node in functions(path):
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        route = path.parent.name == "api" and "request" in {a.arg for a in node.args.args}
        assert lines <= (ROUTE if route else FUNCTION), f"{node.name}: {lines} lines"


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_names_say_what_a_thing_is(path: Path) -> None:
    classes = [n.name for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ClassDef)]
    for name in (path.stem, *classes):
        words = {word.lower() for word in WORDS.findall(name.replace("_", " "))}
        assert not words & BANNED, name


def test_every_exception_is_caught_by_name_but_at_two_boundaries() -> None:
    broad = {
        named(path)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and isinstance(node.type, ast.Name)
        and node.type.id in ("Exception", "BaseException")
    }
    assert broad <= {"src/openccp/app/reconcile.py", "src/openccp/web/front.py"}, broad
