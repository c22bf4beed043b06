"""How long after the link is the first picture there, and how much of that is Streamlit's own start?

    python -m benchmarks.speed.first [--visits 12] [--starts 5]

Three servers, each warm, visited in turn by a real Chromium that is open and knows nothing of them (a new context each
time): the studio's home in a new home folder, where the shipped results are drawn; a Streamlit app of one line of text;
and one with that line and a chart of plotly's with two lines. Milliseconds in the page's own clock from the link to the
text or to the first drawn line (`first`), to the place's title (`frame`) and to the first thing of any kind (`paint`),
and what came over the line. Then the studio and the app of one line each as often as `--starts` says with a server of
its own, which was started for that visit and is asked for its first page as soon as it listens; `listens` are the
milliseconds before that, from the start of its process. Prints a table, writes JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

RESULTS = Path(__file__).resolve().parent.parent / "results"
LINE = "import streamlit as st\nst.markdown('One line of text')\n"
CHART = (
    LINE
    + "import plotly.graph_objects as go\nst.plotly_chart(go.Figure([go.Scatter(y=[1, 3, 2]), go.Scatter(y=[2, 1, 3])]))\n"
)
TRACE = ".js-plotly-plot .scatterlayer .trace"
PICTURE = ".studio-picture polyline"
TITLE = "[data-testid=stHeading] h1"
TEXT = "[data-testid=stMarkdown] p"
# A window that has just opened starts its own parts (what drops down from its address line is a page too), and the last
# one's processes are ending: whoever follows a link has a browser that is open.
_REST_S = 2
# Notes in the page's own clock when a frame with the first of each kind was painted. To wait for one from outside can
# take half a second longer: whoever waits so looks ever less often.
_NOTED = """kinds => {
  window.noted = kinds.map(() => null);
  const look = () => kinds.forEach((kind, place) => {
    const shown = () => [...document.querySelectorAll(kind)].some(one => one.getClientRects().length);
    if (window.noted[place] === null && shown()) {
      window.noted[place] = NaN;
      requestAnimationFrame(() => setTimeout(() => { window.noted[place] = performance.now(); }));
    }
  });
  new MutationObserver(look).observe(document, {childList: true, subtree: true, attributes: true});
}"""
# What is fetched for the next page once the picture is there does not count.
_SEEN = """() => {
  const next = [...document.querySelectorAll("link[rel=prefetch]")].map(one => one.href);
  return [
    performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0,
    performance.getEntriesByType("resource").filter(one => !next.includes(one.name)).map(one => one.encodedBodySize),
  ];
}"""


def main(
    visits: Annotated[int, typer.Option(min=3, help="Visits of each that are counted, after two.")] = 12,
    starts: Annotated[int, typer.Option(min=0, help="First visits of a server that has just started.")] = 5,
) -> None:
    """Measure, print, write."""
    from playwright.sync_api import sync_playwright

    from scripts.screenshots import FLAGS

    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        raise SystemExit("Chromium is missing: install Debian's chromium, or set CHROMIUM to its path.")
    with tempfile.TemporaryDirectory() as made, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        rows = _warm(browser, Path(made), visits) | _started(browser, Path(made), starts)
        browser.close()
    load = [round(n, 2) for n in os.getloadavg()]
    result: dict[str, Any] = {"cpus": os.cpu_count(), "load": load}
    print(f"load {load} on {result['cpus']} cores, {visits} visits each, {starts} of servers just started")
    for name, taken in rows.items():
        result[name] = summary(taken)
        print(f"{name:>28}  " + "  ".join(f"{key} {value:,}" for key, value in result[name].items()))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "first.json").write_text(json.dumps(result, indent=2) + "\n")


def summary(taken: list[dict[str, float]]) -> dict[str, float]:
    """The median of each figure of some visits, and the least time to the first picture."""
    medians = {key: round(statistics.median(row[key] for row in taken), 3) for key in taken[0]}
    return medians | {"first_ms_least": min(row["first_ms"] for row in taken)}


def _warm(browser: Browser, folder: Path, visits: int) -> dict[str, list[dict[str, float]]]:
    from scripts.screenshots import server

    with ExitStack() as stack:
        pages = {
            "the studio's first picture": (stack.enter_context(server(_studio(folder / "home"))), PICTURE)
        }
        for name, source, drawn in (("one line of text", LINE, TEXT), ("a line and a chart", CHART, TRACE)):
            script = _script(folder, source)
            pages[name] = stack.enter_context(server(os.environ.copy(), script)), drawn
        rows: dict[str, list[dict[str, float]]] = {name: [] for name in pages}
        for number in range(-2, visits):
            for name, (url, drawn) in pages.items():
                row = visited(window(browser), url, drawn)
                if number >= 0:
                    rows[name].append(row)
    return rows


def _started(browser: Browser, folder: Path, starts: int) -> dict[str, list[dict[str, float]]]:
    """The first visits of servers that have just started, one after the other."""
    from scripts.screenshots import ROOT, server

    rows: dict[str, list[dict[str, float]]] = {}
    for number in range(starts):
        for name, env, script, drawn in (
            ("the studio, just started", _studio(folder / f"home{number}"), ROOT / "app.py", PICTURE),
            ("one line, just started", os.environ.copy(), _script(folder, LINE), TEXT),
        ):
            page = window(browser)
            begun = time.monotonic()
            with server(env, script, ready=listens) as url:
                before = round((time.monotonic() - begun) * 1000)
                rows.setdefault(name, []).append(visited(page, url, drawn) | {"listens_ms": before})
    return rows


def listens(url: str) -> bool:
    """Whether somebody takes connections at that address; nothing is asked there."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    with socket.socket() as asking:
        return asking.connect_ex((host, int(port))) == 0


def _studio(home: Path) -> dict[str, str]:
    return os.environ | {"E2LM_HOME": str(home), "E2LM_SHIPPED": "1"}


def _script(folder: Path, source: str) -> Path:
    script = folder / f"{len(source)}.py"
    script.write_text(source)
    return script


def window(browser: Browser) -> Page:
    """A window that knows nothing of any server, and has come to rest."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(60_000)
    page.wait_for_timeout(_REST_S * 1_000)
    return page


def visited(page: Page, url: str, drawn: str) -> dict[str, float]:
    """One visit; bytes are those of what came, packed as it was sent. An app without a title has its frame with the rest."""
    page.add_init_script(f"({_NOTED})({json.dumps([TITLE, drawn])})")
    page.goto(url, wait_until="commit")
    page.wait_for_selector(f"{drawn} >> visible=true")
    page.wait_for_timeout(100)  # what is seen is noted after its frame
    titled, first = page.evaluate("window.noted")
    frame = first if titled is None else titled
    paint, sizes = page.evaluate(_SEEN)
    page.context.close()
    return {
        "first_ms": round(first),
        "frame_ms": round(frame),
        "paint_ms": round(paint),
        "files": len(sizes),
        "mb": round(sum(sizes) / 1e6, 2),
    }


if __name__ == "__main__":
    typer.run(main)
