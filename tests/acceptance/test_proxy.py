"""Behind a real proxy, below a path: every link, redirect, cookie and stream still works."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from tests.acceptance.nginx import needs_nginx, nginx
from tests.acceptance.pages import Page, hrefs

from openccp.testing.platform import RunningPlatform, User, bash_method, free_port

pytestmark = needs_nginx
BROWSER = "text/html,*/*;q=0.8"


@dataclass(frozen=True)
class Front:
    """A platform as the outside sees it."""

    url: str
    platform: RunningPlatform
    user: User


@pytest.fixture(scope="module", params=["kept", "stripped"])
def front(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Front]:
    folder, port = tmp_path_factory.mktemp("proxy"), free_port()
    url = f"http://127.0.0.1:{port}/ccp"
    settings = {"CCP__SERVER__PUBLIC_URL": url, "CCP__SERVER__TRUSTED_PROXIES": '["127.0.0.1"]'}
    platform = RunningPlatform(folder / "data", environment=settings)
    platform.start()
    platform.add_user("maria")
    user = User(url, platform.token("maria"))
    with nginx(folder / "nginx", port, platform.port, stripped=request.param == "stripped"):
        yield Front(url, platform, user)
    user.close()
    platform.stop()


def test_all_links_lead_back_in(front: Front) -> None:
    job = front.user.finish("hello-bash")["jobID"]
    seen: set[str] = set()
    todo = [f"{front.url}/", f"{front.url}/jobs/{job}?f=html", f"{front.url}/executions/{job}"]
    while todo:
        address = todo.pop()
        if address in seen or len(seen) > 150 or address.endswith("/execution"):
            continue  # to follow a link to an execution is to execute
        seen.add(address)
        answer = front.user.http.get(address, headers={"Accept": BROWSER})
        assert answer.status_code == 200, address
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        page = Page(answer.text)
        links = {urlsplit(link)._replace(fragment="").geturl() for link in page.links}
        for link in links - {"", front.url}:
            absolute = link if "://" in link else f"{front.url.removesuffix('/ccp')}{link}"
            if absolute.startswith(front.url.removesuffix("/ccp")):
                assert f"{absolute}/".startswith(f"{front.url}/"), link
                if not absolute.endswith("/execution"):  # a GET there would make a job
                    todo.append(absolute)
    assert len(seen) > 30


def test_documents_and_locations_carry_the_path(front: Front) -> None:
    body = {"inputs": {"name": "Ada"}}
    made = front.user.http.post("/processes/hello-bash/execution", json=body)
    assert made.status_code == 201
    assert made.headers["location"].startswith(f"{front.url}/jobs/")
    for path in ("/", "/processes", "/processes/hello-bash", "/jobs", "/conformance"):
        document = front.user.http.get(path).json()
        own = [href for href in hrefs(document) if "opengis" not in href and "://" in href]
        assert own
        assert all(href.startswith(front.url) for href in own), own
    servers = front.user.http.get("/api").json()["servers"]
    assert servers[0]["url"].rstrip("/") == front.url
    front.user.wait(made.json()["jobID"])


def test_a_browser_signs_in_below_the_path(front: Front) -> None:
    address = front.platform.command("login").split()[-1]
    assert address.startswith(f"{front.url}/sign-in?secret=")
    with httpx2.Client(trust_env=False) as browser:
        page = browser.get(address)
        sheet = page.text.partition('rel="stylesheet" href="')[2].partition('"')[0]
        assert sheet.startswith("/ccp/assets/")
        assert browser.get(f"{front.url.removesuffix('/ccp')}{sheet}").status_code == 200
        assert 'action="/ccp/sign-in"' in page.text
        secret = address.partition("secret=")[2]
        own = {"Origin": front.url.removesuffix("/ccp")}
        done = browser.post(f"{front.url}/sign-in", data={"secret": secret}, headers=own)
        assert (done.status_code, done.headers["location"]) == (303, "/ccp/")
        assert "Path=/ccp/" in done.headers["set-cookie"]
        assert browser.get(f"{front.url}/jobs").status_code == 200
        out = browser.post(f"{front.url}/sign-out", headers=own)
        assert (out.status_code, out.headers["location"]) == (303, "/ccp/")
        assert browser.get(f"{front.url}/jobs").status_code == 401


def test_events_come_as_they_happen(front: Front) -> None:
    script = "echo first; until [ -e go ]; do sleep 0.2; [ $SECONDS -lt 8 ] || touch go; done"
    assert front.user.deploy(bash_method("slow", script)).status_code in (201, 409)
    job = front.user.run("slow")["jobID"]
    with front.user.http.stream("GET", f"/jobs/{job}/logs", headers={
        "Accept": "text/event-stream", "Accept-Encoding": "gzip"
    }) as events:  # fmt: skip
        for line in events.iter_lines():
            if "first" in line:
                break
        assert front.user.job(job)["status"] in ("accepted", "running")
    assert front.user.wait(job)["status"] == "successful"


def test_a_shared_cache_keeps_nothing_of_anybody(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/ccp"
    platform = RunningPlatform(tmp_path / "data", environment={"CCP__SERVER__PUBLIC_URL": url})
    platform.start()
    users = []
    for name in ("maria", "anna"):
        platform.add_user(name)
        users.append(User(url, platform.token(name)))
    with nginx(tmp_path / "nginx", port, platform.port, cache=True):
        job = users[0].finish("hello-bash")["jobID"]
        for path in ("/jobs", f"/jobs/{job}", f"/jobs/{job}/results/stdout", "/processes"):
            for accept in ("application/json", BROWSER):
                mine = users[0].http.get(path, headers={"Accept": accept})
                theirs = users[1].http.get(path, headers={"Accept": accept})
                stranger = httpx2.get(f"{url}{path}", headers={"Accept": accept}, trust_env=False)
                caches = {answer.headers.get("x-cache") for answer in (mine, theirs, stranger)}
                assert "HIT" not in caches
                assert stranger.status_code == 401
                assert job not in theirs.text or theirs.status_code == 404
        page = users[0].http.get("/", headers={"Accept": BROWSER}).text
        sheet = page.partition('rel="stylesheet" href="/ccp')[2].partition('"')[0]
        kept = [users[0].http.get(sheet).headers["x-cache"] for _ in range(2)]
        assert kept == ["MISS", "HIT"]
    for user in users:
        user.close()
    platform.stop()
