"""A visitor's hands in a real browser: going to a page, typing into the table."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from scripts.screenshots import settle

SET = "my_science"


EDITED = "Which gas do green plants take in to make sugar?"


RUN_MS = 300_000


def go(page: Page, place: str, tab: str | None = None) -> None:
    """Go to a place by the navigation, and to one of its tabs."""
    page.get_by_test_id("stSidebarNavLink").filter(has_text=place).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(place)
    settle(page)
    if tab is not None:
        page.locator(".st-key-tabs").get_by_role("radio", name=tab, exact=True).click()
        settle(page)


def strip(page: Page):
    return page.locator(".st-key-strip")


def touch(page: Page) -> None:
    """Touch the page's first picture of a chart, unless Plotly draws the charts already."""
    chart = page.locator(".studio-figure svg[role=img], .js-plotly-plot")
    chart.first.wait_for(state="attached")
    if page.locator(".studio-figure").count():
        # a picture in a tab that is not shown has no place for a click
        chart.first.dispatch_event("click")
        page.wait_for_selector(".js-plotly-plot", state="attached")
        settle(page)


def drawn(page: Page) -> dict[str, list[float]]:
    """The curves of the page's first chart, by model, complete ones only."""
    touch(page)
    traces = page.evaluate(
        """() => document.querySelector(".js-plotly-plot").data
            .filter(t => t.mode === "lines+markers").map(t => [t.name, Array.from(t.y._inputArray ?? t.y)])"""
    )
    return dict(traces)


def cell(page: Page, row: int, name: str = "question") -> Locator:
    """A text of the table: of the question in a row, from 0, in the order shown."""
    return page.locator(f'.qt-row[aria-rowindex="{row + 1}"] [data-cell="{name}"]')


def type_into_question(page: Page, row: int, text: str) -> None:
    """As a visitor does: click the text, type, and leave it with Enter."""
    cell(page, row).click()
    page.locator(".qt-list textarea").fill(text)
    page.keyboard.press("Enter")
    expect(cell(page, row)).to_have_text(text)
    expect(page.locator(f'.qt-row[aria-rowindex="{row + 1}"] .qt-state.qt-ok')).to_be_visible()
