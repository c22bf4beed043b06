"""The guided start as a newcomer takes it: five steps, a reload, a pause, and the bundle."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection
from e2lm_core.sets.editing.guide import NAME
from scripts.screenshots import note_error, server, settle
from tests.conftest import needs
from tests.support.browser import RUN_MS, go

pytestmark = pytest.mark.slow
expect.set_options(timeout=60_000)


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


def click(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    settle(page)


def mark(page: Page, letter: str) -> None:
    """Mark a choice of question 1 as the right one."""
    page.locator('.qt-row[aria-rowindex="1"]').get_by_role("radio", name=f"{letter} is right").click()


def test_a_newcomer_takes_the_guided_start(page: Page, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    bar = page.locator(".st-key-guide")
    click(page, "Guided start")
    expect(page.get_by_role("heading", level=1)).to_have_text("Questions")
    expect(bar).to_contain_text("Step 2 of 5: Change an answer.")
    first = collection.open_set(settings, NAME).questions[0]
    wrong = "ABCD"[(first.answer + 1) % 4]

    mark(page, wrong)
    expect(bar).to_contain_text("Step 3 of 5: Watch the curve.")
    page.reload()
    settle(page)
    expect(bar).to_contain_text("Step 3 of 5: Watch the curve.")
    click(page, "Watch its curve")
    expect(page.locator(".st-key-tabs").get_by_role("radio", name="By question")).to_be_checked()
    page.get_by_role("button", name="I have seen it").click(timeout=RUN_MS)
    expect(bar).to_contain_text("Step 4 of 5: Mend a suspect.")

    click(page, "Leave")
    expect(bar).to_have_count(0)
    go(page, "Sets")
    click(page, "Go on with the guided start")
    expect(bar).to_contain_text("Step 4 of 5: Mend a suspect.")
    expect(page.get_by_role("heading", level=1)).to_have_text("Questions")
    expect(page.get_by_text("with a possibly wrong answer key")).to_be_visible()
    click(page, "Open the question")
    mark(page, "ABCD"[first.answer])
    expect(bar).to_contain_text("Step 5 of 5: Download the bundle.")
    assert collection.open_set(settings, NAME).questions[0].answer == first.answer

    click(page, "Open Share")
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Download {NAME}.zip").click()
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as bundle:
        rows = bundle.read(f"{NAME}/test.jsonl").decode().splitlines()
    assert json.loads(rows[0])["question"] == first.question
    expect(bar).to_contain_text("Guided start: Done.")
    click(page, "Close")
    expect(bar).to_have_count(0)
