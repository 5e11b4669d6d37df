"""Programs in the languages that cannot be executed here are parsed, whatever values they hold."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import tree_sitter_julia
import tree_sitter_powershell
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.codegen.test_literals import ANY
from tree_sitter import Language as Grammar
from tree_sitter import Node, Parser

from openccp.codegen.generate import generate
from openccp.codegen.languages import LANGUAGES, PARSED
from openccp.codegen.literals import powershell
from openccp.codegen.program import LocalFile, Program, Secret

PARSERS = {
    "julia": Parser(Grammar(tree_sitter_julia.language())),
    "powershell": Parser(Grammar(tree_sitter_powershell.language())),
}
PATHS = st.text(min_size=1).filter(str.isprintable) | st.text(
    "'\"`$\\(){}\u2018\u2019\u201a\u201b #\u0111", min_size=1
)
LITERAL = re.compile("string|here_string|content|escape")


def nodes(node: Node) -> Iterator[str]:
    """What a program is made of, but for what is within its literals."""
    yield node.type
    for child in [] if LITERAL.search(node.type) else node.children:
        yield from nodes(child)


def parsed(language: str, body: Mapping[str, Any], process: str = "x") -> list[str]:
    program = generate(LANGUAGES[language], Program("https://ccp.example", process, body))
    root = PARSERS[language].parse(program.encode()).root_node
    assert not root.has_error, program
    return list(nodes(root))


def test_every_language_that_is_said_to_be_parsed_is() -> None:
    assert set(PARSERS) == {one.id for one in LANGUAGES.values() if one.tested == PARSED}


@pytest.mark.parametrize("language", PARSERS)
@settings(max_examples=50)
@given(text=ANY, name=ANY, process=ANY)
def test_no_value_changes_what_a_program_is(
    language: str, text: str, name: str, process: str
) -> None:
    bodies = ({"inputs": {n: v, "key": Secret("KEY")}} for n, v in ((name, text), ("x", "x")))
    one, two = (parsed(language, body, process) for body in bodies)
    assert one == two


@settings(max_examples=50)
@given(path=PATHS)
def test_no_path_changes_what_a_program_in_julia_is(path: str) -> None:
    one, two = (parsed("julia", {"doc": LocalFile(value)}) for value in (path, "x"))
    assert one == two


@settings(max_examples=50)
@given(path=PATHS)
def test_a_path_in_powershell_is_a_text_or_a_list_of_numbers(path: str) -> None:
    """Numbers, since its programs may be read in another encoding, and quotes there are five."""
    written = powershell(path)
    assert re.fullmatch(r"'([ -&(-~]|'')*'|\(-join \[char\[\]\]\(\d+(, \d+)*\)\)", written)
    parsed("powershell", {"doc": LocalFile(path)})
