"""The form in a browser: its widgets, by mouse and by keyboard, and what axe says of it."""

import hashlib
import json
import os
from typing import Any

import httpx2
import pytest
from playwright.async_api import Page, Route, expect
from tests.browser.looking import faults, picture

from openccp.testing.platform import RunningPlatform, bash_method

expect.set_options(timeout=30_000)
MIB = 1 << 20
METHOD = bash_method(
    "widgets",
    """\
sha256sum </ccp_in/table | cut -c -64 >digest.txt
printf %s {{program}} >program.txt
cp /ccp_in/inputs.json inputs.json
""",
    inputs={
        "name": {"title": "Your name", "schema": {"type": "string", "maxLength": 20}},
        "depth": {
            "title": "Depth",
            "description": "Below the surface.",
            "schema": {"type": "number", "minimum": 0, "maximum": 11000, "x-ogc-unit": "m"},
        },
        "many": {"title": "Stations", "maxOccurs": 9, "schema": {"type": "string"}},
        "program": {
            "title": "Program",
            "schema": {"type": "string", "contentMediaType": "text/x-python"},
        },
        "area": {"title": "Area", "schema": {"type": "object", "format": "ogc-bbox"}},
        "shape": {
            "title": "Shape",
            "minOccurs": 0,
            "schema": {"type": "object", "format": "geojson-geometry"},
        },
        "day": {"title": "Day", "minOccurs": 0, "schema": {"type": "string", "format": "date"}},
        "sort": {"title": "Sort", "schema": {"type": "string", "enum": ["sea", "lake"]}},
        "table": {"title": "Table", "schema": {"type": "string", "format": "file"}},
        "key": {"title": "Key", "minOccurs": 0, "schema": {"type": "string", "format": "secret"}},
    },
    outputs={
        "digest": {"schema": {"type": "string"}, "x-ccp-path": "digest.txt"},
        "inputs": {"schema": {"type": "object"}, "x-ccp-path": "inputs.json"},
        "program": {"schema": {"type": "string"}, "x-ccp-path": "program.txt"},
    },
)


@pytest.fixture(scope="session")
def address(platform: RunningPlatform) -> str:
    """The form of a method that everybody may see, with each kind of field."""
    platform.command("user", "add", "author", "--admin", password="a long password for tests")
    author = platform.command("token", "create", "author")
    answer = httpx2.post(
        f"{platform.url}/processes?visibility=public",
        json=METHOD,
        headers={"Authorization": f"Bearer {author}"},
        trust_env=False,
    )
    assert answer.status_code == 201, answer.text
    return f"{platform.url}/processes/widgets/form"


async def result(page: Page, output: str) -> Any:
    """A result of the job whose page is shown."""
    await expect(page.locator("#state .status")).to_have_text("successful")
    answer = await page.request.get(f"{page.url}/results/{output}")
    return await answer.text()


async def fill(page: Page) -> None:
    await page.get_by_label("Your name").fill("Ada")
    await page.get_by_label("Depth").fill("12.5")
    await page.get_by_label("Stations 1").fill("north")
    await page.get_by_role("textbox", name="Program").fill("print(1)\n")
    await page.get_by_label("Area", exact=False).first.fill("-10, 35, 20, 60")
    await page.get_by_label("Sort").select_option("sea")


