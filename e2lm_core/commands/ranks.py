"""`python -m e2lm_core ranks` and `parting`: the numbers behind the pages Rank stability and Curves."""

from __future__ import annotations

from typing import Annotated

import typer

from e2lm_core.base import phrasing
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import METRICS, TaskSet
from e2lm_core.commands.output import Checkpoints, Fewshot, Json, Task, show
from e2lm_core.scores.measurements import Measurements

Metric = Annotated[str, typer.Option("--metric", help=f"One of {', '.join(METRICS)}.")]


def ranks(
    task: Task,
    metric: Metric = "acc",
    at: Annotated[
        int | None,
        typer.Option(
            "--at", metavar="STEP", help="Where wins are counted (default: the early window's end)."
        ),
    ] = None,
    checkpoints: Checkpoints = None,
    num_fewshot: Fewshot = None,
    as_json: Json = False,
) -> None:
    """The models' order and how sure it is: ranks, wins, tau, decisions, and each question's part in it."""
    from e2lm_core.analysis.ranks import stability
    from e2lm_core.scores import set_scores
    from e2lm_core.scores.uncertainty import set_intervals

    question_set, measured = _measured(task, metric, checkpoints, num_fewshot)
    given = set_intervals.resample(measured, (metric,))
    scores = set_intervals.with_intervals(
        set_scores.scores(measured, metric), set_intervals.intervals_of(given, metric)
    )
    found = stability.stability(measured, given, metric)
    if at is not None and (found is None or at not in found.grid.steps):
        steps = [] if found is None else [str(step) for step in found.grid.steps]
        has = f"these have: {', '.join(steps)}" if steps else "none has, so leave --at out"
        raise StudioError(f"Step {at} has no results of every model that counts; {has}.")
    document = stability.document(measured, given, scores, question_set, at)
    rows = []
    if found is not None:
        place = next(k for k in document["checkpoints"] if k["step"] == document["wins"]["step"])
        order = sorted(document["models"], key=lambda name: place["ranks"][name])
        rows = [
            {
                "model": name,
                "rank": place["ranks"][name],
                **{
                    f"rank {k}": phrasing.percent(share)
                    for k, share in enumerate(place["shares"][name], start=1)
                },
            }
            for name in order
        ]
    show(as_json, document, rows)
    if not as_json:
        typer.echo(f"RC {phrasing.with_interval(document['rc'])} {document['rc']['why'] or ''}".rstrip())


def parting(
    task: Task,
    metric: Metric = "acc",
    checkpoints: Checkpoints = None,
    num_fewshot: Fewshot = None,
    as_json: Json = False,
) -> None:
    """From which checkpoint each model is above chance, from which every two part, and the curves' noise."""
    from e2lm_core.analysis.curves import crossings
    from e2lm_core.scores.uncertainty import set_intervals

    _, measured = _measured(task, metric, checkpoints, num_fewshot)
    given = set_intervals.resample(measured, (metric,))
    above = crossings.above_chance(measured, given, metric)
    pairs = crossings.all_parted(measured, given, metric)
    rows = [
        *({"which": f"{name} above chance", **crossings.since_row(since)} for name, since in above.items()),
        *({"which": f"{p.higher} above {p.lower}", **crossings.since_row(p.since)} for p in pairs),
    ]
    show(as_json, crossings.document(measured, given, metric), rows)


def _measured(
    name: str, metric: str, checkpoints: list[str] | None, num_fewshot: int | None
) -> tuple[TaskSet, Measurements]:
    """The set and its results; at least one checkpoint of them is complete."""
    from e2lm_core.runs.measure import measure
    from e2lm_core.runs.studio import open_studio
    from e2lm_core.sets.collection import find_set
    from e2lm_core.sets.folder.files import read_task

    if metric not in METRICS:
        raise StudioError(f"The metric {metric!r} does not exist: use one of {', '.join(METRICS)}.")
    studio = open_studio()
    read = read_task(find_set(studio.settings, name).folder, studio.settings.limits)
    for warning in read.warnings:
        typer.echo(warning, err=True)
    chosen = studio.catalogue.match(checkpoints) if checkpoints else studio.at_hand
    measured = measure(studio, read.task, chosen, num_fewshot)
    if not measured.complete_checkpoints:
        raise StudioError(f"{read.task.name} has no results yet: run `evaluate {name}` first.")
    return read.task, measured
