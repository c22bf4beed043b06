"""How long after the link is the first picture there, and how much of that is Streamlit's own start?

    python -m benchmarks.speed.first [--visits 12]

Three servers, each warm, visited in turn by a real Chromium that knows nothing of them (a new context each time):
the studio's home in a new home folder, where the shipped results are drawn; a Streamlit app of one line of text; and
one with that line and a chart of plotly's with two lines. Milliseconds in the page's own clock from the link to the
text or to the first drawn trace (`first`) and to the first thing of any kind (`paint`), and what came over the line.
Prints a table, writes JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from playwright.sync_api import Browser

RESULTS = Path(__file__).resolve().parent.parent / "results"
LINE = "import streamlit as st\nst.markdown('One line of text')\n"
CHART = (
    LINE
    + "import plotly.graph_objects as go\nst.plotly_chart(go.Figure([go.Scatter(y=[1, 3, 2]), go.Scatter(y=[2, 1, 3])]))\n"
)
TRACE = ".js-plotly-plot .scatterlayer .trace"
TEXT = "[data-testid=stMarkdown] p"
_SEEN = """() => [
  performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0,
  performance.getEntriesByType("resource").map(one => one.encodedBodySize),
]"""


def main(
    visits: Annotated[int, typer.Option(min=3, help="Visits of each that are counted, after two.")] = 12,
) -> None:
    """Measure, print, write."""
    from playwright.sync_api import sync_playwright

    from scripts.screenshots import FLAGS, server

    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        raise SystemExit("Chromium is missing: install Debian's chromium, or set CHROMIUM to its path.")
    with tempfile.TemporaryDirectory() as made, ExitStack() as stack:
        folder = Path(made)
        env = os.environ | {"E2LM_HOME": str(folder / "home"), "E2LM_SHIPPED": "1"}
        pages = {"the studio's first picture": (stack.enter_context(server(env)), TRACE)}
        for name, source, drawn in (("one line of text", LINE, TEXT), ("a line and a chart", CHART, TRACE)):
            script = folder / f"{len(source)}.py"
            script.write_text(source)
            pages[name] = stack.enter_context(server(os.environ.copy(), script)), drawn
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        rows: dict[str, list[dict[str, float]]] = {name: [] for name in pages}
        for number in range(-2, visits):
            for name, (url, drawn) in pages.items():
                row = _visited(browser, url, drawn)
                if number >= 0:
                    rows[name].append(row)
        browser.close()
    result: dict[str, Any] = {"cpus": os.cpu_count(), "load": [round(n, 2) for n in os.getloadavg()]}
    print(f"load {result['load']} on {result['cpus']} cores, {visits} visits each")
    for name, taken in rows.items():
        result[name] = {key: round(statistics.median(row[key] for row in taken), 3) for key in taken[0]}
        result[name]["first_ms_least"] = min(row["first_ms"] for row in taken)
        print(f"{name:>28}  " + "  ".join(f"{key} {value:,}" for key, value in result[name].items()))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "first.json").write_text(json.dumps(result, indent=2) + "\n")


def _visited(browser: Browser, url: str, drawn: str) -> dict[str, float]:
    """One visit; bytes are those of what came, packed as it was sent."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(url, wait_until="commit")
    page.wait_for_selector(drawn)
    first = page.evaluate("performance.now()")
    paint, sizes = page.evaluate(_SEEN)
    context.close()
    return {
        "first_ms": round(first),
        "paint_ms": round(paint),
        "files": len(sizes),
        "mb": round(sum(sizes) / 1e6, 2),
    }


if __name__ == "__main__":
    typer.run(main)
