"""A job's files on a page: looked at, taken one by one or together, by nobody else."""

import io
import zipfile

import pytest

from openccp.testing.platform import User, bash_method

NAME = "a <b>&?#.csv"
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
LEAVES = bash_method(
    "leaves",
    f"printf 'n,m\\n1,<script>alert(1)</script>\\n' > '{NAME}'\n"
    f"mkdir sub\necho '{SVG}' > sub/p.svg\necho '<script>alert(1)</script>' > page.html\n",
)


@pytest.fixture
def job(user: User) -> str:
    made = {**LEAVES, "id": f"leaves-{id(user)}"}
    assert user.deploy(made).status_code == 201
    ended = user.wait(user.run(made["id"])["jobID"])
    assert ended["status"] == "successful", ended
    return str(ended["jobID"])


def test_each_file_can_be_looked_at(user: User, other: User, job: str) -> None:
    files = {one["path"]: one for one in user.http.get(f"/executions/{job}").json()["files"]}
    kinds = {}
    for path, one in files.items():
        kinds[path] = user.http.get(one["preview"]).json()["preview"]["kind"]
        page = user.http.get(one["preview"], headers={"Accept": "text/html"})
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "script-src" in page.headers["content-security-policy"]
        assert other.http.get(one["preview"]).status_code == 404
    assert kinds == {NAME: "table", "sub/p.svg": "picture", "page.html": "text"}
    picture = user.http.get(files["sub/p.svg"]["preview"], headers={"Accept": "text/html"})
    assert f'src="{files["sub/p.svg"]["href"]}"' in picture.text
    raw = user.http.get(files["sub/p.svg"]["href"])
    assert raw.headers["content-security-policy"].startswith("sandbox")
    assert raw.headers["content-disposition"].startswith("attachment")
    assert user.http.get(f"/executions/{job}/previews/nothing").status_code == 404


def test_some_files_come_as_one_zip(user: User, other: User, job: str) -> None:
    address = f"/executions/{job}/outputs/output.zip"
    some = user.http.get(address, params={"path": [NAME, "sub/p.svg"]})
    assert int(some.headers["content-length"]) == len(some.content)
    with zipfile.ZipFile(io.BytesIO(some.content)) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == [NAME, "sub/p.svg"]
    assert user.http.get(address).headers["etag"] != some.headers["etag"]
    assert user.http.get(address, params={"path": "../x"}).status_code == 404
    assert other.http.get(address, params={"path": NAME}).status_code == 404
    page = user.http.get(f"/executions/{job}", headers={"Accept": "text/html"}).text
    assert 'name="path" value="a &lt;b&gt;&amp;?#.csv"' in page
