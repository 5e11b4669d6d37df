"""Pages in a browser: a form starts a job, and the page of the job moves by itself."""

from playwright.async_api import Page, expect

from openccp.testing.platform import RunningPlatform

expect.set_options(timeout=30_000)


async def start(page: Page, platform: RunningPlatform, seconds: int) -> str:
    """Start a sleeper by its form; the id of the job whose page is shown then."""
    await page.goto(f"{platform.url}/processes/sleeper")
    await page.get_by_role("link", name="Run", exact=True).click()
    await page.get_by_label("Seconds").fill(str(seconds))
    await page.get_by_label("Note").fill("from <a> browser")
    await page.get_by_role("button", name="Run").click()
    await page.wait_for_url("**/jobs/*")
    return page.url.rpartition("/")[2]


async def test_a_form_starts_a_job_whose_page_moves_by_itself(
    page: Page, platform: RunningPlatform
) -> None:
    await start(page, platform, 3)
    loaded = await page.evaluate("performance.timeOrigin")
    await expect(page.locator("#state .status")).to_have_text("successful")
    await expect(page.get_by_role("link", name="Results", exact=True)).to_be_visible()
    await expect(page.locator(".log")).to_contain_text("Slept 3 seconds.")
    await expect(page.locator(".note")).to_have_text("from <a> browser")
    assert await page.evaluate("performance.timeOrigin") == loaded, "the page was loaded anew"


async def test_what_is_wrong_with_a_form_is_said_in_words_and_can_be_mended(
    page: Page, platform: RunningPlatform
) -> None:
    await page.goto(f"{platform.url}/processes/sleeper/form")
    await page.get_by_label("Seconds").fill("0")
    await page.get_by_role("button", name="Run").click()
    await expect(page.get_by_role("alert")).to_contain_text("Seconds")
    await expect(page.get_by_label("Seconds")).to_have_attribute("aria-invalid", "true")
    await page.get_by_label("Seconds").fill("1")
    await page.get_by_label("Seconds").press("Enter")
    await page.wait_for_url("**/jobs/*")


async def test_the_list_of_jobs_moves_while_one_runs(page: Page, platform: RunningPlatform) -> None:
    job = await start(page, platform, 8)
    await page.goto(f"{platform.url}/jobs")
    loaded = await page.evaluate("performance.timeOrigin")
    status = page.get_by_role("row").filter(has_text=job).locator(".status")
    await expect(status).to_have_text("successful")
    assert await page.evaluate("performance.timeOrigin") == loaded
