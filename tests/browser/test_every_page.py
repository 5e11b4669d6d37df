"""Every page is clean for axe and fits, in light and dark, on a wide screen and on a phone."""

from typing import Any

import pytest
from playwright.async_api import Page
from tests.browser.looking import faults, picture

from openccp.testing.platform import RunningPlatform, bash_method

PAGES = {
    "landing": "/",
    "catalogue": "/processes",
    "found": "/processes?q=penguns",
    "method": "/processes/csv-summary",
    "versions": "/processes/csv-summary/versions",
    "form": "/processes/hello-bash/form",
    "code": "/processes/csv-summary/code",
    "jobs": "/jobs",
    "job": "/jobs/{job}",
    "results": "/jobs/{job}/results",
    "shares": "/jobs/{job}/shares",
    "comparison": "/jobs/{job}/compare?with={job}",
    "record": "/executions/{job}",
    "failed": "/jobs/{failed}",
    "infrastructures": "/infrastructures",
    "infrastructure": "/infrastructures/local",
    "deliveries": "/deliveries",
    "device": "/device",
    "conformance": "/conformance",
    "health": "/health",
    "nothing there": "/processes/nobody-has-this",
}


@pytest.mark.parametrize(
    ("scheme", "width"),
    [
        ("light", 1200),
        ("dark", 320),
        pytest.param("dark", 1200, marks=pytest.mark.slow),
        pytest.param("light", 320, marks=pytest.mark.slow),
    ],
)
async def test_axe_finds_nothing_on_any_page(
    page: Page, platform: RunningPlatform, scheme: Any, width: int
) -> None:
    user = platform.user("looked-at")
    user.deploy(bash_method(f"ends-badly-{scheme}-{width}", "echo no such table >&2; exit 3"))
    names = {
        "job": user.finish("hello-bash")["jobID"],
        "failed": user.finish(f"ends-badly-{scheme}-{width}")["jobID"],
    }
    await page.set_extra_http_headers({"Authorization": f"Bearer {user.token}"})
    await page.emulate_media(color_scheme=scheme)
    await page.set_viewport_size({"width": width, "height": 900})
    wrong: dict[str, list[str]] = {}
    for name, path in PAGES.items():
        await page.goto(platform.url + path.format(**names))
        await picture(page, f"{name}-{scheme}-{width}")
        if found := await faults(page):
            wrong[name] = found
    assert not wrong


async def test_axe_finds_nothing_on_the_operator_s_page(
    page: Page, platform: RunningPlatform
) -> None:
    await page.set_viewport_size({"width": 320, "height": 900})
    await page.goto(f"{platform.url}/processes")
    await page.get_by_role("link", name="Operator").click()
    await page.wait_for_url("**/operator")
    await picture(page, "operator")
    assert not await faults(page)
