"""The main job in a real browser, against a real server with its worker process and real checkpoints."""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from collections.abc import Iterator
from functools import partial
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from scripts.screenshots import FLAGS, ROOT, note_error, server, settle
from tests.conftest import needs

pytestmark = pytest.mark.slow
SET = "my_science"
EDITED = "Which gas do green plants take in to make sugar?"
ROW_PX, ID_PX = 35, 200  # the grid's rows, and more than its first column
RUN_MS = 300_000
expect.set_options(timeout=60_000)  # a busy machine answers late


@pytest.fixture
def url(tmp_path) -> Iterator[str]:
    env = os.environ | {"E2LM_HOME": str(tmp_path / "home"), "E2LM_LADDER": str(needs("ladder"))}
    with server(env) as address:
        yield address


@pytest.fixture
def page(url) -> Iterator[Page]:
    """A page that notes what must not happen: an error on its console, or a word to another host."""
    faults: list[str] = []

    def note_host(address: str) -> None:
        parts = urlsplit(address)
        if parts.hostname and parts.hostname not in ("127.0.0.1", "localhost"):
            faults.append(f"asks {address}")

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(needs("chromium")), args=FLAGS)
        context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
        context.on("request", lambda request: note_host(request.url))
        opened = context.new_page()
        opened.on("console", partial(note_error, faults))
        opened.on("pageerror", lambda error: faults.append(f"throws {error}"))
        opened.on("websocket", lambda socket: note_host(socket.url))
        opened.set_default_timeout(60_000)
        yield opened
        browser.close()
    assert not faults


def go(page: Page, name: str) -> None:
    page.get_by_test_id("stSidebarNavLink").filter(has_text=name).click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    settle(page)


def strip(page: Page):
    return page.locator(".st-key-strip")


def drawn(page: Page) -> dict[str, list[float]]:
    """The curves of the page's first chart, by model, complete ones only."""
    page.wait_for_selector(".js-plotly-plot")
    traces = page.evaluate(
        """() => document.querySelector(".js-plotly-plot").data
            .filter(t => t.mode === "lines+markers").map(t => [t.name, Array.from(t.y._inputArray ?? t.y)])"""
    )
    return dict(traces)


def type_into_question(page: Page, row: int, text: str) -> None:
    """As a visitor does: click the cell, open it with Enter, type, and leave it with Enter."""
    grid = page.get_by_test_id("stDataFrame").first
    grid.scroll_into_view_if_needed()
    cell = page.locator(f"#glide-cell-1-{row}")
    canvas = grid.locator("canvas").first.bounding_box()
    assert canvas is not None
    expect(cell).to_be_attached()
    page.mouse.click(canvas["x"] + ID_PX + 60, canvas["y"] + ROW_PX * (row + 1) + ROW_PX / 2)
    page.wait_for_timeout(120)
    page.keyboard.press("Enter")
    editor = page.locator(".gdg-input")
    editor.wait_for()
    editor.fill(text)
    page.keyboard.press("Enter")
    expect(cell).to_have_text(text)


def test_a_link_to_a_page_is_the_first_thing_that_a_server_sees(page, url):
    page.goto(f"{url}/run?set=ladder_general")
    settle(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Run")
    expect(page.get_by_test_id("stSidebarNavLink").filter(has_text="Rank stability")).to_be_visible()
    expect(page.get_by_test_id("stSidebarNavLink")).to_have_count(len(list((ROOT / "pages").glob("*.py"))))
    expect(strip(page).get_by_role("combobox")).to_have_value(re.compile("ladder_general"))


def test_the_main_job(page, url):
    page.goto(f"{url}/?set=ladder_science")
    settle(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("ladder_science")
    expect(strip(page)).to_contain_text("never run")

    go(page, "Author")
    page.get_by_role("button", name="Copy this set").click()
    name = page.get_by_label("Name of the copy")
    name.fill(SET)
    name.press("Enter")
    settle(page)
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page).to_have_url(f"{url}/author?set={SET}")
    settle(page)

    go(page, "Run")
    for model in (
        "small-arch2",
        "medium-arch2",
        "large-arch1",
        "large-arch2",
        "medium-arch1-web",
        "small-arch1-seed2",
        "small-arch1-seed3",
    ):
        page.get_by_role("button", name=model, exact=True).click()
        settle(page)
    page.get_by_role("radio", name="ends and middle").click()
    settle(page)
    page.get_by_role("button", name="Run 2 models").click()
    expect(strip(page)).to_contain_text("up to date", timeout=RUN_MS)

    go(page, "Curves")
    page.get_by_role("radio", name="norm_prob").click()
    settle(page)
    before = drawn(page)
    assert {name: len(values) for name, values in before.items()} == {"small-arch1": 3, "medium-arch1": 3}

    go(page, "Author")
    type_into_question(page, 0, EDITED)
    settle(page)
    go(page, "Curves")
    expect(strip(page)).to_contain_text("up to date", timeout=RUN_MS)
    page.get_by_role("radio", name="norm_prob").click()
    settle(page)
    after = drawn(page)
    assert after.keys() == before.keys()
    assert all(after[model] != before[model] for model in before)

    go(page, "Export")
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Download {SET}.zip").click()
    data = download.value.path().read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as bundle:
        rows = [json.loads(line) for line in bundle.read(f"{SET}/test.jsonl").decode().splitlines()]
    assert rows[0]["question"] == EDITED

    visitor = page.context.new_page()  # a colleague who was sent the link
    visitor.goto(f"{url}/curves?set={SET}")
    settle(visitor)
    expect(strip(visitor)).to_contain_text("up to date")
    assert drawn(visitor).keys() == after.keys()
