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
    str, typer.Argument(metavar="SOURCE", help="A task folder, a task's YAML, a bundle (.zip) or a table.")
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


def import_set(
    source: Source,
    name: Name = None,
    mapping: Map = None,
    into: Into = None,
    skip_broken: SkipBroken = False,
    as_json: Json = False,
) -> None:
    """Import a set from a task folder, a task's YAML, a bundle or a table (CSV, TSV, JSONL, JSON, Parquet)."""
    from e2lm_core.sets import collection
    from e2lm_core.sets.folder import source as sources

    settings = Settings.from_env()
    read = sources.read_source(settings, source, _renamed(mapping or ()), skip_broken)
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
