"""The catalogue: what a person who looks for a method sees, and what programs get of it."""

from typing import Any

import pytest

from openccp.testing.platform import User, bash_method

PAGE = {"Accept": "text/html"}


def found(user: User, **asked: str) -> dict[str, Any]:
    answer = user.http.get("/processes", params=asked)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def test_a_method_is_found_in_spite_of_a_typo(user: User) -> None:
    document = found(user, q="penguns")
    assert document["processes"][0]["id"] == "csv-summary"
    assert document["numberMatched"] == document["numberReturned"] >= 1
    assert "local" in document["x-ccp-facets"]["infrastructure"]
    page = user.http.get("/processes", params={"q": "penguns"}, headers=PAGE).text
    assert "Summary of a table" in page
    assert "/processes/csv-summary/form" in page


def test_filters_and_pages(user: User) -> None:
    for number in range(3):
        user.deploy(bash_method(f"shelf-{number}", "true") | {"keywords": ["shelved"]})
    document = found(user, keyword="shelved", sort="title", limit="2")
    assert (document["numberMatched"], document["numberReturned"]) == (3, 2)
    [following] = [one["href"] for one in document["links"] if one["rel"] == "next"]
    rest = user.http.get(following).json()
    assert [one["id"] for one in rest["processes"]] == ["shelf-2"]
    assert found(user, keyword="shelved", infrastructure="nowhere")["processes"] == []


@pytest.mark.parametrize(
    "wrong",
    [{"sort": "size"}, {"page": "0"}, {"page": "x"}, {"q": "x" * 201}, {"q": "a", "after": "b"}],
)
def test_what_is_asked_wrongly_is_refused(user: User, wrong: dict[str, str]) -> None:
    assert user.http.get("/processes", params=wrong).status_code == 400


def test_a_page_of_the_plain_list_has_its_page(user: User) -> None:
    plain = user.http.get("/processes", params={"limit": "1"}).json()
    [following] = [one["href"] for one in plain["links"] if one["rel"] == "next"]
    assert user.http.get(following, headers=PAGE).status_code == 200
