"""Pages in the reader's language: the browser's, or the one that was chosen on a page."""

import httpx2
import pytest

from openccp.testing.platform import RunningPlatform

PAGE = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}


def test_a_page_speaks_what_the_browser_asks_for(platform: RunningPlatform) -> None:
    with httpx2.Client(base_url=platform.url, headers=PAGE) as browser:
        asked = browser.get("/", headers={"Accept-Language": "it-IT,it;q=0.9"})
        plain = browser.get("/")
    assert '<html lang="it">' in asked.text
    assert "Processi" in asked.text
    assert asked.headers["Content-Language"] == "it"
    assert "Accept-Language" in asked.headers["Vary"]
    assert '<html lang="en">' in plain.text
    assert "Processi" not in plain.text


def test_a_chosen_language_stays(platform: RunningPlatform) -> None:
    with httpx2.Client(base_url=platform.url, headers=PAGE) as browser:
        chosen = browser.post("/language/it", params={"next": "/conformance?f=html"})
        assert (chosen.status_code, chosen.headers["location"]) == (303, "/conformance?f=html")
        assert "Processi" in browser.get("/", headers={"Accept-Language": "en"}).text


@pytest.mark.parametrize(
    "next_page", ["", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nX: y"]
)
def test_it_leads_to_nobody_else(platform: RunningPlatform, next_page: str) -> None:
    chosen = httpx2.post(f"{platform.url}/language/it", params={"next": next_page}, headers=PAGE)
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/")


def test_a_language_that_nobody_speaks(platform: RunningPlatform) -> None:
    assert httpx2.post(f"{platform.url}/language/tlh", headers=PAGE).status_code == 404
