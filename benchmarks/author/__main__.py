"""Walks an author at random through the studio, and looks after each step whether page and disk are one.

    python -m benchmarks.author [--seed 1 --seed 2 …] [--steps 700] [--take "edit_text:1:5 reload:2:0"] [--only save_half …]

A server on a home of its own and two windows of one browser. A walk that fails is shortened to its fewest steps and
printed, to be kept in tests/benchmarks/test_author.py; exit status 1 then.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from playwright.sync_api import sync_playwright

from benchmarks.author import walking
from benchmarks.author.steps import STEPS, parse_steps
from scripts.screenshots import FLAGS


def main(
    seed: Annotated[list[int] | None, typer.Option(help="May be repeated.")] = None,
    steps: Annotated[int, typer.Option(min=1, help="Of each seed.")] = 700,
    take: Annotated[str, typer.Option(help="These steps instead, as a failing walk is printed.")] = "",
    only: Annotated[
        list[str] | None, typer.Option(help="Draw of these steps alone; may be repeated.")
    ] = None,
    shorten: Annotated[bool, typer.Option(help="Shorten a walk that fails.")] = True,
) -> None:
    """Walk, print, and end with status 1 where a walk failed."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        sys.exit("Chromium is missing: install Debian's chromium, or set CHROMIUM to the browser's path.")
    if unknown := set(only or ()) - set(STEPS):
        sys.exit(f"{', '.join(sorted(unknown))}: there is no such step (use {', '.join(STEPS)}).")
    failed = False
    with (
        tempfile.TemporaryDirectory(prefix="e2lm-author-", ignore_cleanup_errors=True) as folder,
        walking.studio(Path(folder) / "home") as (url, settings),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        walks = (
            {"given": parse_steps(take)}
            if take
            else {f"seed {s}": walking.drawn(s, only or ()) for s in seed or [0]}
        )
        for name, chosen in walks.items():
            since = time.monotonic()
            failure = walking.walk(browser, url, settings, chosen, steps)
            print(f"{name}: {'failed' if failure else 'held'}, {time.monotonic() - since:.0f} s", flush=True)
            if failure:
                failed = True
                print(failure, flush=True)
            if failure and shorten:
                again = partial(walking.walk, browser, url, settings)
                print(f"Shortened: {walking.shorten(failure, again)}", flush=True)
        browser.close()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    typer.run(main)
