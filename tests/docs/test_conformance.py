"""The tests' marks name requirements of the standard."""

from docs.write_conformance import classes, marked


def test_every_mark_names_a_requirement() -> None:
    known = {one.key(name) for one in classes() for name in one.requirements}
    assert {key: tests for key, tests in marked().items() if key not in known} == {}
