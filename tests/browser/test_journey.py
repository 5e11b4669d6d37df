"""What a newcomer does: find a method, run it with a file, look at its results, take its program.

From the address that the platform prints, by what stands on the pages alone.
"""

import asyncio
import os
import sys
from pathlib import Path

from playwright.async_api import Page, expect
from tests.browser.looking import picture

from openccp.testing.platform import RunningPlatform

expect.set_options(timeout=60_000)
TABLE = "species,mass\nAdelie,3700\nAdelie,3800\nGentoo,5000\n"


async def test_from_the_first_page_to_a_result_and_a_program_that_runs(
    page: Page, platform: RunningPlatform, tmp_path: Path
) -> None:
    await page.goto(platform.url)
    await page.get_by_role("link", name="Processes").first.click()
    await page.get_by_label("Search").fill("sumary of tabel")
    await page.get_by_label("Search").press("Enter")
    await expect(page.get_by_role("article")).to_have_count(1)
    await picture(page, "journey-1-found")
    await page.get_by_role("link", name="Run Summary of a table").click()

    table = tmp_path / "penguins.csv"
    table.write_text(TABLE)
    await page.get_by_label("Table", exact=True).set_input_files(table)
    await page.get_by_label("Group by").fill("species")
    await picture(page, "journey-2-form")
    await page.get_by_role("button", name="Run", exact=True).click()
    await page.wait_for_url("**/jobs/*")
    await expect(page.locator("#state .status")).to_have_text("successful")
    await picture(page, "journey-3-job")
    job = page.url

    await page.get_by_role("link", name="Results", exact=True).click()
    await expect(page.locator("main")).to_contain_text("Gentoo")
    await picture(page, "journey-4-results")

    await page.goto(job)
    await page.get_by_role("link", name="Code", exact=True).click()
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Python", exact=True).click()
    program = tmp_path / "again.py"
    await (await download.value).save_as(program)
    await picture(page, "journey-5-code")

    token = platform.command("token", "create", "admin")
    made = await asyncio.create_subprocess_exec(
        sys.executable,
        program,
        cwd=tmp_path,
        env={**os.environ, "CCP_TOKEN": token},
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await asyncio.wait_for(made.communicate(), 120)
    assert made.returncode == 0, told.decode()
    found = [file for file in tmp_path.rglob("summary.csv") if "mass" in file.read_text()]
    assert found, sorted(str(file) for file in tmp_path.rglob("*"))
