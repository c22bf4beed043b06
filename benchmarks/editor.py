"""How long after Enter does the table of questions say *Saved*, and how long until the page is at rest?

    python -m benchmarks.editor [--questions 3000] [--questions 15000] [--edits 40] [--beside-run]

Sets of made-up words (`benchmarks.speed.saving`), the studio's own server, a real Chromium. A text is clicked,
typed into and left with Enter; `saved` is from that key, in the page's own clock, to the frame after the tick was
drawn, `rest` to the end of the page's script. `open` is from the link to the first row, `find` from a word in
the search to what it leaves. With --beside-run the embedded ladder computes a set meanwhile, in a home of its own.
Prints a table, writes JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from benchmarks.speed.saving import made_up
from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"
SET = "written"
GOALS_SAVED_S = {3_000: 0.2, 15_000: 0.4}
SEEN_ROWS = 5
# From Enter in a row to the frame after its tick was drawn anew, and to the end of the page's script.
_WATCH = """
row => new Promise((done, fail) => {
  const tick = () => document.querySelector(`.qt-row[aria-rowindex="${row}"] .qt-ok`)?.dataset.saved;
  const app = document.querySelector('[data-testid=stApp]'), before = tick();
  let started = null, saved = null, ran = false;
  document.addEventListener('keydown', (event) => { if (event.key === 'Enter') started ??= performance.now(); }, true);
  const look = () => {
    const now = performance.now();
    if (started !== null) {
      const running = app.getAttribute('data-test-script-state') === 'running';
      ran ||= running;
      if (saved === null && tick() && tick() !== before) saved = now - started;
      if (saved !== null && ran && !running) return done([saved, now - started]);
      if (now - started > 60000) return fail(new Error('no tick, or no rest'));
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})
"""
_FIND = """
text => new Promise((done, fail) => {
  const field = document.querySelector('.qt-search'), rows = document.querySelector('.qt-status');
  const before = rows.textContent, started = performance.now();
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(field, text);
  field.dispatchEvent(new Event('input', {bubbles: true}));
  const look = () => {
    if (rows.textContent !== before) return done(performance.now() - started);
    if (performance.now() - started > 20000) return fail(new Error('the search leaves all as it was'));
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})
"""


def main(
    questions: Annotated[list[int] | None, typer.Option(help="Sizes; 3,000 and 15,000 unless given.")] = None,
    edits: Annotated[int, typer.Option(min=5, help="Edits of each set.")] = 40,
    beside_run: Annotated[
        bool, typer.Option("--beside-run", help="While the ladder computes a set.")
    ] = False,
) -> None:
    """Measure, print, write."""
    result: dict[str, Any] = {
        "cpus": os.cpu_count(),
        "load": [round(load, 2) for load in os.getloadavg()],
        "beside_run": beside_run,
        "sizes": [],
    }
    print(f"load {result['load']} on {result['cpus']} cores{', beside a run' if beside_run else ''}")
    for size in questions or list(GOALS_SAVED_S):
        with tempfile.TemporaryDirectory() as made, _run(Path(made) / "run", beside_run):
            row = measured(Path(made) / "home", size, edits)
        result["sizes"].append(row)
        print("\n".join(f"{name:>16}  {value:,}" for name, value in row.items()), end="\n\n", flush=True)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "editor.json").write_text(json.dumps(result, indent=2) + "\n")


def measured(home: Path, size: int, edits: int) -> dict[str, Any]:
    """Seconds of a set of that size."""
    from playwright.sync_api import sync_playwright

    from scripts.screenshots import FLAGS, server, settle

    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        raise SystemExit("Chromium is missing: install Debian's chromium, or set CHROMIUM to its path.")
    settings = Settings(home=home, tasks=home / "none", ladder=home / "none")
    collection.create_set(settings, SET, made_up(size))
    env = os.environ | {"E2LM_HOME": str(home), "E2LM_LADDER": str(home / "none")}
    saved, rest, opened = [], [], []
    with server(env) as url, sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=chromium, args=FLAGS).new_page(
            viewport={"width": 1280, "height": 900}
        )
        page.set_default_timeout(120_000)
        page.goto(f"{url}/questions?set={SET}")
        settle(page)
        for _ in range(3):
            started = time.perf_counter()
            page.goto(f"{url}/questions?set={SET}")
            page.wait_for_selector(".qt-row")
            opened.append(time.perf_counter() - started)
            settle(page)
        for number in range(-3, edits):
            seconds = _edited(page, (number + 3) % SEEN_ROWS + 1, number)
            if number >= 0:
                saved.append(seconds[0])
                rest.append(seconds[1])
        found = [page.evaluate(_FIND, text) / 1e3 for text in ("word1", "")]
    return {
        "questions": size,
        "edits": edits,
        "goal_saved_s": GOALS_SAVED_S.get(size, 0.4),
        **_quantiles("saved_s", saved),
        **_quantiles("rest_s", rest),
        "open_s": round(float(np.median(opened)), 3),
        "find_s": round(max(found), 3),
    }


def _edited(page: Page, row: int, number: int) -> Sequence[float]:
    page.locator(f'.qt-row[aria-rowindex="{row}"] [data-cell="question"]').click()
    page.locator(".qt-list textarea").wait_for()
    page.keyboard.type(f" word{number}")
    page.evaluate(f"() => {{ window.watched = ({_WATCH})({row}); }}")
    page.keyboard.press("Enter")
    saved_ms, rest_ms = page.evaluate("window.watched")
    return saved_ms / 1e3, rest_ms / 1e3


@contextmanager
def _run(home: Path, wanted: bool) -> Iterator[None]:
    """While the ladder computes a set, over and over; nothing where it is not wanted."""
    if not wanted:
        yield
        return
    program = "import subprocess, sys, shutil\nwhile True:\n    shutil.rmtree(sys.argv[1], ignore_errors=True)\n    subprocess.run([sys.executable, '-m', 'e2lm_core', 'evaluate', 'ladder_science'], stdout=-3, stderr=-3)"
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(home)],
        cwd=ROOT,
        env=os.environ | {"E2LM_HOME": str(home), "E2LM_SHIPPED": "0"},
        start_new_session=True,
    )
    try:
        time.sleep(8)  # models are read
        yield
    finally:
        os.killpg(process.pid, 15)
        process.wait(timeout=60)


def _quantiles(name: str, values: Sequence[float]) -> dict[str, float]:
    return {f"{name}_p{q}": round(float(np.percentile(values, q)), 3) for q in (50, 95)}


if __name__ == "__main__":
    typer.run(main)
