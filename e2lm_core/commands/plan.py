"""`plan` on the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from e2lm_core.analysis.plan.plan import Plan
from e2lm_core.base.records import METRICS, Checkpoint, TaskSet
from e2lm_core.commands.output import Checkpoints, Fewshot, Json, Task, show
from e2lm_core.runs.studio import Studio


def plan(
    task: Task,
    width: Annotated[
        float, typer.Option("--width", metavar="W", help="The whole width that a 95% interval may have.")
    ],
    of: Annotated[
        str, typer.Option("--of", help="mean, difference, sq, rc, cs, score or decision_accuracy.")
    ] = "sq",
    metric: Annotated[str, typer.Option("--metric", help=f"One of {', '.join(METRICS)}.")] = "acc",
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model", help="One model for a mean, two for a difference (default: the nearest two)."
        ),
    ] = None,
    fleet: Annotated[
        str | None, typer.Option("--fleet", metavar="FAMILY", help="Time another fleet: e2lm or pythia.")
    ] = None,
    pace: Annotated[
        float | None,
        typer.Option(
            "--pace", metavar="SECONDS", help="Seconds a question on one checkpoint, for another device."
        ),
    ] = None,
    checkpoints: Checkpoints = None,
    num_fewshot: Fewshot = None,
    as_json: Json = False,
) -> None:
    """How many questions narrow an interval to a width, and how long a fleet takes over them."""
    from e2lm_core.analysis.plan import words as plan_words
    from e2lm_core.runs import state as run_state
    from e2lm_core.runs.studio import open_studio
    from e2lm_core.sets import collection

    studio = open_studio()
    question_set = collection.open_set(studio.settings, task)
    chosen = (
        studio.catalogue.match(checkpoints) if checkpoints else run_state.fleet(studio, question_set.name)[0]
    )
    planned = _planned(
        studio, question_set, chosen, num_fewshot, of, metric, width, models or [], fleet, pace
    )
    document = plan_words.document(planned)
    show(as_json, document, document["sizes"])
    if not as_json:
        typer.echo(document["finding"])


def _planned(
    studio: Studio,
    task: TaskSet,
    chosen: tuple[Checkpoint, ...],
    num_fewshot: int | None,
    of: str,
    metric: str,
    width: float,
    models: list[str],
    family: str | None,
    pace: float | None,
) -> Plan:
    from e2lm_core.analysis.plan import fleet as fleets
    from e2lm_core.analysis.plan import plan as planning
    from e2lm_core.runs import measure
    from e2lm_core.runs import state as run_state

    measured = measure.measure(studio, task, chosen, num_fewshot)
    fleet = run_state.family_fleet(family) if family else fleets.fleet_of(chosen)
    parameters = {c.model.name: c.model.parameters for c in studio.catalogue.checkpoints}
    own = run_state.measured_pace(studio, num_fewshot)
    return planning.plan(
        measured, of, metric, width, fleet, fleets.pace_for(fleet, own, parameters, pace), models
    )
