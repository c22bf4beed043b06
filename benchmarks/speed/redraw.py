"""How long a page takes to be drawn again after a switch of metric.

    python -m benchmarks.speed.redraw [--questions 300 --questions 15000] [--pages accuracy] [--no-browser] [--home FOLDER]

Every page that has a switch of metric is measured, on a set whose results at the whole embedded ladder were
put into the store (`benchmarks.prepared.finished`): in this process by Streamlit's own AppTest (the script
alone), and in Chromium by Playwright (from the click to the chart's new points, and to the end of the
script). Each option is chosen once before (warm-up: "first"), then again and again ("redraw", the median).
Prints a table, writes JSON.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.prepared import made
from e2lm_core.base.records import METRICS
from e2lm_core.ui.base import urls

TARGETS_S = {300: 0.3, 15_000: 1.0}
SWITCHES = ("acc", "margin", "norm_prob")
# Views with a switch and a chart; each is a tab of its place.
PAGES = ("score", "accuracy", "ranking", "compare", "plan")
LATEST_S = 120
# The click, the first frame in which the page's first chart has other points than before, and the script's end. A
# picture may be there a frame after the end; a second later there is none.
CLICK = """async ([option, latest]) => {
    const points = () => {
        const picture = document.querySelector('.studio-figure svg');
        if (picture) return picture.outerHTML;
        const chart = document.querySelector('.js-plotly-plot');
        const plain = (v) => v === undefined ? [] : Array.from(v._inputArray ?? v, (x) => x?.length ? Array.from(x) : x);
        return chart?.data ? JSON.stringify(chart.data.map((t) => [t.name, plain(t.y), plain(t.z), t.text])) : '';
    };
    const button = [...document.querySelectorAll('[data-testid=stButtonGroup] [role=radio]')]
        .find((b) => b.textContent.trim() === option);
    const before = points(), app = document.querySelector('[data-testid=stApp]'), started = performance.now();
    button.click();
    let chart = null, ran = false, end = null;
    while (performance.now() - started < latest) {
        await new Promise(requestAnimationFrame);
        const state = app.getAttribute('data-test-script-state');
        ran = ran || state === 'running';
        if (chart === null && points() !== before) chart = performance.now() - started;
        if (ran && state === 'notRunning') end ??= performance.now() - started;
        if (end !== null && (chart !== null || performance.now() - started - end > 1000)) break;
    }
    return [chart, end];
}"""


def main(
    questions: Annotated[
        list[int] | None, typer.Option(min=1, help="Sizes of the set; may be repeated.")
    ] = None,
    pages: Annotated[
        str,
        typer.Option(
            help="Names of views as links have them, with commas between; all with a switch by itself."
        ),
    ] = "",
    switches: Annotated[int, typer.Option(min=1, help="How many switches the median is of.")] = 9,
    browser: Annotated[bool, typer.Option(help="Measure in Chromium as well.")] = True,
    checkpoints: Annotated[str, typer.Option(help="Which of the ladder's checkpoints have results.")] = "*",
    home: Annotated[
        Path | None, typer.Option(help="Keep the made homes in this folder, and use those there.")
    ] = None,
) -> None:
    """Measure, print, write."""
    wanted = [name.strip() for name in pages.split(",") if name.strip()]
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as temporary:
        for size in questions or list(TARGETS_S):
            folder = (home or Path(temporary)) / f"questions_{size}"
            name = prepare(folder, size, checkpoints)
            own = in_process(folder, name, wanted, switches)
            if browser:
                in_browser(folder, name, own, switches)
            for row in own:
                rows.append({"questions": size, "target_s": target(size), **row})
                show(rows[-1])
    report = {"benchmark": "redraw", "switches": switches, "machine": made.machine(), "rows": rows}
    made.write("redraw", report)


def target(questions: int) -> float:
    """Seconds that a redraw may take at so many questions."""
    return next(seconds for size, seconds in TARGETS_S.items() if questions <= size or size == max(TARGETS_S))


def prepare(folder: Path, size: int, checkpoints: str) -> str:
    """A home with a finished set of so many questions; the set's name."""
    from benchmarks.prepared import finished
    from benchmarks.speed.engine import vocabulary

    rng = random.Random(0)
    task = made.make_set(f"made_{size}", size, vocabulary(rng), rng)
    finished.home(folder, task, checkpoints).store.database.close()
    return task.name


# --- by AppTest ---------------------------------------------------------------------------------------


