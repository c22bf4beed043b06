"""Twenty rows of a spreadsheet in a real browser's clipboard: looked at, added, and taken back in one step."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from e2lm_core.base.records import Question
from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection, versions
from scripts.screenshots import note_error, server, settle

pytestmark = pytest.mark.slow
expect.set_options(timeout=60_000)
THERE = tuple(
    Question(id=f"q{n}", question=f"What comes after {n}?", choices=(str(n + 1), str(n)), answer=0)
    for n in range(12)
)
# As the review's teacher copied them: question, choices, the right one's letter, and one that is there already.
ROWS = "\r\n".join(
    [f"What is {n} and 1?\t{n}\t{n + 1}\t{n + 2}\tB" for n in range(30, 49)]
    + ["What comes after 3?\t3\t4\t\tB"]
)


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / "home")
    collection.create_set(settings, "mine", THERE)
    return settings


@pytest.fixture
def page(browser: Browser, home: Settings) -> Iterator[Page]:
    faults: list[str] = []
    env = os.environ | {"E2LM_HOME": str(home.home), "E2LM_LADDER": str(home.home / "none")}
    with server(env) as url:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        opened = context.new_page()
        opened.on("console", partial(note_error, faults))
        opened.set_default_timeout(60_000)
        opened.goto(f"{url}/questions?set=mine")
        settle(opened)
        opened.evaluate("text => navigator.clipboard.writeText(text)", ROWS)
        yield opened
        context.close()
    assert not faults


def questions(home: Settings) -> tuple[Question, ...]:
    return collection.open_set(home, "mine").questions


def test_pasted_rows_are_added_as_they_are_meant_and_one_undo_takes_them_back(
    page: Page, home: Settings
) -> None:
    page.get_by_role("radio", name="Import, paste").click()
    settle(page)
    page.get_by_role("textbox", name="Paste rows").click()
    page.keyboard.press("Control+V")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("TSV, a tab between cells: 20 questions.")).to_be_visible()
    expect(
        page.get_by_text("1 question of the file is there already: Row 20 repeats q3 of the set.")
    ).to_be_visible()
    page.get_by_role("button", name="Add 19 questions and leave out 1").click()
    settle(page)
    assert questions(home)[:12] == THERE
    assert [(q.question, q.choices[q.answer]) for q in questions(home)[12:]] == [
        (f"What is {n} and 1?", str(n + 1)) for n in range(30, 49)
    ]
    expect(page.get_by_role("textbox", name="Paste rows")).to_have_value("")
    versions.undo_with_note(home, "mine")
    assert questions(home) == THERE
