"""What an edit did, in a real browser: in its row and beside it, in sight without scrolling; a suspect mended from the list."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import partial

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring, collection
from scripts.screenshots import note_error, server, settle
from tests.conftest import needs
from tests.support.browser import cell

pytestmark = pytest.mark.slow
expect.set_options(timeout=20_000)
SET = "my_science"
WIDE, PHONE = (1280, 900), (390, 844)
CHANGE = re.compile(r"margin [−-]?\d+\.\d\d → [−-]?\d+\.\d\d nats")
LATER_LINE = """height => {
    const block = document.querySelector("[data-testid=stMainBlockContainer]");
    block.style.paddingTop = `calc(${window.top_padding ??= getComputedStyle(block).paddingTop} + ${height}px)`;
}"""
COUNT_CLICKS = "window.clicks = 0; document.addEventListener('click', () => { window.clicks += 1; }, true);"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A copy of an example with its included results, in which a key is wrong that the models know."""
    needs("ladder")
    settings = Settings(home=tmp_path_factory.mktemp("beside") / "home")
    collection.copy_set(settings, "ladder_science", SET)
    question = collection.open_set(settings, SET).questions[2]
    wrong = (question.answer + 1) % len(question.choices)
    authoring.update_questions(settings, SET, {question.id: {"answer": wrong}})
    return settings


@pytest.fixture(scope="module")
def url(home: Settings) -> Iterator[str]:
    with server(os.environ | {"E2LM_HOME": str(home.home), "E2LM_SHIPPED": "1"}) as address:
        yield address


