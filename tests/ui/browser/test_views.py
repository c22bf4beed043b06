"""Every place and tab in a real browser: words, contrast, focus, motion, tables beside charts; no view is left out.

The list is made of `addresses.VIEWS`, so a view that comes later is looked at too. The server is a new home's: the
example has the results that the package brings.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from coloraide import Color
from playwright.sync_api import Browser, Page, expect

from e2lm_core.base.settings import Settings
from e2lm_core.charts import palette
from e2lm_core.sets import collection
from e2lm_core.ui.base import urls
from scripts.screenshots import server, settle, unfold
from tests.conftest import needs
from tests.support import looking
from tests.support.browser import touch
from tests.support.short import shorten

pytestmark = pytest.mark.slow
SET = "ladder_science"
MAX_WORDS = 120
LONG_MS = 30_000
TEXT, LINE = 4.5, 3.0  # WCAG 2
PLACES = pytest.mark.parametrize("place", urls.PLACES, ids=[place.slug for place in urls.PLACES])
THEMES = pytest.mark.parametrize("theme", ["light", "dark"])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("views") / "home"


@pytest.fixture(scope="module")
def url(home: Path) -> Iterator[str]:
    env = {"E2LM_HOME": str(home), "E2LM_LADDER": str(needs("ladder")), "E2LM_SHIPPED": "1"}
    with server(os.environ | env) as address:
        yield address


def opened(browser: Browser, theme: str = "light", width: int = 1280) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": 900 if width > 600 else 844},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    return page


def go(page: Page, url: str, view: str) -> None:
    """To a view, until what it shows is there: relevance is computed in the background at first."""
    page.goto(f"{url}/{urls.address(view, SET)}")
    settle(page)
    if view == "relevance":
        page.wait_for_selector(".studio-figure svg", timeout=240_000)
        settle(page)


def views(place: urls.Place) -> list[str]:
    return [tab.slug for tab in place.tabs] or [place.slug]


@pytest.fixture(scope="module")
def seen(chromium: Browser, url: str) -> Callable[[urls.Place, str], dict[str, Seen]]:
    """What is seen of each view of a place in a theme, which is visited once."""

    @cache
    def visited(place: urls.Place, theme: str) -> dict[str, Seen]:
        page, found = opened(chromium, theme), {}
        for view in views(place):
            go(page, url, view)
            found[view] = Seen(len(looking.words(page)), _faults(page))
        page.context.close()
        return found

    return visited


@dataclass
class Seen:
    """How many words stand on a view beside its tables, and what is wrong with what is drawn."""

    words: int
    faults: list[str]


def _faults(page: Page) -> list[str]:
    faults = [f"{low}" for low in looking.too_faint(page, TEXT)]
    faults += [f"the frame of {low}" for low in looking.faint_frames(page, LINE)]
    faults += looking.unreadable(page)
    folded = page.locator("summary", has_text="The numbers")
    if folded.count():  # a table that is made when it is opened
        folded.click()
        page.wait_for_selector("[data-testid=stDataFrame]")
        settle(page)  # while its rows come a skeleton of Streamlit's pulses
    drawn = looking.drawn(page)
    if drawn["charts"] and not drawn["tables"]:
        faults.append(f"{drawn['charts']} charts and no table")
    faults += [f"{name} {drawn[name]}" for name in ("empty", "jumping", "moving") if drawn[name]]
    if drawn["wide"] > 0:
        faults.append("scrolls sideways")
    return faults


@PLACES
def test_a_view_says_at_most_120_words_beside_its_tables(seen, place):
    found = {view: one.words for view, one in seen(place, "light").items()}
    print(found)  # for docs/studies/views.md
    assert all(0 < number <= MAX_WORDS for number in found.values()), found


@pytest.mark.parametrize(
    ("place", "theme"),
    shorten(
        [(place.slug, theme) for place in urls.PLACES for theme in ("light", "dark")],
        [*((place.slug, "light") for place in urls.PLACES), ("questions", "dark"), ("result", "dark")],
    ),
)
def test_texts_stand_out_charts_have_tables_roles_are_right_and_nothing_moves(seen, place, theme):
    found = seen(urls.find(place)[0], theme)
    faults = [f"{view}: {fault}" for view, one in found.items() for fault in one.faults]
    assert not faults, "\n".join(faults)


def test_every_score_on_a_card_stands_beside_what_random_answers_give(browser, url):
    page = opened(browser)
    go(page, url, "sets")
    cards = page.locator("[class*=st-key-card_]", has_text="Score 0")
    page.wait_for_function("document.querySelectorAll('[class*=st-key-card_] strong').length >= 4")
    settle(page)
    said = cards.all_inner_texts()
    page.context.close()
    assert len(said) == 2
    assert all("Random answers give" in one for one in said), said


@pytest.mark.parametrize(
    ("theme", "width"),
    shorten(itertools.product(("light", "dark"), (1280, 390)), (("light", 390), ("dark", 1280))),
)
def test_numbers_on_bars_and_heat_maps_stand_out_from_what_is_painted_behind_them(browser, url, theme, width):
    page, seen, faults = opened(browser, theme, width), 0, []
    for view in ("overview", "score", "ranking"):
        page.set_viewport_size({"width": width, "height": 900})
        go(page, url, view)
        if view == "ranking":
            page.get_by_role("tab", name="At one checkpoint").click()
            page.wait_for_selector("[data-cells] rect")
        unfold(page, width, 900)
        seen += looking.on_marks(page)
        faults += [f"{view}: {low}" for low in looking.faint_on_marks(page, TEXT)]
    page.context.close()
    assert seen > 40
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("view", ["map", "problems"])
def test_on_a_phone_no_button_lies_over_a_table(browser, url, view):
    """Tools that stand above a table there make it higher than its frame was."""
    page = opened(browser, width=390)
    go(page, url, view)
    tables, over = page.evaluate(
        """() => {
          const box = (el) => el.getBoundingClientRect();
          const tables = [...document.querySelectorAll("[data-testid=stDataFrame] canvas")].filter((el) => box(el).height > 100);
          const buttons = [...document.querySelectorAll("[data-testid=stDownloadButton]")].map(box);
          return [tables.length, tables.filter((el) => buttons.some(
            (b) => b.top < box(el).bottom && b.bottom > box(el).top)).length];
        }"""
    )
    page.context.close()
    assert tables
    assert not over


@PLACES
def test_the_focus_is_seen_and_goes_in_the_order_of_reading(browser, url, place):
    """Through the first tab of each place by the Tab key, from the skip link to the end of the page."""
    page, stops, faults = opened(browser), [], []
    page.goto(f"{url}/{urls.address(views(place)[0], SET)}")
    settle(page)
    for _ in range(60):
        page.keyboard.press("Tab")
        stop = looking.focused(page)
        if stop is None or (stops and stop["what"] == stops[0]["what"]):
            break
        stops.append(stop)
    page.context.close()
    assert len(stops) > 8
    for stop in stops:
        shown = [ring for ring in stop["rings"] if _stands_out(ring, stop["ground"])]
        if not shown and not stop["frame"]:
            faults.append(f"{stop['what']}: {stop['rings']} on {stop['ground']}")
    inside = [stop for stop in stops if stop["main"]]
    for one, other in itertools.pairwise(inside):
        if other["y"] < one["y"] - 60 and other["x"] <= one["x"]:
            faults.append(f"{one['what']} is followed by {other['what']}, which stands above it")
    assert not faults, "\n".join(faults)


def _stands_out(colour: str, ground: str) -> bool:
    over = Color(colour)
    mixed = Color(ground).mix(over.clone().set("alpha", 1), over.alpha(), space="srgb")
    return mixed.contrast(Color(ground), method="wcag21") >= LINE


PICTURE = ".studio-picture polyline >> visible=true"


def test_a_finished_picture_is_there_at_the_first_visit(browser, url):
    """On a server that has answered somebody, in a home in which nothing was ever run; no script of charts is waited for."""
    for attempt in range(2):
        page, asked = opened(browser), []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.goto(url)
        page.wait_for_selector(PICTURE)
        if attempt:
            print(f"the first picture after {page.evaluate('performance.now()') / 1000:.2f} s")
            main = page.locator("[data-testid=stMainBlockContainer]")
            expect(main).to_contain_text(
                re.compile(r"Score 0\.[\s\S]*Score 0\.")
            )  # the cards come after the picture
            said = main.inner_text()
            assert re.search(r"Accuracy while the models read", said)
            assert (
                said.count("up to date") == 3
            )  # of all examples, of which thirty school questions have no Score
            assert said.count("Score 0.") == 2
            assert not page.locator(".js-plotly-plot").count()
        page.wait_for_selector("link[rel=prefetch][href*=PlotlyChart]", state="attached")  # for the next page
        page.context.close()


@THEMES
@pytest.mark.parametrize("width", [1280, 390])
def test_the_first_picture_fits_the_window_and_follows_the_theme(browser, url, theme, width):
    page = opened(browser, theme, width)
    page.goto(url)
    page.wait_for_selector(PICTURE)
    settle(page)
    of_cards = "[class*=st-key-card_] .studio-picture"
    pictures = page.locator(f".studio-picture:not({of_cards}) > svg >> visible=true")
    assert pictures.count() == 2  # the example's, and a real benchmark's
    shown, real = pictures.first, pictures.last
    assert "A real benchmark" in page.inner_text("[data-testid=stMainBlockContainer]")
    assert real.locator("polyline").count() == 6
    box = shown.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert box["height"] > 300
    name = page.get_by_role("img", name="Accuracy of each model").first
    assert name.count() == 1

    def strokes() -> set[str]:
        lines = shown.locator("polyline")
        return set(lines.evaluate_all("lines => lines.map(line => getComputedStyle(line).stroke)"))

    def expected(of: palette.Theme) -> set[str]:
        hues = [Color(of.line[hue]) for hue in ("orange", "green", "blue", "grey")]
        return {f"rgb({', '.join(str(round(part * 255)) for part in hue.coords())})" for hue in hues}

    themes = {"light": palette.LIGHT, "dark": palette.DARK}
    assert strokes() == expected(themes.pop(theme))
    ((other, colours),) = themes.items()
    page.emulate_media(color_scheme=other)
    for _ in range(50):  # a picture that is being replaced has no strokes
        if (drawn := strokes()) == expected(colours):
            break
        page.wait_for_timeout(200)
    assert drawn == expected(colours)
    page.context.close()


def test_a_point_of_the_first_picture_says_what_it_is_and_its_link_leads_to_the_curves(browser, url):
    page = opened(browser)
    page.goto(url)
    page.wait_for_selector(PICTURE)
    said = page.locator("#picture-wide [data-marks] title").first.text_content()
    assert re.fullmatch(r"\S+: \d+\.\d%, [\d.,]+ [kM] tokens, step [\d,]+", said or "")
    page.get_by_role("link", name="Explore the curves").click()
    page.wait_for_selector(".studio-figure polyline")
    assert f"/curves?set={SET}" in page.url
    page.context.close()


def test_share_shows_the_view_before_and_leaves_at_once_by_the_way_back(browser, url, home):
    collection.copy_set(Settings(home=home), SET, "other")
    page = opened(browser)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    go(page, url, "share")
    shown = page.locator(".last-view")
    expect(shown).to_be_hidden()  # the browser was nowhere before
    go(page, url, "ranking")
    heading = page.get_by_role("heading", level=1)
    for back in (0, 30, 100, 300, 900):
        page.get_by_test_id("stSidebarNavLink").filter(has_text="Share").click()
        expect(heading).to_have_text("Share")
        page.wait_for_timeout(back)
        page.go_back()
        expect(heading).to_have_text("Curves")
        settle(page)
        expect(heading).to_have_text("Curves")
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Share").click()
    expect(shown.locator("code")).to_contain_text(f"{url}/curves?set={SET}&tab=ranking")
    address = shown.locator("code").text_content()
    shown.get_by_role("button", name="Copy").click()
    expect(shown.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == address
    page.goto(f"{url}/{urls.address('share', 'other')}")
    settle(page)
    expect(heading).to_have_text("Share")
    expect(shown).to_be_hidden()  # it is another set's
    page.context.close()


def test_on_a_phone_the_tab_of_a_link_is_in_the_row(browser, url):
    page = opened(browser, width=390)
    for tab in urls.QUESTIONS.tabs:
        go(page, url, tab.slug)
        box = page.locator(".st-key-tabs [aria-checked=true]").bounding_box()
        assert box is not None
        assert box["x"] >= 0, tab.slug
        assert box["x"] + box["width"] <= 390, tab.slug
    page.context.close()


@pytest.mark.parametrize("wait_ms", [0, 400])
def test_tabs_and_sets_are_steps_of_the_browsers_history(browser, url, home, wait_ms):
    """Back and Forward, at once and later, lead through places, tabs and sets as they were clicked."""
    if not (home / "sets" / "third").exists():
        collection.copy_set(Settings(home=home), SET, "third")
    page = opened(browser)
    go(page, url, "overview")
    tabs = page.locator(".st-key-tabs")

    def click_tab(name: str) -> None:
        tabs.get_by_role("radio", name=name, exact=True).click()

    def choose_set(name: str) -> None:
        page.locator(".st-key-strip").get_by_role("combobox").click()
        page.get_by_role("option", name=name).click()

    def open_place(name: str) -> None:
        page.get_by_test_id("stSidebarNavLink").filter(has_text=name).click()

    def stands(place: str, tab: str, name: str) -> None:
        box = page.locator(".st-key-strip").get_by_role("combobox")
        expect(page.get_by_role("heading", level=1)).to_have_text(place, timeout=LONG_MS)
        expect(tabs.get_by_role("radio", name=tab, exact=True)).to_be_checked(timeout=LONG_MS)
        expect(box).to_have_value(re.compile(rf"^{name}\b"), timeout=LONG_MS)
        # a click checks its tab in the browser; the step is there once the server's answer has changed the address
        slug = next(one.slug for other in urls.PLACES for one in other.tabs if one.label == tab)
        expect(page).to_have_url(re.compile(rf"set={name}&tab={slug}\b"), timeout=LONG_MS)
        page.wait_for_timeout(wait_ms)

    walk = [("Result", "Overview", SET), ("Result", "Score", SET), ("Result", "Published", SET)]
    walk += [
        ("Result", "Published", "third"),
        ("Curves", "Accuracy", "third"),
        ("Curves", "Ranking", "third"),
    ]
    actions: list[Callable[[], object]] = [
        lambda: click_tab("Score"),
        lambda: click_tab("Published"),
        lambda: choose_set("third"),
        lambda: open_place("Curves"),
        lambda: click_tab("Ranking"),
    ]
    stands(*walk[0])
    for action, there in zip(actions, walk[1:], strict=True):
        action()
        stands(*there)
    for there in reversed(walk[:-1]):
        page.go_back()
        stands(*there)
    for there in walk[1:]:
        page.go_forward()
        stands(*there)
    settle(page)
    stands(*walk[-1])
    page.context.close()


def test_the_navigation_is_as_wide_at_the_first_visit_as_later(browser, url):
    page, widths = opened(browser), []
    for _ in range(2):
        page.goto(f"{url}/{urls.address('share', SET)}")
        settle(page)
        widths.append(page.get_by_test_id("stSidebar").bounding_box()["width"])
    page.context.close()
    assert widths[0] == widths[1] > 200


def test_on_a_phone_the_navigation_closes_and_the_picture_fits(browser, url):
    page = opened(browser, width=390)
    page.goto(f"{url}/{urls.address('overview', SET)}")
    settle(page)
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Curves").click()
    page.wait_for_selector(".studio-figure polyline")
    settle(page)
    sidebar = page.get_by_test_id("stSidebar")
    box = sidebar.bounding_box()
    assert box is None or box["x"] + box["width"] <= 1, "the navigation still covers the page"
    chart = page.locator(".studio-figure").first.bounding_box()
    assert chart is not None
    assert chart["x"] >= 0
    assert chart["x"] + chart["width"] <= 390
    assert chart["height"] >= 200
    page.context.close()


def test_on_a_phone_a_question_stands_on_the_first_screen_and_no_key_is_told(browser, url):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.set_default_timeout(60_000)
    go(page, url, "write")
    for view, question in (
        ("Table", page.locator(".qt-text").first),
        ("Card", page.get_by_role("textbox", name="Question", exact=True)),
    ):
        page.get_by_role("radio", name=view).click()
        settle(page)
        question.wait_for()
        box = question.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 844, view
        assert page.locator("kbd:visible").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    go(page, url, "ranking")
    touch(page)
    assert page.locator(".modebar-container:visible").count() == 0
    page.context.close()


def test_on_a_phone_a_question_is_written_on_its_card(browser, url, home):
    collection.copy_set(Settings(home=home), SET, "mine")
    page = opened(browser, width=390)
    page.goto(f"{url}/{urls.address('write', 'mine')}")
    settle(page)
    page.get_by_role("radio", name="Card").click()
    settle(page)
    field = page.get_by_role("textbox", name="Question", exact=True)
    for one in (field, page.get_by_role("button", name="Next")):
        box = one.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    field.fill("What is written on a phone?")
    page.get_by_role("button", name="Save", exact=True).click()
    settle(page)
    page.context.close()
    written = collection.open_set(Settings(home=home), "mine").questions
    assert "What is written on a phone?" in {question.question for question in written}


def test_a_card_s_menu_near_the_lower_edge_shows_all_it_offers(browser, url, home):
    """It opens empty, and grows by what the server draws: then it turns upwards."""
    collection.create_set(Settings(home=home), "low")
    page = opened(browser)
    page.goto(url)
    settle(page)
    button = page.locator(".st-key-menu_low button")
    page.set_viewport_size({"width": 1280, "height": int(button.bounding_box()["y"]) + 60})
    button.click()
    expect(page.get_by_role("button", name="Move to trash")).to_be_in_viewport(ratio=1)
    body = page.get_by_test_id("stPopoverBody")
    assert body.evaluate("body => body.scrollHeight - body.clientHeight") <= 2
    page.context.close()


def test_a_question_is_added_from_the_first_screen_of_a_phone(browser, url, home):
    """The table's tools lie in one row, which is wider than a phone: the first of them adds a question."""
    collection.create_set(Settings(home=home), "small_window")
    page = opened(browser, width=390)
    page.goto(f"{url}/questions?set=small_window&tab=write&view=Table")
    settle(page)
    expect(page.get_by_role("button", name="Add a question", exact=True)).to_be_in_viewport(ratio=1)
    page.context.close()
