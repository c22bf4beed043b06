"""The table of questions in a real browser: read, written, added to, searched and changed in bulk, by hand and by key."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from e2lm_core.base.records import Question
from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring, collection
from e2lm_core.sets.editing import drafts
from e2lm_core.ui.editor import table_script
from scripts.screenshots import note_error, server, settle
from tests.conftest import ROOT
from tests.support.browser import cell, type_into_question

pytestmark = pytest.mark.slow
expect.set_options(timeout=60_000)
FIELD = ".qt-list textarea"
LONG = (
    "Which of these is said at such length that no single line of a narrow table would ever hold all of it?"
)
SOURCE = ROOT / "e2lm_core" / "ui" / "editor" / "table"


@pytest.fixture(scope="module")
def server_home(tmp_path_factory) -> Iterator[tuple[str, Settings]]:
    home = tmp_path_factory.mktemp("table") / "home"
    env = os.environ | {"E2LM_HOME": str(home), "E2LM_LADDER": str(home / "none")}
    with server(env) as url:
        yield url, Settings(home=home)


@pytest.fixture
def here(server_home) -> Settings:
    settings = server_home[1]
    subjects = ("physics", "chemistry", None)
    questions = [
        Question(
            id=f"q{n}",
            question=LONG if n == 3 else f"What comes after {n}?",
            choices=(str(n + 1), str(n), str(n + 2)),
            answer=0,
            subject=subjects[n % 3],
        )
        for n in range(1, 41)
    ]
    if (settings.sets / "mine").exists():
        collection.delete_set(settings, "mine")
    collection.create_set(settings, "mine", questions)
    return settings


@pytest.fixture
def page(browser: Browser, here, server_home) -> Iterator[Page]:
    faults: list[str] = []
    opened = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    opened.on("console", partial(note_error, faults))
    opened.on("pageerror", lambda error: faults.append(f"throws {error}"))
    opened.set_default_timeout(60_000)
    opened.goto(f"{server_home[0]}/questions?set=mine")
    settle(opened)
    yield opened
    opened.context.close()
    assert not faults


# A browser that has so much to draw that its next frame comes half a second later than what the server answers.
BUSY = """
const frame = window.requestAnimationFrame.bind(window), wait = window.setTimeout.bind(window);
window.requestAnimationFrame = (then) => frame(() => wait(() => then(performance.now()), 500));
window.setTimeout = (then, ms, ...rest) => wait(then, ms > 20 && ms < 100 ? 500 : ms, ...rest);
"""


# A server that takes two seconds to give the rows.
LATE = """
const ask = window.fetch.bind(window);
window.fetch = async (to, ...rest) => {
  if (String(to).includes("/table")) await new Promise((over) => setTimeout(over, 2000));
  return ask(to, ...rest);
};
"""
# What a page does that is laid out anew: the table is taken out, and stands in another place a moment later.
LAID_OUT_ANEW = """
() => new Promise((over) => {
  const table = document.querySelector(".qt").parentElement, place = table.parentElement;
  table.remove();
  setTimeout(() => { e2lmTables.get("mine").placing.into(place); over(); }, 50);
})
"""
# What comes above the table between press and release: a notice, or what the models say.
LOWERED = """
() => document.querySelector(".qt").before(Object.assign(document.createElement("p"), { textContent: "A notice" }))
"""
# A press that the browser takes over, as for dragging, and a later release at the same place.
FORGOTTEN = """
() => {
  const options = { bubbles: true, pointerType: "mouse", button: 0, clientX: 5, clientY: 5 };
  document.querySelector(".qt-row .qt-mark").dispatchEvent(new PointerEvent("pointerdown", options));
  for (const type of ["pointercancel", "pointerup"]) document.body.dispatchEvent(new PointerEvent(type, options));
}
"""
# The table moves to another place of the page at once.
MOVED = """
() => {
  const place = document.querySelector(".qt").parentElement.parentElement, other = document.createElement("div");
  place.append(other);
  e2lmTables.get("mine").placing.into(other);
}
"""


def questions(settings: Settings, name: str = "mine") -> list[Question]:
    return list(collection.open_set(settings, name).questions)


def saved(page: Page) -> None:
    """Everything that was done is saved: the table says so."""
    expect(page.locator(".qt-state:not(.qt-ok)")).to_have_count(0)
    expect(page.locator(".qt-status .qt-ok")).to_contain_text("Saved")
    settle(page)


def test_it_is_read_as_a_whole_and_the_right_choice_is_set_by_a_click_and_a_key(page, here):
    row = page.locator('.qt-row[aria-rowindex="3"]')
    expect(cell(page, 2)).to_have_text(LONG)
    for text in (cell(page, 2), cell(page, 2, "choice 2")):
        assert text.evaluate("e => e.scrollWidth <= e.clientWidth + 1"), "nothing is cut"
    assert row.locator(".qt-gold").count() == 1
    row.get_by_role("radio", name="B is right").click()
    expect(row.locator(".qt-gold")).to_contain_text("3")
    saved(page)
    assert questions(here)[2].answer == 1
    cell(page, 2).click()
    page.keyboard.press("Escape")
    page.keyboard.press("3")
    expect(row.locator(".qt-gold")).to_contain_text("5")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(row.locator(".qt-gold")).to_contain_text("4")  # the tick of the last saving may still stand there
    saved(page)
    assert questions(here)[2].answer == 0


def test_typing_has_its_own_undo_and_escape_and_tab(page, here):
    cell(page, 0).click()
    field = page.locator(FIELD)
    page.keyboard.type(" Or")
    page.keyboard.press("Control+z")
    expect(field).not_to_have_value("What comes after 1? Or")
    assert questions(here)[0].question == "What comes after 1?"
    field.fill("Something else?")
    page.keyboard.press("Escape")
    expect(cell(page, 0)).to_have_text("What comes after 1?")
    page.get_by_role("button", name="Bring it back").click()
    saved(page)
    assert questions(here)[0].question == "Something else?"
    cell(page, 0).click()
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("In two lines?")
    page.keyboard.press("Tab")
    expect(page.get_by_role("textbox", name="Choice A, the right one")).to_be_focused()
    page.keyboard.type("0")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    saved(page)
    first = questions(here)[0]
    assert (first.question, first.choices[0]) == ("Something else?\nIn two lines?", "20")
    page.keyboard.press("Control+z")  # nobody types: the set's last change
    expect(cell(page, 0, "choice 0")).to_have_text("2")


def test_rows_that_come_before_the_first_frame_are_shown(page):
    page.add_init_script(BUSY)
    page.reload()
    expect(cell(page, 0)).to_have_text("What comes after 1?")


def test_what_is_typed_outlives_a_reload_and_a_refusal_says_why(page, here):
    cell(page, 1).click()
    page.locator(FIELD).fill("Typed and left?")
    page.reload()
    settle(page)
    expect(cell(page, 1)).to_have_text("Typed and left?")
    row = page.locator('.qt-row[aria-rowindex="2"]')
    expect(row.get_by_text("Not saved yet.")).to_be_visible()
    assert questions(here)[1].question == "What comes after 2?"
    row.get_by_role("button", name="Save").click()
    saved(page)
    assert questions(here)[1].question == "Typed and left?"
    cell(page, 1, "choice 1").click()
    page.locator(FIELD).fill("3")  # twice the same choice
    page.keyboard.press("Enter")
    expect(row.locator(".qt-unsaved")).to_contain_text("Not saved yet.")
    assert questions(here)[1].choices[1] == "2"
    row.get_by_role("button", name="Discard").click()
    expect(cell(page, 1, "choice 1")).to_have_text("2")
    assert not drafts.list_drafts(here, "mine")


def test_a_colleagues_edit_comes_while_one_types(page, here):
    cell(page, 0).click()
    page.locator(FIELD).fill("I am typing")
    authoring.update_questions(here, "mine", {"q2": {"question": "A colleague's?"}})
    expect(cell(page, 1)).to_have_text("A colleague's?")
    expect(page.locator(FIELD)).to_be_focused()
    page.keyboard.type(" on")
    page.keyboard.press("Enter")
    saved(page)
    assert questions(here)[0].question == "I am typing on"


def test_a_new_question_is_a_draft_until_it_is_complete(page, here):
    page.get_by_role("button", name="Add a question").click()
    form = page.get_by_role("form", name="A new question")
    expect(form.get_by_text("Still lacks")).to_have_count(0)
    page.keyboard.type("What is pH?")
    page.keyboard.press("Enter")
    page.keyboard.type("a measure of acids")
    expect(form.get_by_text("Still lacks two choices")).to_be_visible()
    page.wait_for_timeout(900)
    page.reload()
    settle(page)
    expect(form.get_by_role("textbox", name="The new question's text")).to_have_value("What is pH?")
    assert len(questions(here)) == 40
    form.get_by_role("textbox", name="Choice B of the new question").fill("a metal")
    form.get_by_role("radio", name="A is right").click()
    form.get_by_role("button", name="Add the question").click()
    expect(form.get_by_role("textbox", name="The new question's text")).to_have_value("")
    saved(page)
    assert questions(here)[-1].choices == ("a measure of acids", "a metal")
    assert len(questions(here)) == 41


def test_a_new_question_that_the_card_has_saved_is_out_of_the_tables_form(page, here):
    page.get_by_role("button", name="Add a question").click()
    form = page.get_by_role("form", name="A new question")
    page.keyboard.type("What is the unit of force?")
    for letter, text in (("A", "newton"), ("B", "joule")):
        form.get_by_role("textbox", name=f"Choice {letter} of the new question").fill(text)
    page.get_by_text("Card", exact=True).click()
    settle(page)
    page.get_by_role("button", name="Add a question").click()
    settle(page)
    page.get_by_label("subject", exact=True).fill("physics")
    page.wait_for_timeout(900)
    page.get_by_text("Table", exact=True).click()
    settle(page)
    expect(
        form.get_by_text("Still lacks its right answer: click the letter of the right one")
    ).to_be_visible()
    expect(form.get_by_label("The new question's subject")).to_have_value("physics")
    page.get_by_text("Card", exact=True).click()
    settle(page)
    page.get_by_role("radiogroup", name="The right answer").get_by_text("A", exact=True).click()
    page.get_by_role("button", name="Save", exact=True).click()
    settle(page)
    assert questions(here)[-1].choices == ("newton", "joule")
    page.get_by_text("Table", exact=True).click()
    settle(page)
    expect(page.locator(".qt-status")).to_contain_text("41 questions")
    if form.count():
        expect(form.get_by_role("textbox", name="The new question's text")).to_have_value("")
    assert not drafts.list_drafts(here, "mine")


def test_rows_are_duplicated_moved_and_deleted_and_one_click_deletes_one(page, here):
    row = page.locator('.qt-row[aria-rowindex="2"]')
    row.hover()
    row.get_by_role("button", name="Delete question 2").dblclick()
    expect(page.locator(".qt-notice")).to_contain_text("Deleted")
    page.wait_for_timeout(500)
    left = [q.id for q in questions(here)]
    assert len(left) == 39, "a double click deletes one"
    page.locator(".qt-notice").get_by_role("button", name="Undo").click()
    expect(page.locator(".qt-status")).to_contain_text("40 questions")
    for label, order in (
        ("Duplicate", ["q1", "q2", "q2-2", "q3"]),
        ("Move down", ["q1", "q2-2", "q2", "q3"]),
    ):
        row.hover()
        row.get_by_role("button", name="More about question 2").click()
        page.get_by_role("menuitem", name=label).click()
        saved(page)
        assert [q.id for q in questions(here)][:4] == order
    cell(page, 1).click()
    page.keyboard.press("Escape")
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator('.qt-row[aria-rowindex="1"]')).to_have_attribute("data-id", "q2-2")
    saved(page)
    page.get_by_label("Sort").select_option("longest first")
    order = [q.id for q in questions(here)]
    cell(page, 1).click()
    page.keyboard.press("Escape")
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator(".qt-notice")).to_contain_text("moves in the original order only")
    assert [q.id for q in questions(here)] == order


def test_escape_in_the_new_questions_form_leads_back_to_its_button(page):
    cell(page, 0).click()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    expect(page.get_by_label("The new question's text")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Add a question")).to_be_focused()


def test_choices_are_added_moved_and_taken_out_by_key(page, here):
    cell(page, 0, "choice 0").click()
    page.keyboard.press("Escape")
    page.keyboard.press("Alt+ArrowDown")
    saved(page)
    assert (questions(here)[0].choices, questions(here)[0].answer) == (("1", "2", "3"), 1)
    page.keyboard.press("+")
    page.keyboard.type("four")
    page.keyboard.press("Enter")
    saved(page)
    assert questions(here)[0].choices == ("1", "2", "3", "four")
    cell(page, 0, "choice 0").click()
    page.keyboard.press("Escape")
    page.keyboard.press("Delete")
    saved(page)
    assert (questions(here)[0].choices, questions(here)[0].answer) == (("2", "3", "four"), 0)


def test_search_filters_and_sort(page, here):
    rows = page.locator(".qt-row")
    page.get_by_role("searchbox", name="Search the questions").fill("AFTER 12?")
    expect(rows).to_have_count(1)
    expect(page.locator(".qt-status")).to_contain_text("1 of 40 questions")
    type_into_question(page, 0, "What comes after twelve?")  # stays where it was found while it is typed in
    assert questions(here)[11].question == "What comes after twelve?"
    page.get_by_role("searchbox", name="Search the questions").fill("")
    page.get_by_role("combobox", name="Subject").select_option("physics")
    expect(page.locator(".qt-status")).to_contain_text("13 of 40")
    page.get_by_role("combobox", name="Subject").select_option("")
    page.get_by_role("combobox", name="State").select_option("recent")
    expect(rows).to_have_count(1)
    page.get_by_role("combobox", name="State").select_option("all")
    page.get_by_role("combobox", name="Sort").select_option("longest")
    expect(cell(page, 0)).to_have_text(LONG)


def test_many_are_changed_at_once(page, here):
    if not (here.sets / "other").exists():
        collection.create_set(here, "other")
    page.reload()
    settle(page)
    before = len(questions(here, "other"))
    page.get_by_role("checkbox", name="Choose question 1", exact=True).click()
    page.get_by_role("checkbox", name="Choose question 4", exact=True).click(modifiers=["Shift"])
    tools = page.get_by_role("toolbar")
    expect(tools).to_contain_text("4 selected")
    tools.get_by_role("combobox", name="Subject for the selected questions").fill("algebra")
    tools.get_by_role("button", name="Set subject").click()
    expect(cell(page, 3, "subject")).to_have_text("algebra")
    assert [q.subject for q in questions(here)[:5]] == ["algebra"] * 4 + [None]
    tools.get_by_role("button", name="Balance answers").click()
    expect(page.locator(".qt-notice")).to_contain_text("balanced")
    assert sorted(q.answer for q in questions(here)[:4]) == [0, 0, 1, 2]
    tools.get_by_role("combobox", name="The set to copy to").select_option("other")
    tools.get_by_role("button", name="Copy to this set").click()
    expect(page.locator(".qt-notice")).to_contain_text("Copied 4 questions to other.")
    assert len(questions(here, "other")) == before + 4
    tools.get_by_role("button", name="Delete").click()
    expect(page.locator(".qt-status")).to_contain_text("36 questions")
    page.locator(".qt-notice").get_by_role("button", name="Undo").click()
    expect(page.locator(".qt-status")).to_contain_text("40 questions")


def test_find_and_replace_shows_first_what_it_changes(page, here):
    page.get_by_role("button", name="Replace", exact=True).click()
    panel = page.get_by_role("group", name="Find and replace")
    panel.get_by_role("textbox", name="Find").fill("comes after")
    panel.get_by_role("textbox", name="Replace by").fill("follows")
    expect(panel.get_by_text("39 texts of 40 questions would change")).to_be_visible()
    expect(panel.locator("li").first.locator("ins")).to_have_text("follows")
    assert questions(here)[0].question == "What comes after 1?"
    panel.get_by_role("button", name="Replace in 39 places").click()
    expect(cell(page, 0)).to_have_text("What follows 1?")
    saved(page)
    assert questions(here)[0].question == "What follows 1?"


def test_rows_of_a_spreadsheet_overwrite_nothing(page, here):
    before = questions(here)
    cell(page, 0).click()
    page.keyboard.press("Escape")
    page.evaluate(
        """text => { const data = new DataTransfer(); data.setData("text/plain", text);
            document.activeElement.dispatchEvent(new ClipboardEvent("paste",
                {clipboardData: data, bubbles: true, cancelable: true})); }""",
        "question\tchoice 0\tchoice 1\tanswer\nWhat is pasted?\ta\tb\t0\n",
    )
    expect(page.get_by_role("radio", name="Import")).to_be_checked()
    assert questions(here) == before


def test_keys_work_where_the_table_had_the_focus_before_its_rows(page, here):
    page.add_init_script(LATE)
    page.reload()
    page.locator(".qt-list").focus()
    expect(page.locator(".qt-status")).to_contain_text("Reading")
    expect(cell(page, 0)).to_be_focused()
    page.keyboard.press("End")
    expect(cell(page, 39)).to_be_focused()


def test_a_page_laid_out_anew_takes_neither_focus_nor_place_nor_what_is_typed(page, here):
    cell(page, 0).click()
    page.keyboard.press("Escape")
    page.keyboard.press("End")
    expect(cell(page, 39)).to_be_focused()
    top = page.locator(".qt-list").evaluate("e => e.scrollTop")
    page.evaluate(LAID_OUT_ANEW)
    expect(cell(page, 39)).to_be_focused()
    assert page.locator(".qt-list").evaluate("e => e.scrollTop") == top > 0
    page.keyboard.press("Home")
    expect(cell(page, 0)).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.type(" Half")
    page.evaluate(LAID_OUT_ANEW)
    expect(page.locator(FIELD)).to_be_focused()
    page.keyboard.type("way")
    assert questions(here)[0].question == "What comes after 1?"  # nobody has left the field
    page.keyboard.press("Enter")
    saved(page)
    assert questions(here)[0].question == "What comes after 1? Halfway"
    page.get_by_role("searchbox", name="Search the questions").focus()
    page.evaluate("document.activeElement.blur()")
    page.evaluate(LAID_OUT_ANEW)
    assert page.evaluate("document.activeElement.tagName") == "BODY"  # who has left is not fetched back


@pytest.mark.parametrize("moves", [LOWERED, MOVED], ids=["lowered", "moved"])
def test_a_button_that_moves_between_press_and_release_is_clicked_once(page, here, moves):
    row = page.locator('.qt-row[aria-rowindex="3"]')

    def press_mark(name: str, drag_px: int = 0) -> None:
        box = row.get_by_role("radio", name=f"{name} is right").bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.evaluate(moves)
        page.mouse.move(x + drag_px, y)
        page.mouse.up()

    page.evaluate("window.clicks = 0; document.addEventListener('click', () => window.clicks += 1, true)")
    press_mark("B")
    expect(row.locator(".qt-gold")).to_contain_text("3")
    saved(page)
    assert questions(here)[2].answer == 1
    press_mark("A", drag_px=300)
    page.wait_for_timeout(300)
    saved(page)
    assert questions(here)[2].answer == 1, "whoever drags away takes the press back"
    clicks = page.evaluate("window.clicks")
    page.evaluate(FORGOTTEN)
    page.wait_for_timeout(300)
    assert page.evaluate("window.clicks") == clicks, "a press that was cancelled is none for the next release"
    row.get_by_role("radio", name="C is right").click()
    saved(page)
    assert questions(here)[2].answer == 2
    assert page.evaluate("window.clicks") == clicks + 1


def test_a_row_with_the_focus_stays_however_far_one_scrolls(page, here):
    cell(page, 0).click()
    page.keyboard.press("Escape")
    page.locator(".qt-list").evaluate("e => { e.scrollTop = e.scrollHeight; }")
    expect(cell(page, 39)).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(cell(page, 1)).to_be_focused()


def test_filters_need_no_run_where_they_can_and_say_so_where_they_need_one(page, here):
    status = page.locator(".qt-status")
    page.get_by_role("combobox", name="Slope").select_option("falls")
    expect(status).to_contain_text("A slope needs a run: run this set on Models and runs")
    expect(status).to_contain_text("40 questions")  # and nothing is hidden meanwhile
    page.get_by_role("button", name="Show all").click()
    expect(status).not_to_contain_text("needs a run")
    page.get_by_role("combobox", name="Relevance").select_option("science")
    expect(status).to_contain_text(re.compile(r"\d+ of 40 questions"), timeout=120_000)
    page.get_by_role("combobox", name="Relevance").select_option(
        "other"
    )  # what most of these are judged to be
    expect(status).to_contain_text(re.compile(r"\d+ of 40 questions"))
    type_into_question(page, 0, "What is the charge of an electron in a vacuum?")
    page.get_by_role("combobox", name="Sort").select_option("relevance")
    expect(page.locator(".qt-lacking")).to_have_count(0, timeout=120_000)


def test_a_link_brings_filters_and_the_question_in_hand(page, here, server_home):
    steps = page.evaluate("history.length")
    page.get_by_role("searchbox", name="Search the questions").fill("comes after")
    page.get_by_role("combobox", name="Subject").select_option("physics")
    page.get_by_role("combobox", name="Sort").select_option("gold")
    cell(page, 9).click()
    page.keyboard.press("Escape")
    held = page.locator('.qt-row[aria-rowindex="10"]').get_attribute("data-id")
    link = f"{server_home[0]}/questions?set=mine&tab=write&find=comes+after&subject=physics&sort=gold&question={held}"
    expect(page).to_have_url(link)
    assert page.evaluate("history.length") == steps, "no step of the way back for a choice"
    settle(page)
    expect(page).to_have_url(link)
    colleague = page.context.browser.new_page(viewport={"width": 1280, "height": 900})
    colleague.goto(link)
    expect(colleague.locator(".qt-status")).to_contain_text("12 of 40")
    expect(colleague.get_by_role("combobox", name="Subject")).to_have_value("physics")
    expect(colleague.locator(f'.qt-row[data-id="{held}"]')).to_be_in_viewport()
    settle(colleague)
    expect(colleague).to_have_url(link)
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Share").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Share")
    expect(page.get_by_text(link)).to_be_visible()
    assert page.evaluate("history.length") == steps + 1, "one step for a place"
    page.go_back()
    expect(page).to_have_url(link)
    expect(page.locator(".qt-status")).to_contain_text("12 of 40")
    page.goto(f"{server_home[0]}/questions?set=mine&tab=write&state=nonsense")
    expect(page.locator(".qt-status")).to_contain_text("40 questions")


def test_the_keys_are_listed_and_every_row_is_reached(page, here):
    page.locator(".qt-list").focus()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys of the table")).to_contain_text("Shift + Enter")
    page.keyboard.press("Escape")
    page.locator(".qt-list").focus()
    page.keyboard.press("End")
    expect(cell(page, 39)).to_be_focused()
    expect(cell(page, 39)).to_have_css("outline-style", "solid")
    page.keyboard.press("Home")
    expect(cell(page, 0)).to_be_focused()
    page.keyboard.press("n")
    expect(page.get_by_role("textbox", name="The new question's text")).to_be_focused()


def test_a_phone_shows_cards(page, here, server_home):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server_home[0]}/questions?set=mine")
    settle(page)
    page.get_by_role("radio", name="Table").click()
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    box, list_box = cell(page, 0, "choice 1").bounding_box(), page.locator(".qt-list").bounding_box()
    assert box is not None
    assert list_box is not None
    assert box["x"] + box["width"] <= list_box["x"] + list_box["width"]
    page.locator('.qt-row[aria-rowindex="1"]').get_by_role("radio", name="B is right").click()
    saved(page)
    assert questions(here)[0].answer == 1


def test_the_built_script_is_the_build_of_its_source(tmp_path: Path):
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not here")
    copy = tmp_path / "table"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("node_modules"))
    if subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=copy, capture_output=True).returncode:
        pytest.skip("npm's registry cannot be reached")
    for script in ("check", "test", "build"):
        subprocess.run([npm, "run", script], cwd=copy, check=True, capture_output=True)
    assert (copy / "built.js").read_bytes() == table_script.read_script()[0]
    assert json.loads((copy / "package.json").read_text())["private"]
