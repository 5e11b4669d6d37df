"""The example of docs/embedding.md, served from another origin: find, run, see it end."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.async_api import Page, Request, expect
from tests.browser.looking import faults, picture

from openccp.testing.platform import RunningPlatform, User, bash_method

GUIDE = Path(__file__).parents[2] / "docs" / "embedding.md"
HOSTILE = "<img src=x onerror=alert(1)>"
expect.set_options(timeout=30_000)


@pytest.fixture(scope="module")
def embedder(platform: RunningPlatform) -> Iterator[User]:
    made = platform.user("embedder")
    yield made
    made.close()


@pytest.fixture(scope="module")
def portal(platform: RunningPlatform, embedder: User) -> Iterator[str]:
    """The address of a portal: the example, and the token of who is signed in there."""
    (example,) = re.findall(r"```html\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    here = example.replace("https://ccp.example.org", platform.url)
    pages = {
        "/": ("text/html", here),
        "/signed-out": ("text/html", here.replace("/my-token", "/nothing")),
        "/my-token": ("text/plain", embedder.token),
        "/nothing": ("text/plain", ""),
        "/favicon.ico": ("image/x-icon", ""),
    }

    class Portal(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, content = pages[self.path]
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            policy = f"script-src 'unsafe-inline' {platform.url}; style-src 'none'"
            self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            self.wfile.write(content.encode())

        def log_message(self, format: str, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Portal)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    serving.join()
    server.server_close()


async def test_a_portal_finds_a_method_runs_it_and_sees_it_end(
    page: Page, portal: str, embedder: User
) -> None:
    seen: list[Request] = []
    page.on("request", lambda request: seen.append(request))
    await page.goto(portal)
    await page.locator("summary", has_text="Hello from Bash").press("Enter")
    await page.get_by_label("Name").fill(HOSTILE)
    await page.get_by_role("button", name="Run").press("Enter")
    await expect(page.locator("ccp-job").get_by_role("status")).to_contain_text("successful")
    await expect(page.locator("#news")).to_contain_text("successful")
    news = await page.locator("#news").text_content() or ""
    assert embedder.job(news.split()[1].rstrip(":"))["status"] == "successful"
    assert not [one.url for one in seen if embedder.token in one.url]
    stored = "JSON.stringify([localStorage, sessionStorage, document.cookie])"
    assert embedder.token not in await page.evaluate(stored)
    await picture(page, "embedded")
    assert not await faults(page)


async def test_what_a_platform_says_is_text(page: Page, portal: str, embedder: User) -> None:
    method = bash_method("embedded-words", "true") | {"title": HOSTILE, "description": HOSTILE}
    assert embedder.deploy(method).status_code == 201
    await page.goto(portal)
    await page.get_by_label("Search").fill("embedded-words")
    await page.get_by_label("Search").press("Enter")
    await page.locator("summary", has_text=HOSTILE).click()
    await expect(page.locator("ccp-method h2")).to_have_text(HOSTILE)
    assert await page.locator("img").count() == 0


async def test_without_a_token_one_is_led_to_sign_in(
    page: Page, portal: str, platform: RunningPlatform
) -> None:
    await page.goto(f"{portal}/signed-out")
    link = page.get_by_role("alert").get_by_role("link", name="Sign in")
    await expect(link).to_have_attribute("href", f"{platform.url}/sign-in")
