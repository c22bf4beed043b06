"""How commands speak: a table for people, JSON alone on stdout for machines, progress on stderr."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from e2lm_core.base.records import TaskSet
from e2lm_core.base.settings import Settings

Json = Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")]


def show(
    as_json: bool,
    document: dict[str, Any],
    rows: Iterable[dict[str, Any]],
    columns: Sequence[str] | None = None,
) -> None:
    """`document` as one line of JSON, or `rows` as a table of `columns` (all of the first row's by default)."""
    if as_json:
        # ASCII alone: no terminal's encoding and no half character in a set can break it.
        sys.stdout.write(json.dumps(document, allow_nan=False) + "\n")
        sys.stdout.flush()
        return
    rows = list(rows)
    if not rows:
        typer.echo("Nothing here yet.")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    names = columns or list(rows[0])
    for name in names:
        numeric = all(isinstance(row.get(name), int | float | None) for row in rows)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(cell(row.get(name)) for name in names))
    Console(width=None if sys.stdout.isatty() else 160, highlight=False, markup=False).print(table)


def cell(value: Any) -> str:
    """A value as a table shows it; a dash where it is missing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


@contextmanager
def progress_bar(label: str, total: int, hidden: bool = False) -> Iterator[Callable[..., None]]:
    """A bar on stderr, silent where stderr is no terminal; gives `advance(at, by=1)`."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn(label),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}% {task.fields[at]}"),
        TimeRemainingColumn(),
        console=console,
        disable=hidden or not console.is_terminal,
        transient=True,
    )
    with bar:
        task = bar.add_task("", total=total, at="")
        yield lambda at, by=1: bar.update(task, advance=by, at=at)


def open_task(settings: Settings, task: str) -> TaskSet:
    """A set by name or folder; what its folder makes one wonder is said on stderr."""
    from e2lm_core.sets.collection import find_set
    from e2lm_core.sets.folder.files import read_task

    read = read_task(find_set(settings, task).folder, settings.limits)
    for warning in read.warnings:
        typer.echo(warning, err=True)
    return read.task


Task = Annotated[str, typer.Argument(metavar="TASK", help="The name of a set, or its task folder.")]


Checkpoints = Annotated[
    list[str] | None,
    typer.Option(
        "--checkpoints", metavar="GLOB", help="Which checkpoints, as model/iter_…; may be repeated."
    ),
]


Fewshot = Annotated[
    int | None,
    typer.Option("--num-fewshot", metavar="K", help="Examples in the prompt (default: the set's)."),
]
