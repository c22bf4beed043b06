"""`make screenshots`: every place with each of its tabs in a real browser, light and dark, 1280 and 390 pixels wide.

The server runs on a home of its own with one evaluated set, so that the pages have something to show.
Pictures go to screenshots/<state>-<view>-<theme>-<width>.png; a page that shows an exception, writes an error
to the console, asks another host or scrolls sideways is named, and the exit status is then 1.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urljoin

import psutil
import typer
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, sync_playwright

from e2lm_core.base.settings import Settings
from e2lm_core.checkpoints.catalogue import without_extras
from e2lm_core.runs import start as run_start
from e2lm_core.runs.studio import open_studio
from e2lm_core.sets.collection import open_set
from e2lm_core.ui.base import urls

ROOT = Path(__file__).resolve().parent.parent
WIDTHS = {1280: 900, 390: 844}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
READY_S = 120
SETTLE_MS = 1200  # charts fade in after the script has ended
# Seconds that a worker runs between two stops, and is stopped: a run of a minute then outlasts the pictures.
RUN_S, STOPPED_S = 0.15, 2.4


def main(
    out: Annotated[Path, typer.Option(help="The folder of the pictures.")] = ROOT / "screenshots",
    task: Annotated[str, typer.Option(help="The set that is shown.")] = "ladder_science",
    checkpoints: Annotated[str, typer.Option(help="Which checkpoints are run first, as a glob.")] = "*",
    empty: Annotated[bool, typer.Option("--empty", help="Show the pages before anything was run.")] = False,
    running: Annotated[bool, typer.Option("--running", help="Show the pages while a run goes on.")] = False,
    only: Annotated[list[str] | None, typer.Option("--view", help="A view; may be repeated.")] = None,
) -> None:
    """Take the pictures."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        sys.exit("Chromium is missing: install Debian's chromium, or set CHROMIUM to the browser's path.")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="e2lm-screenshots-", ignore_cleanup_errors=True) as home:
        env = os.environ | {"E2LM_HOME": home} | ({"E2LM_SHIPPED": "0"} if empty or running else {})
        state = "running" if running else "empty" if empty else "done"
        if running:
            _queue(Path(home), task)
        elif not empty:
            command = [sys.executable, "-m", "e2lm_core", "evaluate", task, "--checkpoints", checkpoints]
            subprocess.run(command, cwd=ROOT, env=env, check=True)
        slow = slowed_workers() if running else nullcontext()
        with server(env) as url, slow, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            try:
                faults = _take(browser, url, task, out, state, only or urls.VIEWS)
            finally:
                browser.close()
    for fault in faults:
        typer.echo(fault, err=True)
    sys.exit(1 if faults else 0)


@contextmanager
def slowed_workers() -> Iterator[None]:
    """Stop the workers below this process most of the time, so that their runs go on while pictures are taken."""
    done = threading.Event()

    def slow() -> None:
        while not done.is_set():
            workers = [one for one in psutil.Process().children(recursive=True) if _is_worker(one)]
            for step, pause_s in (("suspend", STOPPED_S), ("resume", RUN_S)):
                for worker in workers:
                    with suppress(psutil.Error):
                        getattr(worker, step)()
                done.wait(pause_s)

    thread = threading.Thread(target=slow)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _is_worker(process: psutil.Process) -> bool:
    try:
        return process.cmdline()[1:4] == ["-m", "e2lm_core", "worker"]
    except psutil.Error:
        return False


def _queue(home: Path, name: str) -> None:
    """Queue a run with five examples in each prompt; the app starts its worker."""
    studio = open_studio(Settings(home=home))
    run_start.submit_run(
        studio, open_set(studio.settings, name), without_extras(studio.local_checkpoints), num_fewshot=5
    )
    studio.store.database.close()


def _take(browser: Browser, url: str, task: str, out: Path, state: str, views: Sequence[str]) -> list[str]:
    faults: list[str] = []
    for theme in THEMES:
        for width, height in WIDTHS.items():
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
            page = context.new_page()
            errors: list[str] = []
            page.on("console", partial(note_error, errors))
            page.on("request", partial(note_request, errors, url))
            for name in views:
                picture = f"{state}-{name}-{theme}-{width}.png"
                errors.clear()
                page.set_viewport_size({"width": width, "height": height})
                page.goto(f"{url}/{urls.address(name, task)}")
                settle(page)
                unfold(page, width, height)
                page.screenshot(path=out / picture)
                faults += [f"{picture}: {fault}" for fault in (*_visible_faults(page), *errors)]
            context.close()
    return faults


def note_error(errors: list[str], message: ConsoleMessage) -> None:
    """Keep what a page says on the console as an error."""
    # On a page's own address Streamlit first looks for its server below that address: an expected 404.
    address = message.location.get("url", "")
    if message.type == "error" and "/_stcore/" not in address:
        errors.append(f"console: {message.text} ({address})")


def note_request(errors: list[str], url: str, request: Request) -> None:
    """Keep a request that goes to another host."""
    if request.url.startswith("http") and not request.url.startswith(url):
        errors.append(f"asks another host: {request.url}")


def _visible_faults(page: Page) -> Iterator[str]:
    if page.get_by_test_id("stException").count():
        yield "shows an exception"
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        yield "scrolls sideways"


def settle(page: Page) -> None:
    """Wait until the script has run and what it drew is there: on a busy machine it may run again meanwhile.

    A click reaches the server before the request here does, so that the run that it asks for has begun.
    """
    ended = '[data-testid="stApp"][data-test-script-state="notRunning"]'
    while True:
        with suppress(Error):  # the server may be down
            page.request.get(urljoin(page.url, "/_stcore/health"), timeout=READY_S * 1000)
        page.wait_for_selector(ended, timeout=READY_S * 1000)
        # A selector and no function of our own, which the pages' policy would not let be evaluated.
        page.wait_for_selector("[data-testid=stSkeleton]", state="detached", timeout=READY_S * 1000)
        page.wait_for_timeout(SETTLE_MS)
        if page.locator(ended).count():
            return


def unfold(page: Page, width: int, height: int) -> None:
    """Make the window as tall as the page, since Streamlit scrolls inside of it."""
    tall = page.evaluate("document.querySelector('[data-testid=stMain]')?.scrollHeight ?? 0")
    page.set_viewport_size({"width": width, "height": max(height, int(tall))})
    page.wait_for_timeout(SETTLE_MS // 2)


@contextmanager
def server(
    env: dict[str, str], script: Path = ROOT / "app.py", ready: Callable[[str], bool] | None = None
) -> Iterator[str]:
    """The studio, or another app of Streamlit's, on a free port of this machine; stopped at the end.

    It is there once it says that it is healthy, or once `ready` says so of its address.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    options = ["--server.headless", "true", "--server.address", "127.0.0.1", "--server.port", str(port)]
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", script.name, *options],
        cwd=script.parent,
        env=env,
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + READY_S
        while not (ready or _healthy)(url):
            if server.poll() is not None or time.monotonic() > deadline:
                sys.exit("The server did not start: run `make run` to see why.")
            time.sleep(0.05)
        yield url
    finally:
        server.terminate()
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


if __name__ == "__main__":
    typer.run(main)
