"""The page's part of `benchmarks.speed.edit`: Enter in a cell of Author's table, and the panel beside it redrawn.

What is timed is the panel's chart of the whole set, old curves faint behind and new ones on top: each new point is
a checkpoint at which the edited set is complete. It is complete when every curve has all its points again.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

from benchmarks.speed import edit
from e2lm_core.base.settings import Settings
from e2lm_core.runs import start
from scripts.screenshots import FLAGS, server, settle

ROW_PX, ID_PX = 35, 130
# Notes when the last chart, that of the whole set, first has points of the edited set, and when it has all of them;
# in the page's own clock. A redraw may come so late that it is complete at once: what tells new points from old ones
# is their values. Faint curves, of before the edit, have no markers.
_WATCH = """
all => new Promise((done, fail) => {
  const values = () => Array.from(document.querySelectorAll('.js-plotly-plot')).slice(-1)
    .flatMap(p => p.data || []).filter(t => t.mode === 'lines+markers')
    .flatMap(t => Array.from(t.y?._inputArray ?? t.y ?? []));
  const before = values().join(), started = performance.now(); let first = null;
  const look = () => {
    const now = performance.now() - started, own = values();
    if (own.length && own.join() !== before) {
      first ??= now;
      if (own.length >= all) return done([first, now]);
    }
    if (now > 60000) return fail(new Error(`only ${own.length} of ${all} points`));
    setTimeout(look, 8);
  };
  look();
})
"""


def in_browser(settings: Settings, edits: int) -> dict[str, Any]:
    """Seconds from Enter to the first redraw and to the complete one; the set is run once before."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        raise SystemExit("Chromium is missing: install Debian's chromium, or set CHROMIUM to its path.")
    studio = edit.prepared(settings)
    with edit.worker(settings):
        edit.wait(studio, start.start(studio, edit.SET, studio.at_hand, 0))
    first, complete = [], []
    env = os.environ | {"E2LM_HOME": str(settings.home)}
    with server(env) as url, sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=chromium, args=FLAGS).new_page(
            viewport={"width": 1280, "height": 900}
        )
        page.set_default_timeout(60_000)
        page.goto(f"{url}/author?set={edit.SET}")
        settle(page)
        page.wait_for_selector(".js-plotly-plot")
        page.wait_for_timeout(2_000)
        settle(page)  # a window's first words to the server draw the page a second time
        for number in range(-3, edits):  # the first ones start the app's own worker and warm it
            # Never the cell below the last one: Enter has selected it, and a click would open it.
            seconds = _one(page, number * 5 % 13, len(studio.at_hand))
            if number >= 0:
                first.append(seconds[0])
                complete.append(seconds[1])
            settle(page)
    return {
        "edits": edits,
        "goal_first_s": 1.0,
        "goal_complete_s": 2.5,
        **{f"first_s_p{q}": round(float(np.percentile(first, q)), 3) for q in (50, 95)},
        **{f"complete_s_p{q}": round(float(np.percentile(complete, q)), 3) for q in (50, 95)},
    }


def _one(page: Page, row: int, points: int) -> tuple[float, float]:
    grid = page.get_by_test_id("stDataFrame").first
    box = grid.locator("canvas").first.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + ID_PX + 60, box["y"] + ROW_PX * (row + 1) + ROW_PX / 2)
    page.wait_for_timeout(120)
    page.keyboard.press("Enter")
    cell = page.locator(".gdg-input")
    cell.wait_for()
    words = cell.input_value().split(" in the town of ")[0].rstrip("?")
    name = "".join(secrets.choice("bdklmnprst" if i % 2 else "aeiou") for i in range(7))
    cell.fill(f"{words} in the town of {name}?")
    page.evaluate(f"() => {{ window.watched = ({_WATCH})({points}); }}")
    started = time.perf_counter()
    page.keyboard.press("Enter")
    pressed_s = time.perf_counter() - started
    first_ms, complete_ms = page.evaluate("window.watched")
    return max(0.0, first_ms / 1e3 - pressed_s / 2), complete_ms / 1e3
