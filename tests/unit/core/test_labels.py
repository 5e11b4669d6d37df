"""Tags as they are kept."""

import pytest

from openccp.core.labels import MOST_TAGS, checked_tags
from openccp.core.problems import InvalidRequest


def test_too_many_tags_are_refused_before_they_are_sorted() -> None:
    assert checked_tags(["a"] * MOST_TAGS) == ("a",)
    with pytest.raises(InvalidRequest):
        checked_tags(["a"] * (MOST_TAGS + 1))