@pytest.fixture(params=[WIDE, PHONE], ids=["1280", "390"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    faults: list[str] = []
    wide, high = request.param
    opened = browser.new_context(viewport={"width": wide, "height": high}).new_page()
    opened.on("console", partial(note_error, faults))
    opened.on("pageerror", lambda error: faults.append(f"throws {error}"))
    opened.set_default_timeout(15_000)
    yield opened
    opened.context.close()
    assert not faults


def in_sight(page: Page, part: Locator) -> bool:
    """Whether all of a part stands within the window, and nothing covers its middle."""
    box, size = part.bounding_box(), page.viewport_size
    assert box is not None
    assert size is not None
    inside = box["x"] >= 0 and box["x"] + box["width"] <= size["width"] + 1
    inside = inside and box["y"] >= 0 and box["y"] + box["height"] <= size["height"] + 1
    return inside and part.evaluate(
        """e => { const b = e.getBoundingClientRect(); const at = document.elementFromPoint(b.x + b.width / 2, b.y + b.height / 2);
            return e.contains(at) || at.contains(e); }"""
    )


def edit(page: Page, row: int, name: str, text: str) -> None:
    """Click a text of the table, type, and leave it by Enter."""
    cell(page, row, name).click()
    page.locator(".qt-list textarea").fill(text)
    page.keyboard.press("Enter")
    expect(cell(page, row, name)).to_have_text(text)


@pytest.mark.parametrize("name", ["question", "choice 3"])
def test_what_an_edit_did_stands_in_its_row_in_sight(page: Page, url: str, home: Settings, name: str) -> None:
    page.goto(f"{url}/questions?set={SET}&tab=write&view=Table")
    settle(page)
    if page.locator(".qt-list").count() == 0:  # a phone begins with the card
        page.locator(".st-key-author_view").get_by_role("radio", name="Table").click()
        settle(page)
    word = os.urandom(3).hex()
    text = f"Which of these, said {word}, is it?" if name == "question" else f"a {word} thing"
    edit(page, 0, name, text)
    effect = page.locator('.qt-row[aria-rowindex="1"] .qt-effect')
    expect(effect).to_contain_text(CHANGE)
    curve = effect.locator("svg")
    expect(curve.locator("polyline")).to_have_count(2)
    page.wait_for_timeout(1_000)  # what comes later must not push it away
    assert in_sight(page, effect)
    assert in_sight(page, curve)
    assert in_sight(page, cell(page, 0, name))
    identity = collection.open_set(home, SET).questions[0].id
    below = page.get_by_text(re.compile(rf"^{re.escape(identity)}: margin"))
    assert CHANGE.search(effect.inner_text())[0] in below.inner_text(), "row and panel say the same"


def test_an_effect_stays_in_sight_where_the_page_moves_below_it(page: Page, url: str) -> None:
    """A run that begins late puts a line above the table, which pushed the effect out of the window."""
    page.goto(f"{url}/questions?set={SET}&tab=write&view=Table")
    settle(page)
    if page.locator(".qt-list").count() == 0:
        page.locator(".st-key-author_view").get_by_role("radio", name="Table").click()
        settle(page)
    edit(page, 1, "choice 2", f"a {os.urandom(3).hex()} thing")
    effect = page.locator('.qt-row[aria-rowindex="2"] .qt-effect')
    expect(effect).to_contain_text(CHANGE)
    expect(page.get_by_text("up to date").first).to_be_visible()
    page.mouse.wheel(0, -2_000)
    page.wait_for_timeout(300)
    box, size = effect.bounding_box(), page.viewport_size
    assert box is not None
    assert size is not None
    page.set_viewport_size({"width": size["width"], "height": int(box["y"] + box["height"]) + 4})
    for height in (40, 80, 0):
        page.evaluate(LATER_LINE, height)
        page.wait_for_timeout(300)
        assert in_sight(page, effect), height
    page.mouse.wheel(0, -2_000)  # who scrolls away is not pulled back
    page.wait_for_timeout(300)
    away = effect.bounding_box()
    page.evaluate(LATER_LINE, 40)
    page.wait_for_timeout(300)
    assert away is not None
    assert away["y"] <= (effect.bounding_box() or {"y": 0})["y"] <= away["y"] + 40


def test_a_suspect_is_mended_from_the_list_to_a_better_curve_in_four_clicks(
    page: Page, url: str, home: Settings
) -> None:
    question = collection.open_set(home, SET).questions[2]
    wrong, right = question.answer, (question.answer - 1) % len(question.choices)
    page.goto(f"{url}/questions?set={SET}&tab=problems")
    settle(page)
    expect(page.get_by_text(question.question, exact=False).first).to_be_visible()
    page.evaluate(COUNT_CLICKS)
    page.get_by_role("button", name=f"Fix: mark {'ABCD'[right]} as right").click()
    said = page.locator(".st-key-edit_effect").get_by_text(CHANGE)
    expect(said).to_be_visible()
    expect(said).to_contain_text("↑")
    expect(page.locator(".st-key-edit_effect .studio-picture polyline")).to_have_count(2)
    assert page.evaluate("window.clicks") <= 4
    picture = page.locator(".st-key-edit_effect .studio-picture")
    expect(page.get_by_text("up to date").first).to_be_visible()  # a run's strip has a line more on a phone
    page.wait_for_timeout(1_000)
    assert in_sight(page, picture)
    assert collection.open_set(home, SET).questions[2].answer == right
    authoring.update_questions(home, SET, {question.id: {"answer": wrong}})


def test_the_side_panel_follows_the_question_in_hand(page: Page, url: str, home: Settings) -> None:
    questions = collection.open_set(home, SET).questions
    page.goto(f"{url}/questions?set={SET}&tab=write&view=Table")
    settle(page)
    page.get_by_text("Side panel").click()
    panel = page.locator(".st-key-beside")
    expect(panel).to_be_visible()
    settle(page)
    cell(page, 1).click()
    page.keyboard.press("Escape")
    expect(panel).to_contain_text(questions[1].question)
    if page.viewport_size == {"width": WIDE[0], "height": WIDE[1]}:
        panel.get_by_role("radio", name="Choices").click()
    else:
        panel.get_by_role("combobox").click()
        page.get_by_role("option", name="Choices").click()
    expect(panel.locator(".studio-picture polyline")).to_have_count(len(questions[1].choices))
    cell(page, 2).click()
    page.keyboard.press("Escape")
    expect(panel).to_contain_text(questions[2].question)
    expect(panel.locator("svg[role=img]")).to_have_attribute(
        "aria-label", re.compile(re.escape(questions[2].id))
    )
    assert in_sight(page, panel.locator(".studio-picture"))
    if page.viewport_size == {"width": WIDE[0], "height": WIDE[1]}:
        assert in_sight(page, cell(page, 2))
        table, beside = page.locator(".qt").bounding_box(), panel.bounding_box()
        assert table is not None
        assert beside is not None
        assert beside["x"] >= table["x"] + table["width"] - 1, "the panel stands beside the table"
