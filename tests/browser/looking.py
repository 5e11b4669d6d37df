"""What tests look at of a page: its picture, what axe says of it, and whether it fits."""

import os
from pathlib import Path

from playwright.async_api import Page

AXE = Path(__file__).parents[2] / "ui/node_modules/axe-core/axe.min.js"


async def picture(page: Page, name: str) -> None:
    """Keep what is seen, where CCP_PICTURES says."""
    if folder := os.environ.get("CCP_PICTURES"):
        await page.screenshot(path=f"{folder}/{name}.png", full_page=True)


async def faults(page: Page) -> list[str]:
    """What axe finds on the page, and that it has to be scrolled sideways."""
    await page.evaluate(AXE.read_text())
    found = await page.evaluate("axe.run().then((found) => found.violations)")
    told = [f"{one['id']}: {[node['html'] for node in one['nodes']]}" for one in found]
    wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [*told, f"{wide} pixels stand out at the side"] if wide > 0 else told
