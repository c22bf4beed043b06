"""A visitor's hands in a real browser: going to a page, typing into the table."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from scripts.screenshots import settle

SET = "my_science"


EDITED = "Which gas do green plants take in to make sugar?"


ROW_PX, ID_PX = 35, 200  # the grid's rows, and more than its first column


RUN_MS = 300_000


def go(page: Page, name: str) -> None:
    page.get_by_test_id("stSidebarNavLink").filter(has_text=name).click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    settle(page)


def strip(page: Page):
    return page.locator(".st-key-strip")


def drawn(page: Page) -> dict[str, list[float]]:
    """The curves of the page's first chart, by model, complete ones only."""
    page.wait_for_selector(".js-plotly-plot")
    traces = page.evaluate(
        """() => document.querySelector(".js-plotly-plot").data
            .filter(t => t.mode === "lines+markers").map(t => [t.name, Array.from(t.y._inputArray ?? t.y)])"""
    )
    return dict(traces)


def type_into_question(page: Page, row: int, text: str) -> None:
    """As a visitor does: click the cell, open it with Enter, type, and leave it with Enter."""
    grid = page.get_by_test_id("stDataFrame").first
    grid.scroll_into_view_if_needed()
    cell = page.locator(f"#glide-cell-1-{row}")
    canvas = grid.locator("canvas").first.bounding_box()
    assert canvas is not None
    expect(cell).to_be_attached()
    page.mouse.click(canvas["x"] + ID_PX + 60, canvas["y"] + ROW_PX * (row + 1) + ROW_PX / 2)
    page.wait_for_timeout(120)
    page.keyboard.press("Enter")
    editor = page.locator(".gdg-input")
    editor.wait_for()
    editor.fill(text)
    page.keyboard.press("Enter")
    expect(cell).to_have_text(text)
