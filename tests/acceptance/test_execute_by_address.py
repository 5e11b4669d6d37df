"""Requests written into an address: every rule of kvp-execute, and who may send them."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from tests.acceptance.echoing import links

from openccp.testing.platform import RunningPlatform, User, bash_method

KVP = "1/2.0/kvp-execute/"
METHOD = bash_method(
    "by-address",
    "cp /ccp_in/inputs.json all",
    inputs={
        "word": {"schema": {"type": "string"}, "minOccurs": 0},
        "count": {"schema": {"type": "number"}, "minOccurs": 0},
        "flag": {"schema": {"type": "boolean"}, "minOccurs": 0},
        "list": {"schema": {"type": "array", "items": {"type": "integer"}}, "minOccurs": 0},
        "things": {"schema": {"type": "object"}, "minOccurs": 0},
        "box": {"schema": {"format": "ogc-bbox"}, "minOccurs": 0},
        "blob": {"schema": {"type": "string", "contentEncoding": "base64"}, "minOccurs": 0},
        "many": {"schema": {"type": "string"}, "minOccurs": 0, "maxOccurs": 5},
        "objects": {"schema": {"type": "object"}, "minOccurs": 0, "maxOccurs": 5},
        "key": {"schema": {"type": "string", "format": "secret"}, "minOccurs": 0},
    },
    outputs={"all": {"schema": {"type": "object"}}, "stdout": {"schema": {"type": "string"}}},
    jobControlOptions=["sync-execute", "async-execute", "dismiss"],
)
ADDRESS = "/processes/by-address/execution"
STAGED = {"href": "/ccp_in/blob"}
ECHO = "/processes/echo/execution"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"


@pytest.fixture(scope="session")
def user(platform: RunningPlatform) -> Iterator[User]:
    made = platform.user("addressee")
    assert made.deploy(METHOD).status_code == 201
    yield made
    made.close()


@pytest.fixture(scope="session")
def session(platform: RunningPlatform) -> str:
    """The cookie of a browser that has signed in."""
    address = re.findall(r"http\S+secret=\S+", platform.command("login"))[0]
    page = {"Sec-Fetch-Site": "same-origin"}
    form = {"secret": address.partition("secret=")[2]}
    answer = httpx2.post(f"{platform.url}/sign-in", data=form, headers=page, trust_env=False)
    return answer.headers["set-cookie"].partition("=")[2].partition(";")[0]


def received(user: User, **parameters: str) -> dict[str, Any]:
    """The inputs that the method was given."""
    answer = user.http.get(ADDRESS, params={**parameters, "all[include]": "true"})
    assert answer.status_code == 200, answer.text
    given: dict[str, Any] = answer.json()
    return given


@pytest.mark.requirement(KVP + "process-execute-op")
@pytest.mark.requirement(KVP + "input-query-parameters")
@pytest.mark.requirement(KVP + "input-query-parameter-values")
@pytest.mark.requirement(KVP + "string-input-value")
@pytest.mark.requirement(KVP + "numeric-input-value")
@pytest.mark.requirement(KVP + "boolean-input-value")
@pytest.mark.requirement(KVP + "array-input-value")
@pytest.mark.requirement(KVP + "complex-input-value")
@pytest.mark.requirement(KVP + "bbox-input-value")
@pytest.mark.requirement(KVP + "bbox-crs-input-value")
@pytest.mark.requirement(KVP + "binary-input-value")
@pytest.mark.requirement(KVP + "binary-input-value-qualified")
@pytest.mark.requirement(KVP + "input-cardinality")
@pytest.mark.parametrize(
    ("name", "parameters", "value"),
    [
        ("word", {"word": "a b&c=d"}, "a b&c=d"),
        ("word", {"WORD": "loud"}, "loud"),
        ("word", {"Word[value]": "x", "wORD[mediaType]": "text/plain"}, "x"),
        ("count", {"count": "2.5"}, 2.5),
        ("flag", {"flag": "true"}, True),
        ("list", {"list": "[1,2]"}, [1, 2]),
        ("list", {"list": "1,2"}, [1, 2]),
        ("things", {"things": '{"a": {"b": 1}}'}, {"a": {"b": 1}}),
        ("things", {"things[value]": '{"a": 1}'}, {"a": 1}),
        ("box", {"box": "1,2,3,4.5"}, {"bbox": [1, 2, 3, 4.5]}),
        ("box", {"box": "1,2,3,4", "box[crs]": CRS84}, {"bbox": [1, 2, 3, 4], "crs": CRS84}),
        ("blob", {"blob": "aGk="}, STAGED),
        ("blob", {"blob[value]": "aGk=", "blob[encoding]": "base64"}, STAGED),
        ("many", {"many": "a,b"}, ["a", "b"]),
        ("objects", {"objects": '{"a":1},{"b":2}'}, [{"a": 1}, {"b": 2}]),
    ],
)
def test_every_kind_of_input(
    user: User, name: str, parameters: dict[str, str], value: object
) -> None:
    assert received(user, **parameters)[name] == value


@pytest.mark.requirement(KVP + "input-by-reference")
@pytest.mark.parametrize(
    "parameters",
    [
        {"word[href]": "http://127.0.0.1:1/inside", "word[type]": "text/plain"},
        {"many": json.dumps({"href": "http://127.0.0.1:1/inside"})},
    ],
)
def test_a_reference_is_fetched_as_in_a_body(user: User, parameters: dict[str, str]) -> None:
    answer = user.http.get(ADDRESS, params=parameters)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"].startswith("/inputs/")


@pytest.mark.requirement(KVP + "input-by-reference")
def test_a_reference_to_a_result_of_ones_own(user: User) -> None:
    made = user.http.post(ADDRESS, json={"inputs": {"word": "kept"}})
    source = links(made)["monitor"] + "/results/all"
    answer = user.http.get(ADDRESS, params={"things[href]": source, "all[include]": "true"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["things"]["word"] == "kept"


@pytest.mark.requirement(KVP + "output")
@pytest.mark.requirement(KVP + "f-definition")
@pytest.mark.requirement(KVP + "f-response")
def test_outputs_and_their_form(user: User) -> None:
    given = {"message": "hello", "numbers": "[1,2]"}
    one = user.http.get(ECHO, params={**given, "message[include]": "true"})
    assert (one.text, one.headers["cache-control"]) == ("hello", "no-store")
    everything = user.http.get(ECHO, params=given)
    assert everything.json()["numbers"] == [1, 2]
    assert len(everything.json()) == 6
    fewer = user.http.get(ECHO, params={**given, "area[include]": "false"}).json()
    assert "area" not in fewer
    in_json = user.http.get(
        ECHO, params={**given, "message[include]": "true", "response[f]": "application/json"}
    )
    assert in_json.json() == "hello"
    related = user.http.get(ECHO, params={**given, "response[f]": "multipart/related"})
    assert related.headers["content-type"].startswith("multipart/related")
    assert user.http.get(ECHO, params={**given, "response[f]": "image/png"}).status_code == 406


@pytest.mark.requirement(KVP + "prefer-definition")
@pytest.mark.requirement(KVP + "prefer-response")
def test_a_preference(user: User) -> None:
    answer = user.http.get(ECHO, params={"message": "x", "response[prefer]": "respond-async"})
    assert answer.status_code == 201
    assert answer.headers["preference-applied"] == "respond-async"
    assert user.wait(answer.json()["jobID"])["status"] == "successful"


@pytest.mark.parametrize(
    "parameters",
    [
        {"unknown": "1"},
        {"word[": "1"},
        {"word[a]b": "1"},
        {"count": "many"},
        {"list": "[1"},
        {"things": "{"},
        {"box": "1,2,x"},
        {"all": "1"},
        {"all[include]": "perhaps"},
        {"response": "collection"},
        {"response[x]": "1"},
        {"key": "hunter2"},
        {"key[value]": "hunter2"},
        {"ccpreplicas": "9"},
    ],
)
def test_what_cannot_be_said(user: User, parameters: dict[str, str]) -> None:
    answer = user.http.get(ADDRESS, params=parameters)
    assert answer.status_code == 400, answer.text
    assert answer.json()["type"].endswith("invalid-query-parameter-value")
    assert "hunter2" not in answer.text


def test_looking_makes_no_job(user: User) -> None:
    before = user.http.get("/jobs?limit=1").json()["jobs"][:1]
    answer = user.http.head(ECHO, params={"message": "x", "response[prefer]": "respond-async"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, OPTIONS, POST")
    assert user.http.get("/jobs?limit=1").json()["jobs"][:1] == before


@pytest.mark.parametrize(
    ("site", "allowed"),
    [
        ("same-origin", True),
        ("none", False),
        ("same-site", False),
        ("cross-site", False),
        ("", False),
    ],
)
def test_a_session_counts_on_own_pages_only(
    platform: RunningPlatform, session: str, site: str, allowed: bool
) -> None:
    headers = {"Cookie": f"ccp-session={session}"} | ({"Sec-Fetch-Site": site} if site else {})
    answer = httpx2.get(
        platform.url + ECHO, params={"message": "x"}, headers=headers, trust_env=False
    )
    assert answer.status_code == (200 if allowed else 403), answer.text


@pytest.mark.parametrize(
    "followed",
    [{"Sec-Fetch-Dest": "document"}, {"Sec-Fetch-Dest": "image"}, {"Sec-Purpose": "prefetch"}],
)
def test_an_authors_link_on_our_own_page_executes_nothing(
    platform: RunningPlatform, session: str, followed: dict[str, str]
) -> None:
    headers = {"Cookie": f"ccp-session={session}", "Sec-Fetch-Site": "same-origin", **followed}
    answer = httpx2.get(
        platform.url + ECHO, params={"message": "x"}, headers=headers, trust_env=False
    )
    assert answer.status_code == 403
