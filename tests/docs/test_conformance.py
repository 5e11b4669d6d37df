"""What is said to be met is shown by tests, and what is declared is what is met."""

from docs.write_conformance import NOT_DECLARED, PAGE, classes, marked, page

from openccp.web.conformance import CONFORMANCE


def test_the_page_is_as_the_tests_are() -> None:
    assert PAGE.read_text() == page(), "run python -m docs.write_conformance"


def test_every_mark_names_a_requirement() -> None:
    known = {one.key(name) for one in classes() for name in one.requirements}
    assert {key: tests for key, tests in marked().items() if key not in known} == {}


def test_every_requirement_is_shown() -> None:
    tests = marked()
    assert [key for one in classes() for key in one.missing(tests)] == []


def test_what_is_met_is_declared() -> None:
    assert set(CONFORMANCE) == {one.uri for one in classes()} - NOT_DECLARED
