"""A pytest plugin that says which collected test shows which requirement of the standard."""

import pytest

TOLD = "requirement: "


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One line a mark: the requirement and the test, without its parameters."""
    lines = {
        f"{TOLD}{mark.args[0]} {item.nodeid.partition('[')[0]}": None
        for item in items
        for mark in item.iter_markers("requirement")
    }
    print("\n", *lines, sep="\n")  # noqa: T201
