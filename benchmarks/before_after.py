"""Whether a checkout is slower than another: start-up, an edit and redraws, in alternated runs of both.

    python -m benchmarks.before_after OLD NEW [--runs 5] [--only edit] [--edit "--edits 12 --shots 0"] [--redraw ""]

Every turn runs `python -m e2lm_core tasks --json` and the checkouts' own benchmarks `edit` and `redraw`,
wherever they lie in them, each first in the old checkout and then in the new one, so that a busy minute is
busy for both. Prints the medians of the turns side by side and their ratio (above 1 the new one is slower),
writes JSON.
"""

from __future__ import annotations

import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).resolve().parent / "results"
MEASURES = ("start-up", "edit", "redraw")
STARTS = 5  # of a turn, whose median counts: a start is short, and its neighbours differ
FOLDERS = ("benchmarks/speed", "benchmarks")  # where a checkout has its benchmarks, the first that holds one
EDIT_FIGURES = {
    "save_s_p50": "saved",
    "coarse_s_p50": "coarse points in the store",
    "all_s_p50": "all checkpoints in the store",
    "worker_cpu_s_p50": "worker's CPU",
}
REDRAW_FIGURES = {
    "redraw_s": "script",
    "browser_chart_s": "chart in Chromium",
    "browser_done_s": "done in Chromium",
}

Figures = dict[str, float]  # seconds by what they are of
Row = dict[str, Any]
Checkout = Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A checkout of the repository.")]


def main(
    old: Checkout,
    new: Checkout,
    runs: Annotated[int, typer.Option(min=1, help="Turns of each checkout.")] = 5,
    only: Annotated[
        list[str] | None, typer.Option(help=f"Of {', '.join(MEASURES)}; may be repeated.")
    ] = None,
    edit: Annotated[str, typer.Option(help="Options of the benchmark edit.")] = "--edits 12 --shots 0",
    redraw: Annotated[str, typer.Option(help="Options of the benchmark redraw.")] = "",
    python: Annotated[str, typer.Option(help="The interpreter that runs both.")] = sys.executable,
) -> None:
    """Measure in turns, print, write."""
    if unknown := set(only or ()) - set(MEASURES):
        raise typer.BadParameter(f"{', '.join(sorted(unknown))} is not of {', '.join(MEASURES)}.")
    options = {"edit": edit, "redraw": redraw}
    sides = {"old": old.resolve(), "new": new.resolve()}
    turns: dict[str, list[Figures]] = {side: [{} for _ in range(runs)] for side in sides}
    with tempfile.TemporaryDirectory(prefix="e2lm-before-after-") as homes:
        for turn, name, side in product(range(runs), only or MEASURES, sides):
            typer.echo(f"turn {turn + 1} of {runs}: {name}, {side}", err=True)
            home = Path(homes) / side / name
            turns[side][turn] |= measured(sides[side], python, home, name, options.get(name, ""))
    rows = side_by_side(turns["old"], turns["new"])
    Console(highlight=False, width=None if sys.stdout.isatty() else 160).print(table(rows))
    write(
        {"runs": runs, "options": options, "commits": {s: commit(c) for s, c in sides.items()}, "rows": rows}
    )


# --- measuring --------------------------------------------------------------------------------------------


def measured(checkout: Path, python: str, home: Path, name: str, options: str) -> Figures:
    """One measure of one checkout. Its home lasts from turn to turn, so that only the first one fills it."""
    if name == "start-up":
        return {"start-up": start_up(checkout, python, home)}
    began = time.time()
    arguments = ["-m", module(checkout, name), *shlex.split(options), "--home", str(home)]
    run(checkout, [python, *arguments], home)
    return READ[name](written_since(checkout, name, began))


