"""Pictures of charts and lines alone, in a real browser: the SVG of every chart is the chart, and nothing else."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from e2lm_core.charts import palette
from e2lm_core.charts.canvas import FAINT
from e2lm_core.ui.base import urls
from e2lm_core.ui.places import shelf_panel
from scripts.screenshots import server, settle, unfold
from tests.conftest import needs
from tests.support import pictures
from tests.support.browser import touch
from tests.support.short import shorten
from tests.ui.browser.test_views import SET, go, opened

pytestmark = pytest.mark.slow
CHART = ".stPlotlyChart .js-plotly-plot >> visible=true"
PICTURE = ".studio-figure svg"
# Views of the example without a chart of Plotly's; suspects have one once the wording control was run.
WITHOUT = {"sets", "write", "problems", "suspects", "alternatives", "known", "shelf", "groups", "share"}
WITHOUT |= {"run", "checkpoints", "results"}
# Lines with bands and a benchmark beside, bars, cells, names along an axis.
IN_CI = ("accuracy", "score", "ranking", "subjects", "choosing")
# What an address needs for a chart that is drawn when something is chosen.
CHOSEN = {"measured": "&find=plant", "accuracy": f"&beside={shelf_panel.FIRST}"}
NEAR_PX = 1.05  # the margin of slanted names is measured anew, to a whole pixel


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("charts") / "home"
    env = {"E2LM_HOME": str(home), "E2LM_LADDER": str(needs("ladder")), "E2LM_SHIPPED": "1"}
    with server(os.environ | env) as address:
        yield address


@pytest.mark.parametrize("view", shorten(urls.VIEWS, IN_CI))
def test_the_svg_of_each_chart_is_the_chart(browser: Browser, url: str, view: str, tmp_path: Path) -> None:
    theme = "dark" if urls.VIEWS.index(view) % 2 else "light"
    page, alone = opened(browser, theme), opened(browser)
    page.goto(f"{url}/{urls.address(view, SET)}{CHOSEN.get(view, '')}")
    if view == "relevance":  # it is computed in the background at first
        page.wait_for_selector(PICTURE, timeout=240_000)
    settle(page)
    checked = _check_all(page, alone, theme, tmp_path)
    for tab in page.locator("[data-testid=stTabs]").get_by_role("tab").all()[1:]:
        tab.click()
        settle(page)
        checked |= _check_all(page, alone, theme, tmp_path)
    print(view, sorted(checked))
    assert bool(checked) == (view not in WITHOUT)
    page.context.close()
    alone.context.close()


def _check_all(page: Page, alone: Page, theme: str, folder: Path) -> set[str]:
    """Check the pictures of all charts that are shown, after a touch; the names of their files."""
    if page.locator(PICTURE).locator("visible=true").count():
        touch(page)
    unfold(page, 1280, 900)
    names = set()
    for chart in page.locator(CHART).all():
        button = chart.locator(".studio-svg")
        expect(button).to_have_count(1)
        expect(button).to_have_attribute("aria-label", "Download as SVG")
        file = pictures.save(page, button, folder)
        names.add(file.name)
        assert re.fullmatch(rf"{SET}-[a-z0-9-]+\.svg", file.name)
        assert not pictures.active(file)
        assert pictures.texts(file) == pictures.shown_texts(chart), "all names and titles, and no other text"
        drawn = pictures.marks(chart)
        assert drawn, file.name
        ground = palette.theme(theme).background
        alone.goto(file.as_uri())
        assert pictures.ground(alone) == pictures.rgb(ground)
        _same(drawn, pictures.marks(alone.locator("svg").first), file.name)
        box = chart.bounding_box()
        assert box is not None
        root = ElementTree.parse(file).getroot()
        size = float(root.attrib["width"]), float(root.attrib["height"])
        assert size == pytest.approx((box["width"], box["height"]), abs=1)
    return names


def _same(page: list[dict[str, Any]], file: list[dict[str, Any]], name: str) -> None:
    """The same marks at the same pixels in the same colours."""
    assert [mark["what"] for mark in file] == [mark["what"] for mark in page], name
    for here, there in zip(page, file, strict=True):
        assert there["box"] == pytest.approx(here["box"], abs=NEAR_PX), (name, here, there)
        assert there["look"] == here["look"], (name, here, there)
        if here["cells"]:
            assert pictures.unlike(here["cells"], there["cells"]) < 0.01, name


def test_each_chart_keeps_one_button_and_its_files_have_names(
    browser: Browser, url: str, tmp_path: Path
) -> None:
    page = opened(browser, "dark")
    go(page, url, "accuracy")
    touch(page)
    for metric in ("bpb", "acc"):
        page.get_by_role("radio", name=metric, exact=True).click()
        settle(page)
        expect(page.locator(CHART).first.locator(".studio-svg")).to_have_count(1)
    chart = page.locator(CHART).first
    camera = chart.locator(".modebar-btn:has(+ .studio-svg)")
    camera.focus()
    page.keyboard.press("Tab")
    expect(chart.locator(".studio-svg")).to_be_focused()
    by_key = pictures.save(page, None, tmp_path)
    assert by_key.name == f"{SET}-curves-main.svg"
    picture = pictures.save(page, camera, tmp_path)
    assert picture.name == f"{SET}-curves-main.png"
    box, image = chart.bounding_box(), Image.open(picture).convert("RGB")
    assert box is not None
    assert image.size == pytest.approx((2 * box["width"], 2 * box["height"]), abs=1)
    assert "#{:02x}{:02x}{:02x}".format(*image.getpixel((1, 1))) == palette.DARK.background
    page.context.close()


def test_the_button_speaks_the_pages_language(browser: Browser, url: str) -> None:
    context = browser.new_context(locale="de-DE", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    go(page, url, "score")
    touch(page)
    name = page.locator(CHART).first.locator(".studio-svg").get_attribute("aria-label")
    context.close()
    assert name == "Als SVG herunterladen"


def test_a_click_on_a_name_leaves_its_line_alone(browser: Browser, url: str, tmp_path: Path) -> None:
    page = opened(browser)
    go(page, url, "accuracy")
    touch(page)
    chart = page.locator(CHART).first
    names = chart.locator(".annotation[role=button]")
    many = names.count()
    assert many > 5
    assert _clear(chart) == {name.text_content() for name in names.all()}
    chosen = names.nth(2).text_content()
    assert chosen

    names.nth(2).click()
    assert _clear(chart) == {chosen}
    file = pictures.save(page, chart.locator(".studio-svg"), tmp_path)
    lines = [
        line for line in ElementTree.parse(file).iter() if "trace scatter" in line.attrib.get("class", "")
    ]
    faint = [line for line in lines if f"opacity: {FAINT}" in line.attrib.get("style", "")]
    own = "(chart, name) => chart._fullData.filter((one) => (one.meta ?? one.name) === name).length"
    assert len(lines) - len(faint) == chart.evaluate(own, chosen), "with its band, and further seeds"
    assert len(faint) > len(lines) / 2
    assert _clear(chart) == {chosen}, "as before the picture"

    page.set_viewport_size({"width": 1180, "height": 900})
    settle(page)
    assert _clear(chart) == {chosen}, "Plotly has drawn it anew"
    names.nth(2).click()
    assert len(_clear(chart)) == many
    names.nth(2).click()
    assert _clear(chart) == {chosen}
    page.get_by_role("radio", name="bpb", exact=True).click()
    settle(page)
    assert len(_clear(chart)) == many, "another chart"

    names.nth(0).focus()
    page.keyboard.press("Enter")
    assert _clear(chart) == {names.nth(0).text_content()}
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    other = _clear(chart)
    assert len(other) == 1
    assert other != {names.nth(0).text_content()}
    page.keyboard.press("Escape")
    assert len(_clear(chart)) == many
    assert sum(one.get_attribute("tabindex") == "0" for one in names.all()) <= 2
    page.context.close()


def test_a_finger_isolates_a_line_too(browser: Browser, url: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, has_touch=True)
    page = context.new_page()
    go(page, url, "ranking")
    touch(page)
    chart = page.locator(CHART).first
    name = chart.locator(".annotation[role=button]").nth(1)
    name.tap()
    assert _clear(chart) == {name.text_content()}
    name.tap()
    assert len(_clear(chart)) > 5
    context.close()


def _clear(chart: Locator) -> set[str]:
    """Names of the lines that are not faint, by their names and by what is drawn, which agree."""
    told = chart.evaluate(
        """async (chart, faint) => {
          const frame = () => new Promise(requestAnimationFrame);
          for (let n = 0; n < 3; n++) await frame();  // with less motion each change of style takes .01 ms
          const names = [...chart.querySelectorAll(".annotation[role=button]")];
          const alone = names.filter((one) => one.getAttribute("aria-pressed") === "true");
          const own = (trace) => trace.meta ?? trace.name;
          const strong = chart._fullData.filter((trace) => getComputedStyle(
            chart.querySelector(`.trace${trace.uid}`)).opacity > faint).map(own);
          return [(alone.length ? alone : names).map((one) => one.textContent), strong];
        }""",
        FAINT,
    )
    assert set(told[0]) == set(told[1])
    return set(told[0])
