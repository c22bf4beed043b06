"""Time of a trial of 20 candidates on all checkpoints in the browser, beside that of one edit, in one run.

A real server and Chromium at 1280 × 900. An edit is measured as `benchmarks.speed.edit` does: from Enter in the table's
cell to the panel's chart with all models but further seeds. A trial is measured from the click on *Try other choices* to
the painted headline, with all checkpoints, further seeds included. Edits and trials alternate; nothing of a trial is
stored, so each computes all of its candidates.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.speed import edit
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.catalogue import without_extras
from e2lm_core.runs import start
from e2lm_core.sets import collection

if TYPE_CHECKING:
    from playwright.sync_api import Page

TIMES, WARM = 20, 3
BAR = 2.5
_HEADLINE = "Proposal for|Keep |Nothing to propose"
_WATCH = """
(pattern) => new Promise((done, fail) => {
  const started = performance.now(), found = new RegExp(pattern);
  const button = Array.from(document.querySelectorAll('button')).find(b => b.innerText.includes('Try other choices'));
  const look = () => {
    if (found.test(document.querySelector('[data-testid=stMain]').innerText))
      return requestAnimationFrame(() => setTimeout(() => done(performance.now() - started)));
    if (performance.now() - started > 60000) return fail(new Error('no result'));
    setTimeout(look, 8);
  };
  button.click();
  look();
})
"""


def tables(settings: Settings) -> Iterator[tuple[str, str]]:
    """Table of the study."""
    edits, trials = measure(settings)
    rows = []
    for q in (50, 95):
        one, other = float(np.percentile(edits, q)), float(np.percentile(trials, q))
        rows.append(f"| p{q} | {one:.2f} s | {other:.2f} s | {other / one:.2f} | ≤ {BAR} |")
    head = f"| of {TIMES} | one edit, complete | 20 candidates, complete | ratio | asked for |\n|---|---|---|---|---|\n"
    yield "speed", head + "\n".join(rows)


def measure(settings: Settings) -> tuple[list[float], list[float]]:
    """Seconds of edits and of trials, alternated."""
    from playwright.sync_api import sync_playwright

    from scripts.screenshots import FLAGS, server, settle

    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        raise SystemExit("Chromium is missing: install Debian's chromium, or set CHROMIUM to its path.")
    studio = edit.prepared(settings)
    checkpoints = without_extras(studio.local_checkpoints)
    points = sum(c.model.seed_of is None for c in checkpoints)
    with edit.worker(settings):
        edit.wait(studio, start.submit_run(studio, collection.open_set(settings, edit.SET), checkpoints, 0))
    edits: list[float] = []
    trials: list[float] = []
    env = os.environ | {"E2LM_HOME": str(settings.home), "E2LM_SHIPPED": "0"}
    with server(env) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(60_000)
        for number in range(-WARM, TIMES):
            page.goto(f"{url}/questions?set={edit.SET}&tab=write")
            settle(page)
            page.wait_for_selector(".studio-picture polyline:visible")
            page.wait_for_timeout(1_500)
            settle(page)
            edited = edit.edited_cell(page, number * 5 % 13, points)[1]
            settle(page)
            page.wait_for_timeout(1_000)  # further seeds of the edit are over
            question = studio_question(settings, number)
            page.goto(f"{url}/questions?set={edit.SET}&tab=alternatives&question={question}")
            settle(page)
            page.wait_for_timeout(1_500)
            settle(page)
            tried = _tried(page)
            if number >= 0:
                edits.append(edited)
                trials.append(tried)
    return edits, trials


def studio_question(settings: Settings, number: int) -> str:
    """Id of another question for each trial."""
    questions = collection.open_set(settings, edit.SET).questions
    return questions[(number + WARM) * 11 % len(questions)].id


def _tried(page: Page) -> float:
    return float(page.evaluate(_WATCH, _HEADLINE)) / 1e3
