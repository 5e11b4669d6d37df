"""The editor of methods by its form: check, look, try, publish; nothing that was typed is lost."""

import json
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest
from tests.acceptance.pages import Page

from openccp.testing.platform import RunningPlatform, User, bash_method
from openccp.web.editor.draft import NEW
from openccp.web.editor.form import shown

HELLO = {"id": "greeter", "title": "Greets", "execute-script": "echo Hello {{name}}"}


def send(
    user: User, do: str, texts: Mapping[str, str], base: Any = NEW, to: str = "/editor", **more: str
) -> httpx2.Response:
    fields = {"as": "form", "base": json.dumps(base), "do": do, **shown(base), **texts, **more}
    return user.http.post(to, data=fields, headers={"Accept": "text/html"})


def test_a_method_is_made_checked_and_published(user: User) -> None:
    page = Page(user.http.get("/editor", headers={"Accept": "text/html"}).text)
    assert not page.faults
    assert "built-in" not in page.all
    checked = send(user, "check", HELLO)
    assert checked.status_code == 200
    assert "it is right" in checked.text
    assert user.http.get("/processes/greeter").status_code == 404
    made = send(user, "publish", HELLO)
    assert made.headers["location"] == "/processes/greeter"
    ended = user.finish("greeter", {"name": "Bob"})
    assert user.http.get(f"/jobs/{ended['jobID']}/results").text == "Hello Bob\n"
    assert send(user, "publish", HELLO).status_code == 409


def test_what_is_wrong_is_said_and_kept(user: User) -> None:
    wrong = HELLO | {"execute-script": "sh -c 'echo {{nam}}'", "inputs/0/default": "", "id": "a b"}
    answer = send(user, "check", wrong)
    page = Page(answer.text)
    assert not page.faults
    assert "expected 1 to 128 letters" in page.all
    assert "sh -c 'echo {{nam}}'" in page.all
    lint = send(user, "publish", wrong | {"id": "lint"})
    assert lint.status_code == 400
    assert "no input `nam`" in Page(lint.text).all
    assert "sh -c 'echo {{nam}}'" in Page(lint.text).all
    assert user.http.get("/processes/lint").status_code == 404


def test_a_program_is_told_what_is_wrong_by_field(user: User) -> None:
    texts = shown(NEW) | HELLO | {"id": "", "execute-script": "echo {{nam}}"}
    fields = {"as": "form", "base": json.dumps(NEW), "do": "check", **texts}
    found = user.http.post("/editor", data=fields).json()
    assert list(found["faults"]) == ["id"]
    found = user.http.post("/editor", data=fields | {"id": "x"}).json()
    assert "Did you mean `name`" in found["faults"]["execute-script"][0]
    assert not found["right"]


def test_it_shows_what_a_job_would_get_and_runs_nothing(user: User) -> None:
    hello = HELLO | {"id": "looked-at"}
    answer = send(user, "try", hello, values='{"name": "O\'Hara; $(id)"}')
    page = Page(answer.text)
    assert not page.faults
    for text in ('echo Hello "${CCP_IN_name}"', "CCP_IN_name", "O'Hara; $(id)", "/ccp_in/name"):
        assert text in page.all
    assert user.http.get("/jobs").json()["jobs"] == []
    unfit = send(user, "try", hello, values='{"name": 5, "other": 1}')
    assert unfit.status_code == 400
    assert "other" in Page(unfit.text).all


def test_a_draft_is_run_by_its_author_alone_and_goes_when_published(
    user: User, other: User
) -> None:
    kept = send(user, "run", HELLO | {"id": "drafted"})
    assert kept.status_code == 303, kept.text
    process = kept.headers["location"].split("/")[2]
    assert process.startswith("drafted.draft-")
    assert user.finish(process)["status"] == "successful"
    assert other.http.get(f"/processes/{process}").status_code == 404
    assert send(user, "run", HELLO | {"id": "drafted"}).status_code == 303
    assert send(user, "publish", HELLO | {"id": "drafted"}).status_code == 303
    assert user.http.get(f"/processes/{process}").status_code == 404


