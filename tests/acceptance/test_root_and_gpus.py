"""A method that needs what no place gives is refused at once, saying what that is."""

from typing import Any

import pytest

from openccp.testing.platform import User, bash_method


@pytest.mark.parametrize(
    ("member", "value", "words"),
    [("x-ccp-root", True, "needs to be root"), ("x-ccp-gpus", 2, "needs 2 GPUs")],
)
def test_what_no_place_gives_is_refused_at_once(
    user: User, member: str, value: Any, words: str
) -> None:
    name = f"wants-{member}"
    assert user.deploy({**bash_method(name, "true"), member: value}).status_code == 201
    assert user.http.get(f"/processes/{name}").json()[member] == value
    refused = user.http.post(f"/processes/{name}/execution", json={"inputs": {}})
    assert 400 <= refused.status_code < 500
    assert words in refused.text


@pytest.mark.parametrize(("member", "value"), [("x-ccp-root", "yes"), ("x-ccp-gpus", -1)])
def test_a_need_that_makes_no_sense_is_no_method(user: User, member: str, value: Any) -> None:
    refused = user.deploy({**bash_method("senseless", "true"), member: value})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == f"/{member}"
