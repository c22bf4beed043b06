"""The server's picture of each chart beside Plotly's chart of the same figure, in every view, wide and narrow."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from e2lm_core.ui.base import urls
from scripts.screenshots import server, settle, unfold
from tests.conftest import needs
from tests.support.browser import touch
from tests.support.short import shorten
from tests.ui.browser.test_chart_tools import CHOSEN, WITHOUT
from tests.ui.browser.test_views import SET

pytestmark = pytest.mark.slow

VIEWS = [view for view in urls.VIEWS if view not in WITHOUT]
# Views with their width, which have lines, bands, legends, bars, cells, names along an axis, panels among them.
IN_CI = (("accuracy", 390), ("ranking", 1280), ("score", 390), ("choosing", 1280), ("subjects", 1280))
PICTURE = ".studio-figure svg[role=img]"
# Pixels by which a text's or a mark's middle may lie elsewhere: fonts are measured by Plotly, and guessed by the server.
TEXT_PX, MARK_PX = 8.0, 1.5
# Every chart by its key: texts [text, x, y], marks [x, y], lines [colour, dash, width] in the order drawn.
READ = """() => {
  const middle = (part, root) => {
    const own = part.getBoundingClientRect(), box = root.getBoundingClientRect();
    return [(own.left + own.right) / 2 - box.left, (own.top + own.bottom) / 2 - box.top];
  };
  const texts = (root) => [...root.querySelectorAll("text")].filter((one) =>
    one.textContent.trim() && getComputedStyle(one).visibility !== "hidden" && !one.closest(".modebar, .hoverlayer"))
    .map((one) => [one.textContent.replace(/[\\u200b\\n]/g, ""), ...middle(one, root)]);
  const style = (line) => {
    const own = getComputedStyle(line);
    return [own.stroke, own.strokeDasharray.replace(/px/g, "").replace(/,/g, ""), Number.parseFloat(own.strokeWidth)];
  };
  const charts = {};
  for (const root of document.querySelectorAll(".studio-figure, .js-plotly-plot")) {
    if (!root.getClientRects().length) continue;
    const isPicture = root.matches(".studio-figure");
    const key = isPicture ? root.dataset.chart
      : [...root.closest("[class*=st-key-]").classList].find((name) => name.startsWith("st-key-")).slice(7);
    const marks = isPicture ? root.querySelectorAll("[data-marks] circle, [data-marks] path")
      : root.querySelectorAll(".scatterlayer .point");
    const lines = isPicture ? root.querySelectorAll("polyline") : root.querySelectorAll(".scatterlayer .js-line");
    charts[key] = {
      texts: texts(root),
      marks: [...marks].filter((mark) => mark.getAttribute("d") !== "M0,0Z").map((mark) => middle(mark, root)),
      lines: [...lines].map(style).filter(([, , width]) => width > 0),
      height: root.getBoundingClientRect().height,
    };
  }
  return charts;
}"""

Charts = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("first") / "home"
    env = {"E2LM_HOME": str(home), "E2LM_LADDER": str(needs("ladder")), "E2LM_SHIPPED": "1"}
    with server(os.environ | env) as address:
        yield address


@pytest.mark.parametrize(("view", "width"), shorten(itertools.product(VIEWS, (1280, 390)), IN_CI))
def test_it_shows_the_axes_names_colours_and_points_of_the_chart(
    browser: Browser, url: str, view: str, width: int
) -> None:
    page = _open(browser, url, view, width)
    first = _read_all(page, width)
    assert first
    expect(page.locator(".js-plotly-plot")).to_have_count(0)
    touch(page)
    then = _read_all(page, width)
    page.context.close()
    assert first.keys() == then.keys()
    for key, picture in first.items():
        _compare(key, picture, then[key])


def test_a_redraw_leaves_no_frame_empty(browser: Browser, url: str) -> None:
    page = _open(browser, url, "accuracy", 1280)
    before = page.locator(PICTURE).first.inner_html()
    page.evaluate(
        """() => {
          window.seen = [];
          const look = () => {
            const all = [...document.querySelectorAll(".studio-figure")];
            window.seen.push([all.length, all.filter((one) => !one.querySelector("svg")).length]);
            requestAnimationFrame(look);
          };
          look();
        }"""
    )
    page.get_by_role("radio", name="bpb", exact=True).click()
    settle(page)
    seen = page.evaluate("window.seen")
    assert page.locator(PICTURE).first.inner_html() != before
    page.context.close()
    assert len(seen) > 10
    assert all(charts and not empty for charts, empty in seen), seen


def test_a_click_on_a_name_leaves_its_line_alone_and_enter_leads_to_the_first_name(
    browser: Browser, url: str
) -> None:
    page = _open(browser, url, "accuracy", 1280)
    end = page.locator(f"{PICTURE} [data-end]").nth(2)
    name = end.text_content()
    end.click()
    chart = page.locator(".js-plotly-plot[data-alone]")
    expect(chart.locator(".annotation[aria-pressed=true]")).to_have_text(str(name), timeout=60_000)
    page.context.close()

    page = _open(browser, url, "accuracy", 1280)
    page.locator(PICTURE).first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".js-plotly-plot .annotation[role=button]").first).to_be_focused(timeout=60_000)
    page.context.close()


def _open(browser: Browser, url: str, view: str, width: int) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if width < 640 else "light"
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{url}/{urls.address(view, SET)}{CHOSEN.get(view, '')}")
    if view == "relevance":  # it is computed in the background at first
        page.wait_for_selector(PICTURE, timeout=240_000)
    settle(page)
    return page


def _read_all(page: Page, width: int) -> Charts:
    """Read the charts of the view and of its tabs."""
    found: Charts = {}
    tabs = page.locator("[data-testid=stTabs]").get_by_role("tab").all()
    for tab in [*tabs[1:], *tabs[:1]] or [None]:
        if tab is not None:
            tab.click()
            settle(page)
        unfold(page, width, 900)
        found |= page.evaluate(READ)
    return found


def _compare(key: str, picture: dict[str, Any], chart: dict[str, Any]) -> None:
    assert picture["height"] == pytest.approx(chart["height"], abs=1), key
    said, meant = ([text for text, *_ in one["texts"]] for one in (picture, chart))
    assert sorted(said) == sorted(meant), key
    for text, x, y in chart["texts"]:
        near = min(math.hypot(a - x, b - y) for other, a, b in picture["texts"] if other == text)
        assert near <= TEXT_PX, (key, text, near)
    assert [line[:2] for line in picture["lines"]] == [line[:2] for line in chart["lines"]], key
    for mine, theirs in zip(picture["lines"], chart["lines"], strict=True):
        assert mine[2] == pytest.approx(theirs[2], abs=0.01), key
    assert len(picture["marks"]) == len(chart["marks"]), key
    for (x, y), (a, b) in zip(picture["marks"], chart["marks"], strict=True):
        assert math.hypot(a - x, b - y) <= MARK_PX, (key, (x, y), (a, b))
