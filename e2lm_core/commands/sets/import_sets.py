"""Command `import`.

Tested in tests/commands/sets/test_import_sets.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from e2lm_core.base.formatting import count
from e2lm_core.base.settings import Settings
from e2lm_core.commands.output import Json, print_result
from e2lm_core.commands.progress import busy_indicator
from e2lm_core.commands.sets.question_input import (
    AnswersFrom,
    Encoding,
    Format,
    Header,
    Map,
    Sheet,
    SkipBroken,
    read_options,
)

Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="A task folder, a task's YAML, a bundle (.zip), a file of questions, or an installed lm-eval's task by name.",
    ),
]
Name = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="The set's name (default: the source's own).")
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
    kind: Format = None,
    encoding: Encoding = None,
    sheet: Sheet = None,
    header: Header = None,
    answers_from: AnswersFrom = None,
    skip_broken: SkipBroken = False,
    rows: Rows = None,
    with_harness: WithHarness = False,
    as_json: Json = False,
) -> None:
    """Import a set from a task folder, a bundle, a file of questions (tables, GIFT, Aiken, Moodle XML, QTI) or lm-eval."""
    from e2lm_core.sets import collection
    from e2lm_core.sets.folder import source as sources

    settings = Settings.from_env()
    how = read_options(mapping, kind, encoding, sheet, header, answers_from)
    with busy_indicator(f"Importing {source}"):
        read = sources.read_source(settings, source, how, skip_broken, rows, with_harness)
        if into is None:
            task = collection.import_set(settings, read.task, name)
            folder = collection.find_set(settings, task.name).folder
        else:
            task, folder = sources.write_into(settings, read.task, into, name)
    for warning in read.warnings:
        typer.echo(warning, err=True)
    document = {
        "name": task.name,
        "path": str(folder),
        "questions": len(task.questions),
        "dev": len(task.dev),
        "warnings": list(read.warnings),
    }
    where = f" in {folder}" if into is not None else ""
    print_result(as_json, document, f"Imported {task.name}{where}: {count(len(task.questions), 'question')}.")
