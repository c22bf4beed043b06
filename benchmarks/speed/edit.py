"""One question of 300 is edited: how long until every curve of the embedded ladder is new again?

    python -m benchmarks.speed.edit [--edits 50] [--shots 0] [--shots 5] [--browser] [--home FOLDER]

In the store: a real worker process, warm (it has computed the whole set before), is left alone with the
queue; seconds are counted from before the edit is saved to the commit that completes all checkpoints, to that
of all but further seeds', and to that of the coarse ones among these (last, first and middle of each model). CPU
seconds are the worker's own, of all its threads. With --browser: a real server and Chromium, on Questions: seconds from Enter in the
table's cell to the first redraw of the panel's chart with new points, and to its redraw with all of them but further
seeds'. A home that is given keeps its results, so that a second run of the benchmark starts sooner. Prints a table,
writes JSON.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from e2lm_core.base.records import Checkpoint, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.catalogue import without_extras
from e2lm_core.runs import checkpoint_order as run_order
from e2lm_core.runs import evaluate, start
from e2lm_core.runs import state as run_state
from e2lm_core.runs.studio import Studio, open_studio
from e2lm_core.sets import authoring, collection

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).resolve().parents[1] / "results"
SET, SOURCE, QUESTIONS = "edited", "ladder_science", 300
LOOK_EVERY_S = 0.01
LIMIT_S = 900.0
GOAL_S = 0.3  # of all but further seeds'

# Notes when a picture with points that none had before the edit is painted first, and when one with those of every model
# that is no further seed is; in the page's own clock. What tells new points from old ones is what is said of them: a page
# holds pictures of before beside those of now for a moment, and a question's has its line of before.
_WATCH = """
all => new Promise((done, fail) => {
  const pictures = () => Array.from(document.querySelectorAll('.studio-picture > svg')).map(drawn =>
    Array.from(drawn.querySelectorAll('[data-marks]:not([data-marks=before]) title')).map(t => t.textContent))
    .filter(said => said.length);
  const before = new Set(pictures().map(String)), started = performance.now(); let first = null;
  // The task after a frame's is behind its painting.
  const painted = () => new Promise(then => requestAnimationFrame(() => setTimeout(() => then(performance.now() - started))));
  const look = async () => {
    const fresh = pictures().filter(said => !before.has(String(said)));
    const most = Math.max(0, ...fresh.map(said => said.length));
    if (fresh.length && (first === null || most >= all)) { const now = await painted(); first ??= now; if (most >= all) return done([first, now]); }
    if (performance.now() - started > 60000) return fail(new Error(`only ${most} of ${all} points`));
    setTimeout(look, 8);
  };
  look();
})
"""


def main(
    edits: Annotated[int, typer.Option(min=1, help="Questions edited, one after the other.")] = 50,
    shots: Annotated[list[int] | None, typer.Option(help="Few-shot examples; 0 and 5 unless given.")] = None,
    browser: Annotated[bool, typer.Option("--browser", help="Measure the page as well.")] = False,
    home: Annotated[Path | None, typer.Option(help="A home that keeps its results between runs.")] = None,
) -> None:
    """Measure, print, write."""
    with tempfile.TemporaryDirectory() as made:
        settings = Settings.from_env().model_copy(update={"home": (home or Path(made)).resolve()})
        result: dict[str, Any] = {
            "cpus": os.cpu_count(),
            "load": [round(load, 2) for load in os.getloadavg()],
            "store": [in_store(settings, k, edits) for k in (shots or [0, 5])],
        }
        if browser:
            result["browser"] = [in_browser(settings, k, edits) for k in (shots or [0, 5])]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "edit.json").write_text(json.dumps(result, indent=2) + "\n")
    _print(result)


def prepared(settings: Settings) -> Studio:
    """A studio with the set of 300 questions."""
    studio = open_studio(settings)
    if all(info.name != SET for info in collection.list_sets(settings)):
        collection.copy_set(settings, SOURCE, SET)
        surplus = collection.open_set(settings, SET).questions[QUESTIONS:]
        authoring.delete_questions(settings, SET, [q.id for q in surplus])
    return studio


def in_store(settings: Settings, shots: int, edits: int) -> dict[str, Any]:
    """Seconds of edits until their points are in the store; the set is run once before."""
    studio = prepared(settings)
    checkpoints = without_extras(studio.local_checkpoints)
    with worker(settings) as process:
        whole = collection.open_set(settings, SET)
        sweep_s = wait(studio, start.submit_run(studio, whole, checkpoints, shots))
        # What the store holds already leaves the worker cold: a few edits load every checkpoint.
        for number in range(3):
            edited = _edit(studio, number)
            wait(studio, start.submit_run(studio, edited, checkpoints, shots, evaluate.INTERACTIVE))
        rows = []
        for number in range(edits):
            rows.append(_one(studio, checkpoints, shots, number, process.pid))
            time.sleep(0.05 * (number % 7))  # a person edits at any moment of the worker's idling
        peak_mb = _status_mb(process.pid, "VmHWM")
    covered = run_state.coverage(studio, collection.open_set(settings, SET), checkpoints, shots)
    if covered.stale:
        raise SystemExit(f"{len(covered.stale)} questions are not computed everywhere.")
    return {
        "shots": shots,
        "questions": covered.questions,
        "checkpoints": len(checkpoints),
        "of_further_seeds": sum(c.model.seed_of is not None for c in checkpoints),
        "edits": edits,
        "sweep_s": round(sweep_s, 1),
        "goal_p95_s": GOAL_S,
        **_quantiles("save_s", [row["save_s"] for row in rows]),
        **_quantiles("coarse_s", [row["coarse_s"] for row in rows]),
        **_quantiles("but_seeds_s", [row["but_seeds_s"] for row in rows]),
        **_quantiles("all_s", [row["all_s"] for row in rows]),
        **_quantiles("worker_cpu_s", [row["worker_cpu_s"] for row in rows]),
        "worker_peak_mb": peak_mb,
    }


def _one(
    studio: Studio, checkpoints: tuple[Checkpoint, ...], shots: int, number: int, pid: int
) -> dict[str, float]:
    before = cpu_seconds(pid)
    started = time.perf_counter()
    edited = _edit(studio, number)
    job = start.submit_run(studio, edited, checkpoints, shots, evaluate.INTERACTIVE)
    save_s = time.perf_counter() - started
    own = [c for c in checkpoints if c.model.seed_of is None]
    coarse_s = wait(studio, job, {c.name for c in run_order.thin_out(own, "ends and middle")}, started)
    but_seeds_s = wait(studio, job, {c.name for c in own}, started)
    all_s = wait(studio, job, None, started)
    return {
        "save_s": save_s,
        "coarse_s": coarse_s,
        "but_seeds_s": but_seeds_s,
        "all_s": all_s,
        "worker_cpu_s": cpu_seconds(pid) - before,
    }


def _edit(studio: Studio, number: int) -> TaskSet:
    """Add a word that no version of the question has had; the set as it was saved."""
    questions = collection.open_set(studio.settings, SOURCE).questions
    question = questions[number * 7 % QUESTIONS]
    text = f"{question.question.rstrip('?')} in {_new_word()}?"
    return authoring.update_questions(studio.settings, SET, {question.id: {"question": text}})


def _new_word() -> str:
    return "".join(secrets.choice("bdklmnprst" if i % 2 else "aeiou") for i in range(7))


def wait(studio: Studio, job: int, names: set[str] | None = None, started: float | None = None) -> float:
    """Seconds until the job is done, or has completed the checkpoints that are named."""
    began = time.perf_counter() if started is None else started
    while time.perf_counter() - began < LIMIT_S:
        with studio.store.database.reading() as connection:
            (state,) = connection.execute("SELECT state FROM jobs WHERE id = ?", (job,)).fetchone()
            complete = connection.execute(
                "SELECT name FROM progress WHERE job = ? AND done = total", (job,)
            ).fetchall()
        if state in ("failed", "cancelled"):
            raise SystemExit(f"The run failed: {studio.jobs.get(job).error}")
        if state == "done" or (names is not None and names <= {name for (name,) in complete}):
            return time.perf_counter() - began
        time.sleep(LOOK_EVERY_S)
    raise SystemExit(f"The run was not done after {LIMIT_S:g} seconds.")


@contextmanager
def worker(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """The worker process that the app starts, on these settings."""
    process = subprocess.Popen(
        [sys.executable, "-m", "e2lm_core", "worker", "--idle-exit", "900"],
        cwd=ROOT,
        env=os.environ | {"E2LM_HOME": str(settings.home), "E2LM_SHIPPED": "0"},
        stdin=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=60)


def cpu_seconds(pid: int) -> float:
    """User and system seconds of a process and its threads (Linux); NaN elsewhere."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- the page ----------------------------------------------------------------------------------------


