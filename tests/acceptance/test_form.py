"""The form of a process, as a browser without script uses it."""

import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from typing import Any

import httpx2
import pytest

from openccp.testing.platform import RunningPlatform, User, bash_method

FORM = "/processes/formed/form"
METHOD = bash_method(
    "formed",
    """\
printf %s {{name}} >name.txt
[ -e /ccp_in/table ] && wc -c </ccp_in/table >size.txt
printf %s {{n}}
""",
    inputs={
        "name": {"title": "Your name", "schema": {"type": "string", "maxLength": 20}},
        "n": {"schema": {"type": "integer", "minimum": 1, "maximum": 5, "examples": [4]}},
        "table": {"minOccurs": 0, "schema": {"type": "string", "format": "file"}},
        "key": {"minOccurs": 0, "schema": {"type": "string", "format": "secret"}},
    },
    outputs={"name": {"schema": {"type": "string"}, "x-ccp-path": "name.txt"}},
)


class Parts(HTMLParser):
    """The named parts of the forms in a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.hidden: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "input" and found.get("type") == "hidden":
            self.hidden[str(found["name"])] = found["value"] or ""


def hidden(text: str) -> dict[str, str]:
    parts = Parts()
    parts.feed(text)
    return parts.hidden


@pytest.fixture(scope="session")
def user(platform: RunningPlatform) -> Iterator[User]:
    made = platform.user("form-filler")
    assert made.deploy(METHOD).status_code == 201
    yield made
    made.close()


def shown(user: User, **query: str) -> str:
    answer = user.http.get(FORM, params=query, headers={"Accept": "text/html"})
    assert answer.status_code == 200, answer.text
    return answer.text


def send(user: User, values: dict[str, Any], files: Any = None) -> httpx2.Response:
    data = {"key": hidden(shown(user))["key"], **values}
    files = files or {"upload:table": ("", b"")}
    return user.http.post(FORM, data=data, files=files, follow_redirects=False)


def test_what_is_written_runs_and_leads_to_the_job(user: User) -> None:
    answer = send(
        user,
        {"value:name": "it's $(me)", "value:n": "3"},
        {"upload:table": ("a.csv", b"a,b\n\0", "text/csv")},
    )
    assert answer.status_code == 303, answer.text
    job = answer.headers["location"].rpartition("/")[2]
    assert user.wait(job)["status"] == "successful"
    assert user.http.get(f"/jobs/{job}/results/name").text == "it's $(me)"
    assert user.http.get(f"/executions/{job}/outputs/size.txt").text.strip() == "5"
    assert user.http.get(f"/executions/{job}/logs/stdout").text == "3"


def test_two_presses_make_one_job_and_a_changed_form_says_so(user: User) -> None:
    values = {"key": hidden(shown(user))["key"], "value:name": "Ada", "value:n": "1"}
    first, second = (user.http.post(FORM, data=values, follow_redirects=False) for _ in "12")
    assert first.status_code == second.status_code == 303
    assert first.headers["location"] == second.headers["location"]


def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(user: User) -> None:
    answer = send(
        user,
        {"value:name": '"><script>', "value:n": "9", "secret:key": "sesame", "value:ccpnote": "hm"},
        {"upload:table": ("a.csv", b"kept", "text/csv")},
    )
    assert answer.status_code == 400
    text = answer.text
    assert "<script>" not in text
    assert "sesame" not in text
    assert '"&#34;&gt;&lt;script&gt;"' in text
    assert re.search(r'id="f-n"[^>]*aria-invalid="true"[^>]*w-n', text)
    assert re.search(r'<p class="fault" id="w-n">[^<]+5', text)
    assert 'href="#f-n"' in text
    assert 'value="hm"' in text
    kept = hidden(text)
    assert kept["kept:table"] == "a2VwdA=="
    mended = {**kept, "value:name": "Ada", "value:n": "2"}
    job = user.http.post(FORM, data=mended, follow_redirects=False).headers["location"]
    job = job.rpartition("/")[2]
    assert user.wait(job)["status"] == "successful"
    assert user.http.get(f"/executions/{job}/outputs/size.txt").text.strip() == "4"


def test_an_earlier_job_fills_the_form_but_for_its_secrets(user: User) -> None:
    ran = user.finish("formed", {"name": "Grace <b>", "n": 2, "key": "sesame"})
    page = user.http.get(f"/jobs/{ran['jobID']}", headers={"Accept": "text/html"}).text
    link = f"{FORM}?job={ran['jobID']}"
    assert f'href="{link}"' in unescape(page)
    text = shown(user, job=ran["jobID"])
    assert 'value="Grace &lt;b&gt;"' in text
    assert "sesame" not in text


def test_nobody_fills_a_form_from_anothers_job(platform: RunningPlatform, user: User) -> None:
    ran = user.finish("formed", {"name": "mine", "n": 2})
    other = platform.user("form-reader")
    assert other.http.get(f"/processes/echo/form?job={ran['jobID']}").status_code == 404
    mine = user.http.get(f"/processes/echo/form?job={ran['jobID']}")
    assert mine.status_code == 404, "a job of another process"
    other.close()


def test_the_authors_examples_fill_it(user: User) -> None:
    assert re.search(r'id="f-n"[^>]*value="4"', shown(user, fill="example"))
    assert user.http.get(FORM, params={"fill": "random"}).status_code == 400


def test_who_is_signed_out_loses_nothing_but_secrets(platform: RunningPlatform) -> None:
    own_page = {"Sec-Fetch-Site": "same-origin", "Cookie": "ccp-session=ended"}
    written = {"value:name": "<Ada>", "secret:key": "sesame", "value:n": "2"}
    address = platform.url + FORM
    answer = httpx2.post(address, data=written, headers=own_page, trust_env=False)
    assert answer.status_code == 401
    assert hidden(answer.text) == {"value:name": "<Ada>", "value:n": "2"}
    assert "sesame" not in answer.text
    foreign = own_page | {"Sec-Fetch-Site": "cross-site"}
    told = httpx2.post(address, data=written, headers=foreign, trust_env=False)
    assert "Ada" not in told.text
    assert told.status_code in (401, 403)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "application/json", 415),
        (b"--x\r\n\r\nhalf", "multipart/form-data; boundary=x", 400),
        (b"", "multipart/form-data", 400),
        (b"--x--", "multipart/form-data; boundary=x; charset=punycode", 415),
        (b"--x--", "multipart/form-data; boundary=x; charset=undefined", 415),
        (b"value:name=" + b"%00", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"value:name=x" for _ in range(5000)), "application/x-www-form-urlencoded", 400),
    ],
)
def test_what_is_no_form_is_refused(user: User, body: bytes, kind: str, status: int) -> None:
    answer = user.http.post(FORM, content=body, headers={"Content-Type": kind})
    assert answer.status_code == status, answer.text


CODE = "/processes/formed/code"


def test_the_form_gives_the_program_with_what_stands_in_it(user: User) -> None:
    assert f'formaction="{CODE}"' in shown(user)
    typed = {"value:name": "</code><b>it's $(me)", "value:n": "3", "secret:key": "hush-hush"}
    files = {"upload:table": ("a.csv", b"a,b\n", "text/csv")}
    page = user.http.post(CODE, data={**typed, "language": "bash", "show": "page"}, files=files)
    assert page.status_code == 200, page.text
    assert "<b>it" not in page.text
    answer = user.http.post(CODE, data={**typed, "language": "bash", "show": "file"}, files=files)
    assert answer.headers["content-disposition"] == 'attachment; filename="formed.sh"'
    assert page.headers["cache-control"] == "no-store"
    sent = {"name": typed["value:name"], "n": 3, "table": "YSxiCg==", "key": "other"}
    by_program = user.http.post(f"{CODE}?language=bash", json={"inputs": sent})
    assert answer.text == by_program.text
    assert unescape(page.text.partition("<code>#!")[2]).startswith(answer.text[2:])
    for text in (page.text, answer.text):
        assert "hush-hush" not in text


def test_what_a_form_leaves_empty_the_program_leaves_out(user: User) -> None:
    values = {"value:name": "Ada", "value:n": "", "language": "python", "show": "file"}
    program = user.http.post(CODE, data=values).text
    assert "'Ada'" in program
    assert "'table'" not in program
    assert "CCP_SECRET" not in program
    assert user.http.post(CODE, data={**values, "language": "cobol"}).status_code == 400
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert httpx2.post(user.url + CODE, data=values, headers=foreign).status_code == 401


def test_a_form_with_a_place_gives_the_program_for_that_place(user: User) -> None:
    typed = {"infrastructure": "local", "value:name": "Ada", "show": "file"}
    for language in ("bash", "python-client"):
        written = user.http.post(CODE, data={**typed, "language": language})
        assert written.status_code == 200, written.text
        assert "infrastructure" in written.text.casefold()
        assert "local" in written.text
