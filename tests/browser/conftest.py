"""A real browser, signed in to a real platform; skipped where there is no browser."""

import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from openccp.testing.platform import RunningPlatform

QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
)  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("there is no chromium here, so no page was tried in a browser")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlatform]:
    platform = RunningPlatform(tmp_path_factory.mktemp("browsed") / "data")
    platform.start()
    yield platform
    platform.stop()


@pytest.fixture(scope="session")
def signed_in(browser: Browser, platform: RunningPlatform) -> Iterator[BrowserContext]:
    """A browser that has pressed the button of a sign-in address."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(re.findall(r"http\S+secret=\S+", platform.command("login"))[0])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()
    page.close()
    yield context
    context.close()


def _is_mistake(told: ConsoleMessage) -> bool:
    """Not that the server refused a form: that is what some tests are about."""
    return told.type == "error" and "responded with a status of 4" not in told.text


@pytest.fixture
def page(signed_in: BrowserContext) -> Iterator[Page]:
    """A page that may make no mistake: no script error, nothing that the policy refuses."""
    page = signed_in.new_page()
    page.set_default_timeout(20_000)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda told: wrong.append(told.text) if _is_mistake(told) else None)
    yield page
    page.close()
    assert not wrong