async def test_every_widget_says_what_was_written(page: Page, address: str) -> None:
    await page.goto(address)
    await fill(page)
    await page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.setData("text/plain", "a\\tx\\nb\\ty\\nc\\tz\\n");
          const told = {clipboardData: data, cancelable: true, bubbles: true};
          const event = new ClipboardEvent("paste", told);
          document.querySelector(".rows input").dispatchEvent(event);
        }"""
    )
    await page.get_by_role("button", name="Add a value").click()
    await page.keyboard.type("d")
    await page.get_by_role("button", name="Remove").nth(1).click()
    world = page.locator("ccp-map[data-kind=geometry] svg")
    await world.scroll_into_view_if_needed()
    spot = await world.bounding_box()
    assert spot is not None
    middle = (spot["x"] + spot["width"] / 2, spot["y"] + spot["height"] / 2)
    await page.mouse.move(*middle)
    await page.mouse.down()
    await page.mouse.move(middle[0] + 60, middle[1] - 40)
    await page.mouse.up()
    content = os.urandom(MIB)
    file = {"name": "t.bin", "mimeType": "application/octet-stream", "buffer": content}
    await page.locator("#f-table").set_input_files(file)  # type: ignore[arg-type]
    await expect(page.locator("ccp-file [role=status]")).to_contain_text("Sent and checked")
    await picture(page, "filled")
    await page.get_by_role("button", name="Run", exact=True).click()
    await page.wait_for_url("**/jobs/*")
    inputs = json.loads(await result(page, "inputs"))
    assert inputs["many"] == ["a", "c", "d"]
    assert inputs["depth"] == 12.5
    assert inputs["area"]["bbox"] == [-10, 35, 20, 60]
    assert inputs["shape"]["type"] == "Polygon"
    assert (await result(page, "digest")).strip() == hashlib.sha256(content).hexdigest()
    assert await result(page, "program") == "print(1)\n"
    await page.goto(address)
    await page.get_by_role("button", name="From an earlier job").click()
    await page.get_by_role("button", name="digest.txt").first.click()
    assert "/outputs/digest.txt" in await page.locator("#a-table").input_value()


async def test_an_upload_goes_on_after_cuts_and_after_a_reload(page: Page, address: str) -> None:
    cuts, sent = 2, 0

    async def cut(route: Route) -> None:
        nonlocal cuts, sent
        if route.request.method == "PATCH":
            sent += 1
            if sent > 1 and cuts:
                cuts -= 1
                await route.abort("connectionreset")
                return
        await route.continue_()

    await page.route("**/uploads/*", cut)
    content = os.urandom(10 * MIB)
    file = {"name": "large.bin", "mimeType": "application/octet-stream", "buffer": content}
    await page.goto(address)
    await page.locator("#f-table").set_input_files(file)  # type: ignore[arg-type]
    await expect(page.locator("ccp-file [role=status]")).to_contain_text("Sent and checked")
    assert not cuts
    at = await page.locator("#a-table").input_value()
    told = await (await page.request.get(f"{address.partition('/processes')[0]}{at}")).json()
    assert told["sha256"] == hashlib.sha256(content).hexdigest()


async def test_what_is_wrong_is_said_when_a_field_is_left(page: Page, address: str) -> None:
    await page.goto(address)
    depth = page.get_by_label("Depth")
    await depth.fill("-3")
    await depth.blur()
    await expect(page.locator("#w-depth")).to_contain_text("0")
    await expect(depth).to_have_attribute("aria-invalid", "true")
    await expect(page.locator("#w-name")).to_have_count(0)
    said = await page.locator("#w-depth").text_content()
    await page.get_by_role("button", name="Run", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("Not sent yet")
    assert await page.locator("#w-depth").text_content() == said, "the same words from the server"
    await picture(page, "wrong")


async def test_nothing_typed_is_lost_but_secrets(page: Page, address: str) -> None:
    await page.goto(address)
    await fill(page)
    await page.get_by_label("Key").fill("sesame")
    await page.reload()
    await expect(page.get_by_label("Your name")).to_have_value("Ada")
    await expect(page.get_by_label("Stations 1")).to_have_value("north")
    await expect(page.get_by_label("Key")).to_have_value("")
    assert "sesame" not in await page.evaluate("JSON.stringify({...sessionStorage})")
    await page.get_by_role("button", name="As YAML").click()
    text = await page.get_by_label("The request as YAML").input_value()
    assert "name: Ada" in text
    await page.get_by_label("The request as YAML").fill(text.replace("Ada", "Grace"))
    await picture(page, "yaml")
    assert "Grace" not in await page.evaluate("JSON.stringify({...sessionStorage})")
    await page.get_by_role("button", name="As a form").click()
    await expect(page.get_by_label("Your name")).to_have_value("Grace")


async def test_the_keyboard_is_enough(page: Page, address: str) -> None:
    await page.goto(address)
    await page.get_by_label("Your name").focus()
    for typed in ("Ada", "Tab", "7", "Tab", "north", "Tab", "Tab", "Tab", "print(1)", "Escape"):
        await (page.keyboard.press if typed in ("Tab", "Escape") else page.keyboard.type)(typed)
    await page.keyboard.press("Tab")
    await page.keyboard.type("1, 2, 3, 4")
    for _ in range(12):
        if await page.evaluate("document.activeElement.id") == "f-sort":
            break
        await page.keyboard.press("Tab")
    await page.keyboard.press("ArrowDown")
    await page.locator("#a-table").focus()
    await page.keyboard.type("/uploads/none")
    await page.get_by_role("button", name="Run", exact=True).focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("Table")
    await expect(page.locator(".fault")).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 320])
@pytest.mark.parametrize("view", ["form", "json"])
async def test_axe_finds_nothing(
    page: Page, address: str, scheme: Any, width: int, view: str
) -> None:
    await page.emulate_media(color_scheme=scheme)
    await page.set_viewport_size({"width": width, "height": 900})
    await page.goto(f"{address}?view={view}")
    if view == "form":
        await page.locator(".editor").wait_for()
        await page.locator("ccp-map svg").first.wait_for()
        await page.get_by_role("textbox", name="Program").fill("if x:\n  y = 'a' + 1  # why\n")
        await page.get_by_label("Depth").fill("-3")
        await page.get_by_label("Depth").blur()
        await page.locator("#w-depth").wait_for()
    await picture(page, f"{view}-{scheme}-{width}")
    assert await faults(page) == []
