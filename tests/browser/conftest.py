"""A real browser, signed in to a real platform; skipped where there is no browser.

Each test has a browser of its own: one that outlives a test would keep its worker's event loop.
"""

import re
import shutil
from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import ConsoleMessage, Page, async_playwright

from openccp.testing.platform import RunningPlatform

QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
)  # fmt: skip
PATIENCE = 30_000


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlatform]:
    platform = RunningPlatform(tmp_path_factory.mktemp("browsed") / "data")
    platform.start()
    yield platform
    platform.stop()


@pytest.fixture
async def page(platform: RunningPlatform) -> AsyncIterator[Page]:
    """A page of somebody who pressed the button of a sign-in address.

    It may make no mistake: no script error, nothing that the policy refuses.
    """
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("there is no chromium here, so no page was tried in a browser")
    wrong: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=list(QUIET))
        page = await browser.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda told: wrong.append(told.text) if _is_mistake(told) else None)
        await page.goto(re.findall(r"http\S+secret=\S+", platform.command("login"))[0])
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("button", name="Sign out").wait_for()
        yield page
        await browser.close()
    assert not wrong


def _is_mistake(told: ConsoleMessage) -> bool:
    """Not that the server refused a form, or a line was cut: that is what some tests are about."""
    meant = ("responded with a status of 4", "net::ERR_CONNECTION_RESET")
    return told.type == "error" and not any(words in told.text for words in meant)