def test_a_stranger_with_the_id_of_a_draft_keeps_his_method(user: User, other: User) -> None:
    kept = send(user, "run", HELLO | {"id": "taken"})
    process = kept.headers["location"].split("/")[2]
    user.http.delete(f"/processes/{process}")
    assert other.deploy(bash_method(process, "echo his")).status_code == 201
    assert send(user, "publish", HELLO | {"id": "taken"}).status_code == 303
    assert other.http.get(f"/processes/{process}").status_code == 200


def test_a_method_is_edited_copied_and_saved(user: User, other: User) -> None:
    document = bash_method("mine", "echo one", unknown={"kept": True})
    assert user.deploy(document).status_code == 201
    to = "/processes/mine/editor"
    assert user.http.get(to).status_code == 200
    assert other.http.get(to).status_code == 404
    assert user.http.get("/processes/hello-bash/editor").status_code == 403
    new = {"execute-script": "echo two", "version": "2.0.0"}
    assert send(user, "publish", new, document, to, number="7").status_code == 412
    assert send(user, "publish", new | {"id": "else"}, document, to, number="1").status_code == 400
    assert send(user, "publish", new, document, to, number="1").status_code == 303
    exported = user.http.get("/processes/mine/package").json()
    assert exported["unknown"] == {"kept": True}
    saved = send(user, "export", {}, exported, to)
    assert saved.json() == exported
    assert "method.json" in saved.headers["content-disposition"]
    copied = user.http.get("/editor?from=mine", headers={"Accept": "text/html"})
    assert "mine-copy" in Page(copied.text).all
    assert other.http.get("/editor?from=mine").status_code == 404


@pytest.mark.parametrize("text", ["{", "[1]", '"x"', '{"inputs": 5}', '{"id": {"a": [null]}}'])
def test_json_that_is_no_method_stays_to_be_mended(user: User, text: str) -> None:
    for do in ("check", "form", "publish", "try"):
        fields = {"as": "json", "text": text, "do": do}
        answer = user.http.post("/editor", data=fields, headers={"Accept": "text/html"})
        assert answer.status_code in (200, 400)
        assert not Page(answer.text).faults
        kept = "".join(Page(answer.text).all.split())
        assert "".join(text.split()) in kept


def test_a_file_is_loaded(user: User) -> None:
    document = json.dumps(bash_method("from-file", "echo file")).encode()
    fields = {"as": "form", "base": json.dumps(NEW), "do": "load"}
    for content, expected in ((document, "from-file"), (b"\xff{", "not JSON")):
        files = {"file": ("method.json", content, "application/json")}
        answer = user.http.post("/editor", data=fields, files=files)
        assert expected in Page(answer.text).all


def test_only_administrators_publish_to_everybody(platform: RunningPlatform, user: User) -> None:
    refused = send(user, "publish", HELLO | {"id": "for-all"}, public="yes")
    assert refused.status_code == 403
    assert "echo Hello {{name}}" in Page(refused.text).all
    shared = send(user, "publish", HELLO | {"id": "for-some"}, context="default")
    assert shared.status_code == 303
    member = platform.user("member")
    assert member.http.get("/processes/for-some").status_code == 200
    member.close()


def test_foreign_pages_publish_nothing(platform: RunningPlatform) -> None:
    fields = {"as": "form", "base": json.dumps(NEW), "do": "publish", **HELLO}
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        cookie = {"Cookie": "ccp-session=x", **headers}
        answer = httpx2.post(f"{platform.url}/editor", data=fields, headers=cookie, trust_env=False)
        assert answer.status_code in (401, 403)
    own = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
    answer = httpx2.post(f"{platform.url}/editor", data=fields, headers=own, trust_env=False)
    assert answer.status_code == 401
    assert "echo Hello {{name}}" in Page(answer.text).all
