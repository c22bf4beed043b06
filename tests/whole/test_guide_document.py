"""docs/guide.md done by its own words: what stands in italics is found by that name, in that order."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from e2lm_core.base.settings import ROOT, Settings
from e2lm_core.sets import collection
from scripts.screenshots import note_error, server, settle
from tests.conftest import needs
from tests.support.browser import RUN_MS

pytestmark = pytest.mark.slow
expect.set_options(timeout=60_000)
GUIDE = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
SET = "my_school"


class Reader:
    """A reader who does what the guide says, and finds each name in its text behind the one before."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.at = 0

    def read(self, name: str) -> str:
        """A name that the guide gives next, in italics, as code or as a place in bold."""
        found = re.compile(rf"(\*|\*\*|`){re.escape(name)}\1").search(GUIDE, self.at)
        assert found, f"the guide does not name {name!r} after character {self.at}"
        self.at = found.start()
        return name

    def click(self, name: str, role: str = "button") -> None:
        self.page.get_by_role(role, name=self.read(name)).first.click()  # type: ignore[arg-type]
        settle(self.page)

    def place(self, name: str) -> None:
        self.page.get_by_test_id("stSidebarNavLink").filter(has_text=self.read(name)).click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(name)
        settle(self.page)

    def tab(self, name: str) -> None:
        self.page.locator(".st-key-tabs").get_by_text(self.read(name), exact=True).click()
        settle(self.page)


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """The studio as it is delivered, with the examples' results."""
    env = os.environ | {
        "E2LM_HOME": str(tmp_path / "home"),
        "E2LM_LADDER": str(needs("ladder")),
        "E2LM_SHIPPED": "1",
    }
    faults: list[str] = []
    with server(env) as url:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
        opened = context.new_page()
        opened.on("console", partial(note_error, faults))
        opened.on("pageerror", lambda error: faults.append(f"throws {error}"))
        opened.set_default_timeout(60_000)
        opened.goto(url)
        settle(opened)
        yield opened
        context.close()
    assert not faults


def test_the_guide_can_be_done_by_its_own_words(page: Page, tmp_path: Path) -> None:
    reader, settings = Reader(page), Settings(home=tmp_path / "home")
    reader.click("Try the example")
    expect(page.get_by_role("heading", level=1)).to_have_text("Result")
    reader.place("Curves")

    reader.place("Sets")
    page.locator(".st-key-card_ladder_school").get_by_role("button", name="Questions").click()
    settle(page)
    reader.click("Copy this set")
    page.get_by_test_id("stPopoverBody").get_by_role("textbox").first.fill(reader.read(SET))
    page.get_by_test_id("stPopoverBody").get_by_role("button", name=reader.read("Copy"), exact=True).click()
    settle(page)
    assert len(collection.open_set(settings, SET).questions) == 30
    reader.tab("Known facts")
    words = reader.read("lion eat")
    find = page.get_by_label(reader.read("Find a fact"))
    find.fill(words)
    find.press("Enter")
    expect(page.get_by_text("1 to 1 of 1 fact")).to_be_visible()
    reader.click("Write about this")
    reader.click("Add the question")
    expect(page.get_by_text("31 questions").first).to_be_visible()
    assert len(collection.open_set(settings, SET).questions) == 31

    expect(page.get_by_text(reader.read("up to date")).first).to_be_visible(timeout=RUN_MS)
    reader.place("Result")
    expect(page.get_by_text("31 questions").first).to_be_visible()
    reader.place("Curves")
    reader.tab("By question")

    reader.place("Questions")
    reader.tab("Problems")
    expect(page.get_by_role("button", name=reader.read("Open"), exact=True).first).to_be_visible()
    expect(page.get_by_role("button", name=reader.read("Ignore")).first).to_be_visible()

    reader.place("Share")
    with page.expect_download() as download:
        reader.click(f"Download {SET}.zip")
    assert download.value.suggested_filename == f"{SET}.zip"
    with page.expect_download():
        reader.click("Download the report")
