"""How long a list may be."""

import pytest
from starlette.requests import Request

from openccp.core.problems import InvalidQueryParameter
from openccp.web.negotiate import LARGEST_LIMIT, LARGEST_PAGE, limit


def asked(query: str, accept: str = "*/*") -> int:
    scope = {"type": "http", "query_string": query.encode(), "headers": []}
    scope["headers"] = [(b"accept", accept.encode())]
    return limit(Request(scope))


def test_larger_limits_are_cut_and_those_of_pages_more() -> None:
    assert asked("") == 10
    assert asked("limit=200", "text/html") == 200
    assert asked("limit=1000000") == LARGEST_LIMIT
    assert asked("limit=1000000", "text/html") == LARGEST_PAGE
    assert asked("limit=1000000&f=html") == LARGEST_PAGE
    assert asked("limit=1000000&f=json", "text/html") == LARGEST_LIMIT


@pytest.mark.parametrize("text", ["0", "-1", "x", "1.5", "", "٣", "9" * 19])
def test_what_is_no_limit(text: str) -> None:
    with pytest.raises(InvalidQueryParameter):
        asked(f"limit={text}")
