"""The page of a method, its versions, and what changed between them."""

from tests.acceptance.pages import Page

from openccp.testing.platform import RunningPlatform, User, bash_method

BROWSER = {"Accept": "text/html"}
ABOUT = [
    {"role": "author", "title": "Ada & Co."},
    {"role": "license", "href": "https://example.org/licence"},
]


def replaced(user: User, process: str, *scripts: str) -> None:
    for number, script in enumerate(scripts):
        document = bash_method(process, script, version=f"1.{number}.0", metadata=ABOUT)
        if number == 0:
            assert user.deploy(document).status_code == 201
        else:
            assert user.http.put(f"/processes/{process}", json=document).status_code == 204


def test_versions_are_kept_and_compared(user: User) -> None:
    replaced(user, "grown", "echo one\necho same", "echo two\necho same")
    listed = user.http.get("/processes/grown/versions").json()
    assert [(one["number"], one["version"]) for one in listed["versions"]] == [
        (2, "1.1.0"),
        (1, "1.0.0"),
    ]
    told = user.http.get("/processes/grown/versions/changes").json()
    assert (told["from"]["number"], told["to"]["number"]) == (1, 2)
    lines = {one["name"]: one["lines"] for one in told["changes"]}
    assert lines["execute-script"] == ["@@ -1,2 +1,2 @@", "-echo one", "+echo two", " echo same"]
    assert '+  "version": "1.1.0",' in lines["method.json"]
    back = user.http.get("/processes/grown/versions/changes?from=2&to=1").json()
    assert "+echo one" in {line for one in back["changes"] for line in one["lines"]}
    for query in ("from=3", "to=0", "from=x"):
        assert user.http.get(f"/processes/grown/versions/changes?{query}").status_code == 400


def test_a_readme_is_shown_and_runs_nothing(user: User) -> None:
    readme = "# Waves\n\n<script>alert(1)</script> [how](https://example.org/waves)\n"
    document = bash_method("read-me", "true") | {"x-ccp-readme": readme}
    assert user.deploy(document).status_code == 201
    page = Page(user.http.get("/processes/read-me", headers=BROWSER).text)
    assert not page.faults
    assert "https://example.org/waves" in page.links
    assert user.http.get("/processes/read-me").json()["x-ccp-readme"] == readme
    long = document | {"id": "long-readme", "x-ccp-readme": "x" * 100_001}
    assert user.deploy(long).json()["errors"][0]["pointer"] == "/x-ccp-readme"


def test_what_is_too_long_is_not_compared(user: User) -> None:
    replaced(user, "long", "true\n" * 3_000, "false\n" * 3_000)
    told = user.http.get("/processes/long/versions/changes").json()
    assert {"name": "execute-script", "lines": None} in told["changes"]
    page = user.http.get("/processes/long/versions/changes", headers=BROWSER)
    assert "too long to be compared" in page.text


def test_versions_of_an_earlier_owner_of_the_id_stay_his(user: User, other: User) -> None:
    replaced(user, "handed-on", "echo mine-alone")
    assert user.http.delete("/processes/handed-on").status_code == 204
    replaced(other, "handed-on", "echo other")
    listed = other.http.get("/processes/handed-on/versions").json()
    assert [one["number"] for one in listed["versions"]] == [2]
    assert other.http.get("/processes/handed-on/versions/changes?from=1").status_code == 400
    told = other.http.get("/processes/handed-on/versions/changes").json()
    assert told["from"] is None
    assert "mine-alone" not in str(told)
    assert user.http.get("/processes/handed-on/versions").status_code == 404


def test_a_method_page_says_how_to_cite_and_how_it_went(platform: RunningPlatform) -> None:
    user = platform.user("citing")
    replaced(user, "cited", "echo done")
    job = user.finish("cited")["jobID"]
    page = Page(user.http.get("/processes/cited", headers=BROWSER).text)
    assert not page.faults
    assert "author = {{Ada \\& Co.}}" in page.all
    assert f"url = {{{platform.url}/processes/cited}}" in page.all
    assert f"/jobs/{job}" in page.links
    assert "It usually takes" in page.all
    assert "https://example.org/licence" in page.links
    user.close()
