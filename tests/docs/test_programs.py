"""The page on programs lists the languages that are offered, and what our tests do with them."""

from docs.write_code import PAGE, page
from tests.acceptance.programs import RUN, WRAPPERS

from openccp.codegen.languages import EXECUTED, LANGUAGES


def test_the_table_is_that_of_the_languages() -> None:
    assert PAGE.read_text() == page(), "run python -m docs.write_code"


def test_every_language_that_is_said_to_be_executed_is() -> None:
    said = {one.id for one in LANGUAGES.values() if one.tested == EXECUTED}
    assert {*RUN, *WRAPPERS} == said
