"""The editor in a browser: a method is made, mended as it is typed, looked at, run, published."""

from pathlib import Path

from playwright.async_api import Page, expect

from openccp.testing.platform import RunningPlatform

expect.set_options(timeout=30_000)
AXE = Path(__file__).parents[2] / "ui/node_modules/axe-core/axe.min.js"
SEEN = """async () => (await axe.run()).violations.map(one => one.id + ': ' + one.help)"""


async def accessible(page: Page) -> None:
    """Axe finds nothing on the page; the policy lets it in from outside of it only."""
    if AXE.exists():
        await page.evaluate(AXE.read_text())
        assert await page.evaluate(SEEN) == []


async def written(page: Page, script: str) -> None:
    """Replace the execute script, where an editor stands over it."""
    box = page.get_by_role("textbox", name="Execute: does the work")
    await box.click()
    await page.keyboard.press("Control+A")
    await page.keyboard.type(script)


async def test_a_method_is_written_tried_run_and_published(
    page: Page, platform: RunningPlatform
) -> None:
    await page.goto(f"{platform.url}/processes")
    await page.get_by_role("link", name="Write a new method").click()
    await accessible(page)
    await page.get_by_label("Id", exact=True).fill("browsed-method")
    await page.locator("#e-title").fill("Made in a browser")
    await written(page, "echo Dear {{nam}}")
    fault = page.locator("[data-place=execute-script]")
    await expect(fault).to_contain_text("Did you mean `name`")
    await written(page, "echo Dear {{name}}")
    await expect(fault).to_be_empty()
    await page.get_by_text("A new one").first.click()
    await page.locator("[id='e-inputs/1/id']").fill("times")
    await page.locator("[id='e-inputs/1/kind']").select_option("integer")
    await page.locator("[id='e-inputs/1/default']").fill("3")
    await page.get_by_role("button", name="Check", exact=True).click()
    await expect(page.get_by_role("status").first).to_contain_text("it is right")
    await page.get_by_role("button", name="As JSON").click()
    assert '"times"' in await page.get_by_label("The method as JSON").input_value()
    await page.get_by_role("button", name="As a form").click()
    await page.get_by_role("button", name="Show what a job would get").click()
    await expect(page.get_by_label("Execute script")).to_have_text('echo Dear "${CCP_IN_name}"')
    await accessible(page)
    await page.get_by_role("button", name="Run it as a draft").click()
    await page.wait_for_url("**/form")
    await page.get_by_label("Your name").fill("Bob")
    await page.get_by_role("button", name="Run", exact=True).click()
    await expect(page.locator("#state .status")).to_have_text("successful")
    await expect(page.locator(".log")).to_contain_text("Dear Bob")


async def test_a_published_method_is_edited_and_its_versions_compared(
    page: Page, platform: RunningPlatform
) -> None:
    await page.goto(f"{platform.url}/editor")
    await page.get_by_label("Id", exact=True).fill("browsed-twice")
    await page.get_by_role("button", name="Publish").click()
    await page.wait_for_url("**/processes/browsed-twice")
    await accessible(page)
    await page.get_by_role("link", name="Edit", exact=True).click()
    await page.locator("#e-version").fill("2.0.0")
    await written(page, "echo Good day {{name}}")
    await page.get_by_role("button", name="Publish").click()
    await page.wait_for_url("**/processes/browsed-twice")
    await page.get_by_role("link", name="What changed in number 2").click()
    await expect(page.locator(".diff .added").last).to_contain_text("echo Good day {{name}}")
    await accessible(page)
