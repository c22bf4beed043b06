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
    """Bar on stderr, or lines outside a terminal; gives `advance(at, by=1)`, which moves it.

    Args:
        label: Text before the bar.
        total: Number of steps.
        hidden: Whether to show nothing.
    """
    if hidden:
        yield lambda at, by=1: None
        return
    if not sys.stderr.isatty():
        line, done = _Lines(label), 0

        def advance(at: str, by: int = 1) -> None:
            nonlocal done
            done += by
            line.say(done, total, at)

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
def reading_progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """Bar of bytes read; gives `say(done, total)`, which sets it."""
    with progress_bar(label, 100) as advance:
        told = 0

        def say(done: int, total: int) -> None:
            nonlocal told
            now = 100 if total == 0 else 100 * done // total
            advance(f"of {formatting.size(total)}", now - told)
            told = now

        yield say


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


# --- within -------------------------------------------------------------------------------------------


class _Lines:
    """Progress as lines on stderr: after two seconds, then every five."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._next = time.monotonic() + QUIET_S

    def say(self, done: int, total: int, at: str) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + EVERY_S
        share = f"{min(1.0, done / total):.0%}" if total else "0%"
        typer.echo(formatting.escape_control_characters(f"{self._label}: {share} {at}".rstrip()), err=True)
