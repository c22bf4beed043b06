"""`plan` on the command line: how many questions a wanted certainty takes, and how long a fleet over them."""

from __future__ import annotations

from typing import Annotated

import typer

from e2lm_core.commands.output import Checkpoints, Fewshot, Json, Metric, Task, show

Width = Annotated[
    float, typer.Option("--width", metavar="W", help="The whole width that a 95% interval may have.")
]
Of = Annotated[str, typer.Option("--of", help="mean, difference, sq, rc, cs, score or decision_accuracy.")]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", help="One model for a mean, two for a difference (default: the nearest two)."),
]
Fleet = Annotated[
    str | None, typer.Option("--fleet", metavar="FAMILY", help="Time another fleet: e2lm or pythia.")
]
Pace = Annotated[
    float | None,
    typer.Option(
        "--pace", metavar="SECONDS", help="Seconds a question on one checkpoint, for another device."
    ),
]


def plan(
    task: Task,
    width: Width,
    of: Of = "sq",
    metric: Metric = "acc",
    models: Models = None,
    fleet: Fleet = None,
    pace: Pace = None,
    checkpoints: Checkpoints = None,
    num_fewshot: Fewshot = None,
    as_json: Json = False,
) -> None:
    """How many questions narrow an interval to a width, and how long a fleet takes over them."""
    from e2lm_core.analysis.plan import words as plan_words
    from e2lm_core.analysis.plan.plan import Goal
    from e2lm_core.runs import measure
    from e2lm_core.runs import state as run_state
    from e2lm_core.runs.studio import open_studio
    from e2lm_core.sets import collection

    studio = open_studio()
    question_set = collection.open_set(studio.settings, task)
    chosen = (
        studio.catalogue.match(checkpoints) if checkpoints else run_state.fleet(studio, question_set.name)[0]
    )
    measured = measure.measure(studio, question_set, chosen, num_fewshot)
    goal = Goal(of, metric, width, tuple(models or ()))
    planned = run_state.plan_for(studio, measured, chosen, num_fewshot, goal, fleet, pace)
    document = plan_words.document(planned)
    show(as_json, document, document["sizes"])
    if not as_json:
        typer.echo(document["finding"])
