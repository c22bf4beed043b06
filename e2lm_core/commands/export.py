"""`report`: everything that is known of a set as one HTML file, and as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from e2lm_core.commands.output import Json, show


def report(
    task: Annotated[str, typer.Argument(metavar="TASK", help="The name of a set, or its task folder.")],
    out: Annotated[Path, typer.Option("--out", metavar="X.html", help="Where the report is written.")],
    checkpoints: Annotated[
        list[str] | None,
        typer.Option(
            "--checkpoints",
            metavar="GLOB",
            help="Which checkpoints, as model/iter_…; may be repeated (default: those of the set's last run).",
        ),
    ] = None,
    num_fewshot: Annotated[
        int | None,
        typer.Option("--num-fewshot", metavar="K", help="Examples in the prompt (default: the last run's)."),
    ] = None,
    relevance: Annotated[
        bool, typer.Option("--relevance", help="Judge each question's scientific relevance too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write a set's report as one HTML file that needs no network; --json prints the same as JSON."""
    from e2lm_core.base import atomic
    from e2lm_core.export import html as report_html
    from e2lm_core.export import report as reports
    from e2lm_core.runs import state as run_state
    from e2lm_core.runs.studio import open_studio
    from e2lm_core.sets.authoring import find_set
    from e2lm_core.sets.folder.files import read_task

    studio = open_studio()
    read = read_task(find_set(studio.settings, task).folder, studio.settings.limits)
    for warning in read.warnings:
        typer.echo(warning, err=True)
    chosen, shots = run_state.fleet(studio, read.task.name)
    if checkpoints:
        chosen, shots = studio.catalogue.match(checkpoints), None
    document = reports.build(
        studio, read.task, chosen, shots if num_fewshot is None else num_fewshot, relevance
    )
    atomic.replace_file(out, report_html.render(document).encode("utf-8", "replace"))
    row = {"path": str(out), "bytes": out.stat().st_size}
    show(as_json, document, [row])
    if not as_json:
        typer.echo(reports.headline(document))
