"""A set is made, written, mended and exported in a real browser by the keyboard alone: the mouse is never used."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection
from scripts.screenshots import server, settle

pytestmark = pytest.mark.slow
expect.set_options(timeout=60_000)
SET = "by_keys"
MAX_STOPS = 120
_FOCUSED = """() => {
  const el = document.activeElement;
  const text = el?.matches("main, body") ? "" : el?.innerText;
  return [el?.getAttribute("aria-label"), text, el?.tagName].filter(Boolean).join(" ");
}"""


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def page(browser: Browser, home: Settings) -> Iterator[Page]:
    env = os.environ | {"E2LM_HOME": str(home.home), "E2LM_LADDER": str(home.home / "none")}
    with server(env) as url:
        opened = browser.new_context(
            viewport={"width": 1280, "height": 900}, accept_downloads=True
        ).new_page()
        opened.set_default_timeout(30_000)
        opened.goto(url)
        settle(opened)
        yield opened
        opened.context.close()


def tab_to(page: Page, name: str, key: str = "Tab") -> None:
    """Press a key until what has the focus bears a name."""
    stops = []
    for _ in range(MAX_STOPS):
        page.keyboard.press(key)
        stops.append(page.evaluate(_FOCUSED))
        if name in stops[-1]:
            return
    raise AssertionError(f"{name!r} is never reached: {stops}")


def focused(page: Page) -> str:
    return page.evaluate(_FOCUSED)


def opened_popover(page: Page, button: str) -> None:
    tab_to(page, button)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("stPopoverBody").get_by_role("textbox", name="Title")).to_be_focused()


def test_a_popover_is_entered_and_left_by_the_keyboard(page: Page) -> None:
    opened_popover(page, "Write")
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)
    assert "Write" in focused(page)
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Title")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)
    assert "Write" in focused(page)


def test_a_set_is_written_and_exported_by_the_keyboard_alone(page: Page, home: Settings) -> None:
    opened_popover(page, "Write")
    page.keyboard.press("Control+A")
    page.keyboard.type("by keys")
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"Name in files and links: {SET}")).to_be_visible()
    tab_to(page, "Create")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Questions")
    settle(page)

    tab_to(page, "Add a question")
    page.keyboard.press("Enter")
    text = page.get_by_role("textbox", name="The new question's text")
    expect(text).to_be_focused()
    for number, (asked, right, wrong) in enumerate(
        [("Which gas do plants take in?", "carbon dioxide", "helium"), ("What melts?", "ice", "steam")], 1
    ):
        page.keyboard.type(asked)
        tab_to(page, "A is right")
        page.keyboard.press("Space")
        tab_to(page, "Choice A of the new question")
        page.keyboard.type(right)
        page.keyboard.press("Enter")
        page.keyboard.type(wrong)
        page.keyboard.press("Control+Enter")
        expect(page.locator(".qt-status")).to_contain_text(f"{number} question")
        expect(text).to_be_focused()
    page.keyboard.press("Escape")
    assert [q.choices[q.answer] for q in collection.open_set(home, SET).questions] == [
        "carbon dioxide",
        "ice",
    ]

    tab_to(page, "What melts?")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.keyboard.press("End")
    page.keyboard.type(" By day")
    page.keyboard.press("Enter")
    expect(page.locator(".qt-state:not(.qt-ok)")).to_have_count(0)
    expect(page.get_by_text("Which gas do plants take in? By day")).to_be_visible()
    settle(page)

    tab_to(page, "Share", "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Share")
    settle(page)
    tab_to(page, f"Download {SET}.zip")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as bundle:
        rows = [json.loads(line) for line in bundle.read(f"{SET}/test.jsonl").decode().splitlines()]
    assert [row["question"] for row in rows] == ["Which gas do plants take in? By day", "What melts?"]
