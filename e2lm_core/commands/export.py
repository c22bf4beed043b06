"""`report`: everything that is known of a set as one HTML file, and as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from e2lm_core.base.errors import StudioError
from e2lm_core.commands.output import Json, Task, open_task, show


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
    from e2lm_core.sets.collection import find_set
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


def export(
    task: Task,
    out: Annotated[Path, typer.Option("--out", metavar="X.zip", help="Where the bundle is written.")],
    profile: Annotated[str, typer.Option("--profile", help="plain or competition.")] = "plain",
    as_json: Json = False,
) -> None:
    """Write the set as a bundle that lm-evaluation-harness runs unchanged."""
    from e2lm_core.export.submission import export as export_set
    from e2lm_core.runs.studio import open_studio
    from e2lm_core.sets.folder.bundle import write

    studio = open_studio()
    data = export_set(studio, open_task(studio.settings, task), _profile(profile))
    write(data, out)
    row = {"path": str(out), "bytes": len(data)}
    show(as_json, row, [row])


def check(
    task: Task,
    profile: Annotated[str, typer.Option("--profile", help="plain or competition.")] = "plain",
    as_json: Json = False,
) -> None:
    """What stands in the way of an export (errors), and what else is worth a look (warnings)."""
    from e2lm_core.export.submission import findings
    from e2lm_core.runs.studio import open_studio

    studio = open_studio()
    found = findings(studio, open_task(studio.settings, task), _profile(profile))
    rows = [finding.model_dump() for finding in found]
    document = {
        name: [
            {k: v for k, v in row.items() if k != "severity"} for row in rows if row["severity"] == severity
        ]
        for name, severity in (("errors", "error"), ("warnings", "warning"))
    }
    show(as_json, document, rows, ("severity", "sentence"))


def _profile(name: str):
    if name not in ("plain", "competition"):
        raise StudioError(f"The profile {name!r} does not exist: use plain or competition.")
    return name
