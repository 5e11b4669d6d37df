"""Pages in a browser: a form starts a job, and the page of the job moves by itself."""

from playwright.sync_api import Page, expect

from openccp.testing.platform import RunningPlatform


def test_a_form_starts_a_job_whose_page_moves_by_itself(
    page: Page, platform: RunningPlatform
) -> None:
    page.goto(f"{platform.url}/processes/sleeper")
    page.get_by_role("link", name="Run", exact=True).click()
    page.get_by_label("Seconds").fill("3")
    page.get_by_label("Note").fill("from <a> browser")
    page.get_by_role("button", name="Run").click()
    page.wait_for_url("**/jobs/*")
    loaded = page.evaluate("performance.timeOrigin")
    expect(page.locator("#state .status")).to_have_text("running")
    expect(page.locator("#state .status")).to_have_text("successful")
    expect(page.get_by_role("link", name="Results", exact=True)).to_be_visible()
    expect(page.locator(".log")).to_contain_text("Slept 3 seconds.")
    expect(page.locator(".note")).to_have_text("from <a> browser")
    assert page.evaluate("performance.timeOrigin") == loaded, "the page was loaded anew"


def test_what_is_wrong_with_a_form_is_said_in_words_and_can_be_mended(
    page: Page, platform: RunningPlatform
) -> None:
    page.goto(f"{platform.url}/processes/sleeper/form")
    page.get_by_label("Seconds").fill("0")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("alert")).to_contain_text("Seconds")
    expect(page.get_by_label("Seconds")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Seconds").fill("1")
    page.get_by_label("Seconds").press("Enter")
    page.wait_for_url("**/jobs/*")


def test_the_list_of_jobs_moves_while_one_runs(page: Page, platform: RunningPlatform) -> None:
    page.goto(f"{platform.url}/processes/sleeper/form")
    page.get_by_label("Seconds").fill("8")
    page.get_by_role("button", name="Run").click()
    page.wait_for_url("**/jobs/*")
    job = page.url.rpartition("/")[2]
    page.goto(f"{platform.url}/jobs")
    row = page.get_by_role("row").filter(has_text=job)
    expect(row.locator(".status")).to_have_text("running")
    expect(row.locator(".status")).to_have_text("successful", timeout=20_000)
