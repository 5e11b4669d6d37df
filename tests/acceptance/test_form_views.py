"""The form's other views, as a browser without script uses them, and its check before sending."""

import json
import random
from collections.abc import Iterator
from html import unescape
from typing import Any

import httpx2
import pytest
from tests.acceptance.test_form import hidden

from openccp.testing.platform import RunningPlatform, User, bash_method

FORM = "/processes/viewed/form"
METHOD = bash_method(
    "viewed",
    "printf '%s %s' {{name}} {{n}} >said.txt; echo x >more.txt",
    inputs={
        "name": {"title": "Your name", "schema": {"type": "string", "maxLength": 20}},
        "n": {"schema": {"type": "integer", "minimum": 1, "maximum": 5}},
        "day": {"minOccurs": 0, "schema": {"type": "string", "format": "date"}},
        "many": {"minOccurs": 0, "maxOccurs": 3, "schema": {"type": "number"}},
        "key": {"minOccurs": 0, "schema": {"type": "string", "format": "secret"}},
    },
    outputs={
        "said": {"schema": {"type": "string"}, "x-ccp-path": "said.txt"},
        "more": {"schema": {"type": "string"}, "x-ccp-path": "more.txt"},
    },
)


@pytest.fixture(scope="session")
def viewer(platform: RunningPlatform) -> Iterator[User]:
    made = platform.user("viewer")
    assert made.deploy(METHOD).status_code == 201
    yield made
    made.close()


def send(user: User, do: str, values: dict[str, Any], files: Any = None) -> httpx2.Response:
    files = files or {"nothing": ("", b"")}
    data = {"do": do, **values}
    return user.http.post(FORM, data=data, files=files, follow_redirects=False)


def text_in(answer: httpx2.Response) -> str:
    """What stands in the large field of a text view."""
    assert answer.status_code == 200, answer.text
    return unescape(answer.text.partition('name="text"')[2].partition(">\n")[2].partition("</")[0])


def test_one_request_goes_through_all_views_and_runs(viewer: User) -> None:
    first = {"value:name": "Ada <b>", "value:n": "2", "value:many": "1.5\n2", "output:said": "yes"}
    text = text_in(send(viewer, "json", first | {"secret:key": "sesame", "output:": ""}))
    request = json.loads(text)
    inputs = {"name": "Ada <b>", "n": 2, "many": [1.5, 2]}
    assert request == {"inputs": inputs, "outputs": {"said": {}}}
    text = text.replace('"outputs"', '"response": "document", "outputs"')
    as_yaml = text_in(send(viewer, "yaml", {"as": "json", "text": text}))
    assert 'name: "Ada <b>"' in as_yaml
    page = send(viewer, "form", {"as": "yaml", "text": as_yaml}).text
    kept = hidden(page)
    assert json.loads(kept["rest"]) == {"response": "document"}
    assert 'value="Ada &lt;b&gt;"' in page
    back = json.loads(text_in(send(viewer, "json", {**first, "rest": kept["rest"]})))
    assert back == {"inputs": inputs, "outputs": {"said": {}}, "response": "document"}
    ran = send(viewer, "run", {"as": "yaml", "text": as_yaml, "secret:key": "sesame"})
    assert ran.status_code == 303
    job = ran.headers["location"].rpartition("/")[2]
    assert viewer.wait(job)["status"] == "successful"
    results = viewer.http.get(f"/jobs/{job}/results").json()
    assert results == {"said": "Ada <b> 2"}
    again = viewer.http.get(FORM, params={"job": job, "view": "json"})
    assert json.loads(text_in(again))["outputs"] == {"said": {}}
    assert "sesame" not in again.text


def test_what_is_wrong_with_a_text_is_said_and_the_text_stays(viewer: User) -> None:
    wrong = send(viewer, "run", {"as": "yaml", "text": "inputs: [ # mine"})
    assert wrong.status_code == 400
    assert "# mine" in wrong.text
    wrong = send(viewer, "run", {"as": "yaml", "text": "# mine\ninputs: {name: Ada, n: 9}"})
    assert "# mine" in wrong.text
    secret = send(viewer, "run", {"as": "json", "text": '{"inputs": {"n": 9, "key": "sesame"}}'})
    assert (secret.status_code, "sesame" in secret.text) == (400, False)


def test_values_are_loaded_from_a_file(viewer: User) -> None:
    file = {"parameters": ("a.yaml", b"name: Grace\nn: 3\n")}
    page = send(viewer, "load", {"value:name": "Ada"}, file).text
    assert 'value="Grace"' in page
    bad = send(viewer, "load", {"value:name": "Ada"}, {"parameters": ("a.yaml", b"[1]")})
    assert bad.status_code == 400
    assert 'value="Ada"' in bad.text, "nothing that was written is lost"


def test_the_place_to_run_and_a_view_can_be_asked_for(viewer: User) -> None:
    assert "This machine" in viewer.http.get(FORM).text
    assert text_in(viewer.http.get(FORM, params={"view": "yaml"})).strip() == "inputs: {}"
    assert viewer.http.get(FORM, params={"view": "xml"}).status_code == 400


WORDS = {
    "name": ["Ada", "0", "", "x" * 21],
    "n": ["1", "5", "6", "0", "2.5", "many", ""],
    "day": ["", "2026-01-31", "2026-02-30", "today"],
    "many": ["", "1", "1.5\n2", "1\n2\n3\n4", "1\nmany"],
}


def test_the_check_finds_what_the_execution_finds(viewer: User) -> None:
    """Whatever is written: the same pointers, the same words, and pass where that passes."""
    chance, refused = random.Random(5), 0
    for _ in range(60):
        values = {f"value:{name}": chance.choice(words) for name, words in WORDS.items()}
        body = json.loads(text_in(send(viewer, "json", values)))
        checked = send(viewer, "check", values)
        body["inputs"]["ccpimage"] = "no-such-runtime"  # so that nothing is run
        executed = viewer.http.post("/processes/viewed/execution", json=body)
        found = executed.json()["errors"]
        wrong = [one for one in found if "ccpimage" not in one["pointer"]]
        assert checked.status_code == (400 if wrong else 204)
        if wrong:
            refused += 1
            assert checked.json()["errors"] == wrong
    assert 10 < refused < 60


def test_what_would_hold_up_everybody_is_refused(user: User) -> None:
    form = "/processes/echo/form"
    large = json.dumps({"inputs": {"x": [0] * 200_000}})
    sent = {"as": (None, "json"), "do": (None, "yaml"), "text": (None, large)}
    assert user.http.post(form, files=sent).status_code == 413
    many = b"&" * (65 << 10)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert user.http.post(form, content=many, headers=kind).status_code == 413