def in_browser(settings: Settings, shots: int, edits: int) -> dict[str, Any]:
    """Seconds from Enter to the first redraw and to the complete one; the set is run once before."""
    from playwright.sync_api import sync_playwright

    from scripts.screenshots import FLAGS, server, settle

    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        raise SystemExit("Chromium is missing: install Debian's chromium, or set CHROMIUM to its path.")
    studio = prepared(settings)
    points = sum(c.model.seed_of is None for c in without_extras(studio.local_checkpoints))
    with worker(settings):
        wait(
            studio,
            start.submit_run(
                studio, collection.open_set(settings, SET), without_extras(studio.local_checkpoints), shots
            ),
        )
    first, complete = [], []
    env = os.environ | {"E2LM_HOME": str(settings.home), "E2LM_SHIPPED": "0"}
    with server(env) as url, sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=chromium, args=FLAGS).new_page(
            viewport={"width": 1280, "height": 900}
        )
        page.set_default_timeout(60_000)
        page.goto(f"{url}/questions?set={SET}")
        settle(page)
        page.wait_for_selector(".studio-picture polyline:visible")
        page.wait_for_timeout(2_000)
        settle(page)  # a window's first words to the server draw the page a second time
        for number in range(-3, edits):  # the first ones start the app's own worker and warm it
            seconds = edited_cell(page, number * 5 % 13, points)
            if number >= 0:
                first.append(seconds[0])
                complete.append(seconds[1])
            settle(page)
    return {
        "shots": shots,
        "edits": edits,
        "goal_complete_s": 0.6,
        **{f"first_s_p{q}": round(float(np.percentile(first, q)), 3) for q in (50, 95)},
        **{f"complete_s_p{q}": round(float(np.percentile(complete, q)), 3) for q in (50, 95)},
    }