def start_up(checkout: Path, python: str, home: Path) -> float:
    """Median seconds of `python -m e2lm_core tasks --json` in new processes."""
    seconds = []
    for _ in range(STARTS):
        started = time.perf_counter()
        run(checkout, [python, "-m", "e2lm_core", "tasks", "--json"], home)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def run(checkout: Path, command: list[str], home: Path) -> None:
    """Run to its end; exits with what the command said where it fails."""
    home.mkdir(parents=True, exist_ok=True)
    env = {name: value for name, value in os.environ.items() if not name.startswith("E2LM_")}
    env |= {"E2LM_HOME": str(home)}
    done = subprocess.run(command, cwd=checkout, env=env, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{shlex.join(command)} failed in {checkout}:\n{done.stderr[-2000:]}")


def module(checkout: Path, name: str) -> str:
    """The benchmark's module in this checkout."""
    for folder in FOLDERS:
        if (checkout / folder / f"{name}.py").is_file():
            return f"{folder.replace('/', '.')}.{name}"
    sys.exit(f"{checkout} has no benchmark {name}: it is looked for in {' and '.join(FOLDERS)}.")


def written_since(checkout: Path, name: str, began: float) -> dict[str, Any]:
    """What the benchmark has written, wherever its results lie."""
    files = [checkout / folder / "results" / f"{name}.json" for folder in FOLDERS]
    fresh = [file for file in files if file.is_file() and file.stat().st_mtime >= began - 1]
    if not fresh:
        sys.exit(f"The benchmark {name} has written no results in {checkout}.")
    return json.loads(fresh[0].read_text())


# --- reading ----------------------------------------------------------------------------------------------


def edit_figures(document: Mapping[str, Any]) -> Figures:
    """The medians of an edit by few-shot count."""
    return {
        f"edit, {row['shots']}-shot: {label}": row[key]
        for row in document["store"]
        for key, label in EDIT_FIGURES.items()
    }


def redraw_figures(document: Mapping[str, Any]) -> Figures:
    """The medians of a switch of metric by page and size; what was not measured is left out."""
    return {
        f"redraw, {row['questions']:,} questions, {row['page']}: {label}": row[key]["median"]
        for row in document["rows"]
        for key, label in REDRAW_FIGURES.items()
        if row.get(key)
    }


READ = {"edit": edit_figures, "redraw": redraw_figures}


def side_by_side(old: Sequence[Figures], new: Sequence[Figures]) -> list[Row]:
    """A row a figure that both have in every turn: all values, medians, and new over old."""
    shared = [figure for figure in old[0] if all(figure in turn for turn in (*old, *new))]
    return [_row(figure, [turn[figure] for turn in old], [turn[figure] for turn in new]) for figure in shared]


def _row(figure: str, old: list[float], new: list[float]) -> Row:
    before, after = statistics.median(old), statistics.median(new)
    ratio = round(after / before, 3) if before else None
    return {
        "figure": figure,
        "old": old,
        "new": new,
        "old_median": before,
        "new_median": after,
        "ratio": ratio,
    }


def table(rows: Sequence[Row]) -> Table:
    """Medians with the range of the turns."""
    shown = Table("seconds, median (range)", box=None, pad_edge=False)
    for column in ("old", "new", "new / old"):
        shown.add_column(column, justify="right")
    for row in rows:
        ratio = "–" if row["ratio"] is None else f"{row['ratio']:.2f}"
        shown.add_row(row["figure"], _spread(row["old"]), _spread(row["new"]), ratio)
    return shown


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.3f} ({min(values):.3f}–{max(values):.3f})"


def write(report: Mapping[str, Any]) -> None:
    """The report with the machine it was measured on, as JSON."""
    machine = {"cores": os.cpu_count(), "load": [round(load, 2) for load in os.getloadavg()]}
    RESULTS.mkdir(exist_ok=True)
    document = {"benchmark": "before_after", "machine": machine, **report}
    (RESULTS / "before_after.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def commit(checkout: Path) -> str:
    """The checkout's commit, with `-dirty` where files are changed."""
    command = ["git", "-C", str(checkout), "describe", "--always", "--exclude=*", "--abbrev=40", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    typer.run(main)
