"""A teacher's hour in a real browser: a set is written, pasted, mapped, mended, balanced, undone, reloaded, exported."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from e2lm_core.base.records import Question
from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection
from scripts.screenshots import note_error, server, settle
from tests.support.browser import go

pytestmark = pytest.mark.slow
expect.set_options(timeout=60_000)
SET = "chemistry_101"
# Twelve written, the first two choices of each; the right one is always typed first, as most people do.
WRITTEN = [(f"What does the symbol {s} stand for?", name, other) for s, name, other in (
    ("H", "hydrogen", "helium"), ("He", "helium", "hydrogen"), ("C", "carbon", "calcium"), ("N", "nitrogen", "sodium"),
    ("O", "oxygen", "osmium"), ("Na", "sodium", "nitrogen"), ("K", "potassium", "krypton"), ("Fe", "iron", "fermium"),
    ("Cu", "copper", "curium"), ("Ag", "silver", "gold"), ("Au", "gold", "silver"), ("Pb", "lead", "boron"),
)]  # fmt: skip
# Twenty of a spreadsheet, the last of which are there already.
PASTED = "\n".join(
    [f"Which number does element {n} have?\t{n}\t{n + 100}\t{n + 200}\tA" for n in range(1, 19)]
    + [f"{text}\t{right}\t{wrong}\t\tA" for text, right, wrong in WRITTEN[:2]]
)
# A colleague's file, whose columns are named in no way that could be guessed.
FILE = "Thing;X;Y;Sol\n" + "".join(f"Is {n} g more than {n + 1} g?;no;yes;no\n" for n in range(5))
COLUMNS = {"Thing": "question", "X": "choice 1", "Y": "choice 2", "Sol": "right answer"}


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def page(browser: Browser, home: Settings) -> Iterator[Page]:
    faults: list[str] = []
    env = os.environ | {"E2LM_HOME": str(home.home), "E2LM_LADDER": str(home.home / "none")}
    with server(env) as url:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        opened = context.new_page()
        opened.on("console", partial(note_error, faults))
        opened.on("pageerror", lambda error: faults.append(f"throws {error}"))
        opened.set_default_timeout(30_000)
        opened.goto(url)
        settle(opened)
        yield opened
        context.close()
    assert not faults


def questions(home: Settings) -> list[Question]:
    return list(collection.open_set(home, SET).questions)


def golds(home: Settings) -> list[int]:
    return [question.answer for question in questions(home)]


def saved(page: Page) -> None:
    expect(page.locator(".qt-state:not(.qt-ok)")).to_have_count(0)
    expect(page.locator(".qt-status .qt-ok")).to_contain_text("Saved")


def is_balanced(home: Settings) -> bool:
    two = Counter(q.answer for q in questions(home) if len(q.choices) == 2)
    return max(two.values()) - min(two.values()) <= 1


def packed(data: bytes) -> list[dict]:
    with zipfile.ZipFile(io.BytesIO(data)) as bundle:
        return [json.loads(line) for line in bundle.read(f"{SET}/test.jsonl").decode().splitlines()]


def test_a_set_is_written_in_an_hour(page: Page, home: Settings, tmp_path: Path) -> None:
    page.get_by_role("button", name="Write", exact=True).click()
    page.get_by_label("Title").fill("Chemistry 101")
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"Name in files and links: {SET}")).to_be_visible()
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Questions")
    settle(page)

    page.get_by_role("button", name="Add a question").click()
    form = page.get_by_role("form", name="A new question")
    text = form.get_by_role("textbox", name="The new question's text")
    for number, (asked, right, wrong) in enumerate(WRITTEN, 1):
        text.fill(asked)
        form.get_by_role("textbox", name="Choice A of the new question").fill(right)
        form.get_by_role("textbox", name="Choice B of the new question").fill(wrong)
        form.get_by_role("radio", name="A is right").click()
        form.get_by_role("button", name="Add the question").click()
        expect(text).to_have_value("")
        expect(page.locator(".qt-status")).to_contain_text(f"{number} question")
    saved(page)
    settle(page)

    page.get_by_role("radio", name="Import, paste").click()
    settle(page)
    page.evaluate("text => navigator.clipboard.writeText(text)", PASTED)
    page.get_by_role("textbox", name="Paste rows").click()
    page.keyboard.press("Control+V")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("2 questions of the file are there already")).to_be_visible()
    page.get_by_text("Skip duplicates").click()  # taken all the same, to be mended below
    page.get_by_role("button", name="Add 20 questions").click()
    settle(page)
    assert len(questions(home)) == 32

    file = tmp_path / "colleague.csv"
    file.write_text(FILE, encoding="utf-8")
    page.locator("input[type=file]").first.set_input_files(file)
    page.get_by_text("Change columns and format").click()
    for column, role in COLUMNS.items():
        box = page.get_by_role("combobox", name=column, exact=False).filter(has=page.locator("xpath=."))
        box.last.click()
        page.keyboard.type(role)
        page.keyboard.press("Enter")
        settle(page)
    page.get_by_role("button", name="Add 5 questions").click()
    settle(page)
    assert [(q.question, q.choices[q.answer]) for q in questions(home)[32:]] == [
        (f"Is {n} g more than {n + 1} g?", "no") for n in range(5)
    ]

    page.get_by_role("radio", name="Table").click()
    settle(page)
    page.get_by_role("searchbox", name="Search the questions").fill("hydrogen")
    rows = page.locator(".qt-row")
    expect(rows).to_have_count(4)
    for place in (2, 3):  # the two that were there already
        rows.nth(place).get_by_role("checkbox").click()
    page.get_by_role("toolbar").get_by_role("button", name="Delete").click()
    expect(rows).to_have_count(2)
    page.get_by_role("searchbox", name="Search the questions").fill("")
    expect(page.locator(".qt-status")).to_contain_text("35 questions")
    assert len({q.question for q in questions(home)}) == 35

    before = golds(home)
    page.get_by_role("checkbox", name="Choose question 1", exact=True).click()
    page.locator(".qt-list").evaluate("e => e.scrollTo(0, e.scrollHeight)")
    page.get_by_role("checkbox", name="Choose question 35", exact=True).click(modifiers=["Shift"])
    page.get_by_role("toolbar").get_by_role("button", name="Balance answers").click()
    expect(page.locator(".qt-notice")).to_contain_text("balanced")
    balanced = golds(home)
    assert is_balanced(home)
    settle(page)
    page.get_by_role("button", name="Undo", exact=False).first.click()
    settle(page)
    assert golds(home) == before
    page.get_by_role("button", name="Redo", exact=False).first.click()
    settle(page)
    assert golds(home) == balanced

    page.reload()
    settle(page)
    expect(page.locator(".qt-status")).to_contain_text("35 questions")
    go(page, "Share")
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Download {SET}.zip").click()
    rows = packed(download.value.path().read_bytes())
    assert [(row["question"], row["answer"]) for row in rows] == [
        (q.question, q.answer) for q in questions(home)
    ]


def _delete(page: Page, row: Locator) -> None:
    row.hover()
    row.get_by_role("button", name="Delete question").click()
    expect(page.locator(".qt-notice")).to_contain_text("Deleted")
    expect(page.locator(".qt-row")).to_have_count(1)
