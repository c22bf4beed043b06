"""`import` on the command line: a set from a task folder, a task's YAML, a bundle or a table.

Tested in tests/commands/sets/test_incoming.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from e2lm_core.base.errors import StudioError
from e2lm_core.base.phrasing import count, quoted
from e2lm_core.base.settings import Settings
from e2lm_core.commands.output import Json, say
from e2lm_core.commands.sets.rows import SkipBroken

Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="A task folder, a task's YAML, a bundle (.zip), a table, or the name of an installed lm-eval's task.",
    ),
]
Name = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="The set's name (default: the source's own).")
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map", metavar="A=B", help="Read a table's column A as B, such as prompt=question; may be repeated."
    ),
]
Into = Annotated[
    Path | None,
    typer.Option("--into", metavar="DIR", help="Write the set's folder there, and not among your sets."),
]
Rows = Annotated[
    str | None,
    typer.Option("--rows", metavar="DIR", help="A task's rows lie there: SUBSET/SPLIT.jsonl or SPLIT.jsonl."),
]
WithHarness = Annotated[
    bool,
    typer.Option(
        "--with-lm-eval", help="Let your own lm-eval build the task's documents; it runs the task's code."
    ),
]


def import_set(
    source: Source,
    name: Name = None,
    mapping: Map = None,
    into: Into = None,
    skip_broken: SkipBroken = False,
    rows: Rows = None,
    with_harness: WithHarness = False,
    as_json: Json = False,
) -> None:
    """Import a set from a task folder, a task's YAML, a bundle, a table (CSV, TSV, JSONL, JSON, Parquet) or lm-eval."""
    from e2lm_core.sets import collection
    from e2lm_core.sets.folder import source as sources

    settings = Settings.from_env()
    read = sources.read_source(settings, source, _renamed(mapping or ()), skip_broken, rows, with_harness)
    for warning in read.warnings:
        typer.echo(warning, err=True)
    if into is None:
        task = collection.import_set(settings, read.task, name)
        folder = collection.find_set(settings, task.name).folder
    else:
        task, folder = sources.write_into(settings, read.task, into, name)
    document = {
        "name": task.name,
        "path": str(folder),
        "questions": len(task.questions),
        "dev": len(task.dev),
        "warnings": list(read.warnings),
    }
    where = f" in {folder}" if into is not None else ""
    say(as_json, document, f"Imported {task.name}{where}: {count(len(task.questions), 'question')}.")


def _renamed(mapping: Sequence[str]) -> dict[str, str]:
    """`A=B` as a dictionary. Raises StudioError for what maps nothing, or two columns to one."""
    renamed: dict[str, str] = {}
    for text in mapping:
        column, equals, new = (part.strip() for part in text.rpartition("="))
        if not equals or not column or not new:
            raise StudioError(f"{quoted(text)} maps no column: write A=B, such as prompt=question.")
        if column in renamed or new in renamed.values():
            raise StudioError(f"{quoted(text)} maps a column a second time: map each once.")
        renamed[column] = new
    return renamed
