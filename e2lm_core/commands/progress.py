"""Progress on stderr: a bar in a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from e2lm_core.base import formatting

QUIET_S = 2.0  # shorter tasks print nothing
EVERY_S = 5.0


@contextmanager
def progress_bar(label: str, total: int, hidden: bool = False) -> Iterator[Callable[..., None]]:
    """Bar on stderr; gives `advance(at, by=1)`, which moves it.

    Outside a terminal it is a line after two seconds, then every five.

    Args:
        label: Text before the bar.
        total: Number of steps.
        hidden: Whether to show nothing.
    """
    if hidden:
        yield lambda at, by=1: None
        return
    if not sys.stderr.isatty():
        done, due = 0, time.monotonic() + QUIET_S

        def advance(at: str, by: int = 1) -> None:
            nonlocal done, due
            done += by
            if (now := time.monotonic()) >= due:
                due = now + EVERY_S
                share = f"{min(1.0, done / total):.0%}" if total else "0%"
                line = f"{label}: {share} {at}".rstrip()
                typer.echo(formatting.escape_control_characters(line), err=True)

        yield advance
        return
    bar = Progress(
        TextColumn(label, markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}% {task.fields[at]}", markup=False),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task("", total=total, at="")
        yield lambda at, by=1: bar.update(task, advance=by, at=at)


@contextmanager
def bytes_bar(label: str) -> Iterator[Callable[..., None]]:
    """Bar of bytes; gives `report(done, total, at="of …")`, which sets it."""
    with progress_bar(label, 100) as advance:
        shown = 0

        def report(done: int, total: int, at: str | None = None) -> None:
            nonlocal shown
            percent = 100 * done // total if total else 100
            advance(f"of {formatting.size(total)}" if at is None else at, percent - shown)
            shown = percent

        yield report


@contextmanager
def busy_indicator(label: str) -> Iterator[None]:
    """Print a label and the seconds passed, after two seconds and then every five.

    It is for tasks of unknown length.
    """
    ended = Event()

    def tell() -> None:
        began, wait = time.monotonic(), QUIET_S
        while not ended.wait(wait):
            typer.echo(f"{label} … {formatting.duration(time.monotonic() - began)}", err=True)
            wait = EVERY_S

    teller = Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()
