"""What pages of a laboratory's set cost: each view visited for the first time and again, by a real Chromium.

    python -m benchmarks.speed.visits FOLDER [--views accuracy,ranking] [--again 1] [--at-once]

FOLDER is one that `benchmarks.speed.larger --home` has made, named after what is in it (`100000-20-25`). One server, which
first computes what its pages show (`start`; with --at-once nobody waits for that); each visit follows a link in a window
that is open, as a colleague's link is followed. Of each view's first visit and of its last: seconds until its script has
ended and nothing is drawn any more (`drawn_s`), and until server and processes beside it have come to rest as well
(`rest_s`, from when on they take no more than `QUIET` of a core), CPU seconds of all of them meanwhile, and the most
memory of the server and of those beside it: all that is resident, and what is their own, which is without the files that
they have mapped (they share these, and the system lets go of them). Prints a table, writes JSON.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import psutil
import typer

from benchmarks.prepared import made
from benchmarks.speed import larger
from e2lm_core.ui.base import urls
from e2lm_core.ui.server import precompute

if TYPE_CHECKING:
    from playwright.sync_api import Page

# Relevance embeds every question, which takes as long as their number says and is measured elsewhere.
VIEWS = tuple(view for view in urls.VIEWS if view != "relevance")
STILL_S = 0.6  # drawn: the script has not run for so long
QUIET_S = 1.0  # at rest: so long a server takes less than `QUIET` of a core
QUIET = 0.06
LATEST_S = 600.0
LOOK_S = 0.1
_DRAWN = """() => !!(document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'
    && document.querySelector('[data-testid=stHeading]') && !document.querySelector('[data-testid=stSkeleton]')
    && !document.querySelector('[data-testid=stSpinner]'))"""


def main(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
    views: Annotated[str, typer.Option(help="Names of views as links have them, with commas between.")] = "",
    again: Annotated[int, typer.Option(min=1, help="Rounds after the first.")] = 1,
    at_once: Annotated[bool, typer.Option("--at-once", help="Visit a server that has just started.")] = False,
) -> None:
    """Measure, print, write."""
    if not (folder / "home").is_dir():
        raise typer.BadParameter(f"{folder} holds no home of a laboratory: make one by `larger --home`.")
    wanted = [name.strip() for name in views.split(",") if name.strip()] or VIEWS
    rows = visited(os.environ | larger.environment(folder), larger.SET, wanted, again, at_once)
    made.write("visits", {"machine": made.machine(), "rows": rows})


def visited(
    env: dict[str, str], name: str, views: Sequence[str], again: int = 1, at_once: bool = True
) -> list[dict[str, Any]]:
    """One row a view and round, printed as they come; round 0 is each view's first visit.

    Unless `at_once`, the server comes to rest before it, of which the first row tells.
    """
    from playwright.sync_api import sync_playwright

    from scripts.screenshots import FLAGS, server

    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        raise SystemExit("Chromium is missing: install Debian's chromium, or set CHROMIUM to its path.")
    rows = []
    with server(env) as url, sync_playwright() as playwright:
        studio = next(one for one in psutil.Process().children() if "streamlit" in one.cmdline())
        if not at_once:
            rows.append({"view": "start", "round": 0} | _started(studio))
            show(rows[-1])
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        for turn in range(1 + again):
            for view in views:
                rows.append({"view": view, "round": turn} | _visit(page, url, view, name, studio))
                show(rows[-1])
        browser.close()
    return rows


def _started(studio: psutil.Process) -> dict[str, Any]:
    begun = time.monotonic()
    with _watched(studio) as seen:
        rest_s = _quiet(studio, 2 * precompute.LOOK_S) - begun
    return {"rest_s": round(rest_s, 1), "cpu_s": round(cpu_s(studio), 1), **seen.most, "problem": ""}


def show(row: dict[str, Any]) -> None:
    """A row as a line."""
    said = "".join(f"  {key} {value:>8,}" for key, value in row.items() if isinstance(value, float | int))
    load = "/".join(f"{n:.1f}" for n in os.getloadavg()[:2])
    print(f"{row['view']:>12}{said}  load {load}  {row['problem']}".rstrip(), flush=True)


def _visit(page: Page, url: str, view: str, name: str, studio: psutil.Process) -> dict[str, Any]:
    with _watched(studio) as seen:
        begun, before = time.monotonic(), cpu_s(studio)
        page.goto(f"{url}/{urls.address(view, name)}", wait_until="commit")
        loaded = time.monotonic()
        drawn = loaded + _still(lambda: page.evaluate(_DRAWN) is True, STILL_S)
        _quiet(studio)
    return {
        "drawn_s": round(drawn - begun, 1),
        "rest_s": round(max(drawn, since(seen.spent)) - begun, 1),
        "cpu_s": round(cpu_s(studio) - before, 1),
        **seen.most,
        "problem": "an exception is shown" if page.get_by_test_id("stException").count() else "",
    }


def _still(holds: Callable[[], bool], for_s: float) -> float:
    """Seconds from now until `holds` began to hold for so long without a break; infinity where it never did."""
    begun, since = time.monotonic(), None
    while time.monotonic() - begun < LATEST_S:
        if not holds():
            since = None
        elif since is None:
            since = time.monotonic()
        elif time.monotonic() - since >= for_s:
            return since - begun
        time.sleep(LOOK_S)
    return float("inf")


def _quiet(studio: psutil.Process, for_s: float = QUIET_S) -> float:
    """Wait until neither the server nor a process of its has had anything to do for so long; since when that is."""
    waited = at = time.monotonic()
    while time.monotonic() - waited < LATEST_S:
        before = cpu_s(studio)
        time.sleep(QUIET_S)
        if cpu_s(studio) - before >= QUIET * QUIET_S:
            at = time.monotonic()
        elif time.monotonic() - at >= for_s:
            return at
    return float("inf")


def since(spent: Sequence[tuple[float, float]]) -> float:
    """From when on no more than `QUIET` of a core was taken up to the end, of (time, CPU seconds until then)."""
    end, all_s = spent[-1]
    return next(at for at, cpu in spent if all_s - cpu < QUIET * max(QUIET_S, end - at))


def family(studio: psutil.Process) -> list[psutil.Process]:
    """The server and all processes that it has started."""
    return [studio, *studio.children(recursive=True)]


def cpu_s(studio: psutil.Process) -> float:
    """CPU seconds of all of them since the server's start, with those that have ended."""
    total = 0.0
    for one in family(studio):
        try:
            total += sum(one.cpu_times()[:4])
        except psutil.NoSuchProcess:
            continue
    return total


@dataclass
class Seen:
    """The most megabytes of the server and of all beside it together, and what CPU seconds all had taken at what time."""

    most: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("server_mb", "server_own_mb", "beside_mb", "beside_own_mb"), 0)
    )
    spent: list[tuple[float, float]] = field(default_factory=list)

    def look(self, studio: psutil.Process) -> None:
        """See them now."""
        sizes: list[tuple[int, int]] = []
        for one in family(studio):
            try:
                held = one.memory_info()
            except psutil.NoSuchProcess:
                continue
            sizes.append((held.rss, held.rss - getattr(held, "shared", 0)))
        server, beside = sizes[0], [sum(of) for of in zip(*sizes[1:], strict=True)] or [0, 0]
        for name, now in zip(self.most, (*server, *beside), strict=True):
            self.most[name] = max(self.most[name], now // 1_000_000)
        self.spent.append((time.monotonic(), cpu_s(studio)))


@contextmanager
def _watched(studio: psutil.Process) -> Iterator[Seen]:
    """What is seen while this is open."""
    seen, over = Seen(), threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_S):
            seen.look(studio)

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield seen
    finally:
        over.set()
        watching.join()


if __name__ == "__main__":
    typer.run(main)