def in_process(folder: Path, name: str, wanted: Sequence[str], switches: int) -> list[dict[str, Any]]:
    """One row a page: seconds of the script until the page is there, of the first and of later switches."""
    import streamlit as st
    from streamlit.testing.v1 import AppTest

    from e2lm_core.ui import session

    os.environ.update({"E2LM_HOME": str(folder), "E2LM_DEVICE": "cpu"})
    session.redraw_through_app = lambda: (
        None
    )  # AppTest takes every run for a server's first, and would draw twice
    st.cache_resource.clear()
    at = AppTest.from_file(str(made.ROOT / "app.py"), default_timeout=10 * LATEST_S)
    at.session_state["set"] = name
    at.run()
    rows = []
    for page in wanted or PAGES:
        place, tab = urls.find(page)
        at.query_params.update({"tab": tab or "", "followed": "1"})  # as a link within a place
        at.switch_page(place.script)
        opened, *_ = _timed(at)
        if (switch := _switch(at)) is None:
            continue
        first, later, cpu = [], [], []
        for turn in range(len(SWITCHES) + switches):
            at.segmented_control[switch].set_value(SWITCHES[(turn + 1) % len(SWITCHES)])
            seconds, own, problem = _timed(at)
            (first if turn < len(SWITCHES) else later).append(seconds)
            cpu.append(own)
        rows.append(
            {
                "page": page,
                "opened_s": round(opened, 3),
                "first_s": round(max(first), 3),
                "redraw_s": made.spread(later),
                "redraw_cpu_s": made.spread(cpu[len(SWITCHES) :]),
                "sent_bytes": _sent(at),
                "problem": problem,
            }
        )
    session.studio().store.database.close()
    st.cache_resource.clear()
    return rows


def _timed(at: Any) -> tuple[float, float, str | None]:
    """Seconds and CPU seconds of the script, and the exception that it showed."""
    started, cpu = time.perf_counter(), time.process_time()
    at.run()
    seconds = time.perf_counter() - started, time.process_time() - cpu
    return *seconds, at.exception[0].value if at.exception else None


def _switch(at: Any) -> int | None:
    """Which of the page's controls switches the metric."""
    options = [set(control.options) for control in at.segmented_control]
    return next((i for i, own in enumerate(options) if set(METRICS) <= own), None)


def _sent(at: Any) -> dict[str, int]:
    """Bytes of what a redraw sends to the browser, by kind of element."""
    sizes: dict[str, int] = {}
    for node in (*at.main, *at.sidebar):
        if (proto := getattr(node, "proto", None)) is not None:
            sizes[node.type] = sizes.get(node.type, 0) + proto.ByteSize()
    return dict(sorted(sizes.items(), key=lambda item: -item[1])[:4])


# --- by Chromium --------------------------------------------------------------------------------------


def in_browser(folder: Path, name: str, rows: list[dict[str, Any]], switches: int) -> None:
    """Adds to every row the seconds from a click to the new chart and to the end of the page's script."""
    from playwright.sync_api import sync_playwright

    from scripts.screenshots import FLAGS, server, settle

    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        raise SystemExit("Chromium is missing: install Debian's chromium, set CHROMIUM, or use --no-browser.")
    with server(os.environ | {"E2LM_HOME": str(folder)}) as url, sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = opened.new_context(viewport={"width": 1280, "height": 900}).new_page()
        for row in rows:
            page.goto(f"{url}/{urls.address(row['page'], name)}")
            settle(page)
            if not page.locator(".studio-figure svg, .js-plotly-plot").count():
                continue  # a set of which no model knows anything has no plan, and no chart of it
            charts, ends = [], []
            for turn in range(len(SWITCHES) + switches):
                option = SWITCHES[(turn + 1) % len(SWITCHES)]
                chart, end = page.evaluate(CLICK, [option, LATEST_S * 1000])
                page.wait_for_timeout(400)
                if turn >= len(SWITCHES):
                    charts.append(chart)
                    ends.append(end)
            drawn = [value / 1000 for value in charts if value is not None]
            row["browser_chart_s"] = made.spread(drawn) if drawn else None
            row["browser_done_s"] = made.spread([value / 1000 for value in ends if value is not None])
        opened.close()


def show(row: dict[str, Any]) -> None:
    """A row as a line."""
    browser = ""
    if chart := row.get("browser_chart_s"):
        browser = f"; Chromium: chart {chart['median']:.2f} s, done {row['browser_done_s']['median']:.2f} s"
    met = "met" if row["redraw_s"]["median"] < row["target_s"] else "missed"
    print(
        f"{row['questions']:>7,} {row['page']:16} opened {row['opened_s']:6.2f} s, first {row['first_s']:6.2f} s, "
        f"redraw {row['redraw_s']['median']:6.3f} s, {row['redraw_cpu_s']['median']:.3f} of CPU (target {row['target_s']} s "
        f"{met}){browser}; sends "
        + ", ".join(f"{kind} {size / 1e3:,.0f} kB" for kind, size in row["sent_bytes"].items())
        + (f"; {row['problem']}" if row["problem"] else ""),
        flush=True,
    )


if __name__ == "__main__":
    typer.run(main)