def edited_cell(page: Page, row: int, points: int) -> tuple[float, float]:
    """Type into a cell: seconds from Enter to the first redraw, and to the complete one."""
    page.locator(f'.qt-row[aria-rowindex="{row + 1}"] [data-cell="question"]').click()
    cell = page.locator(".qt-list textarea")
    cell.wait_for()
    words = cell.input_value().split(" in the town of ")[0].rstrip("?")
    cell.fill(f"{words} in the town of {_new_word()}?")
    page.evaluate(f"() => {{ window.watched = ({_WATCH})({points}); }}")
    started = time.perf_counter()
    page.keyboard.press("Enter")
    pressed_s = time.perf_counter() - started
    first_ms, complete_ms = page.evaluate("window.watched")
    return max(0.0, first_ms / 1e3 - pressed_s / 2), complete_ms / 1e3


# --- within -------------------------------------------------------------------------------------------


def _status_mb(pid: int, name: str) -> float | None:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    return next((round(int(x.split()[1]) / 1024) for x in lines if x.startswith(name)), None)


def _quantiles(name: str, values: list[float]) -> dict[str, float]:
    return {
        f"{name}_p50": round(float(np.percentile(values, 50)), 3),
        f"{name}_p95": round(float(np.percentile(values, 95)), 3),
    }


def _print(result: dict[str, Any]) -> None:
    print(f"load {result['load']} on {result['cpus']} cores")
    for row in [*result["store"], *result.get("browser", ())]:
        print()
        for name, value in row.items():
            print(f"{name:24} {value}")


if __name__ == "__main__":
    typer.run(main)
