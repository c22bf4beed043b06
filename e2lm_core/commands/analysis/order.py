"""Command `order`: other orders of the choices, tried."""

from __future__ import annotations

from typing import Annotated

from typer import Option

from e2lm_core.commands.opening import open_fleet, open_studio, open_task
from e2lm_core.commands.options import Checkpoints, Fewshot, FleetName, Json, Task
from e2lm_core.commands.output import print_table


def order(
    task: Task,
    as_letters: Annotated[
        bool, Option("--as-letters", help="Ask with A–D letters, whatever the set's question format is.")
    ] = False,
    draws: Annotated[
        int | None,
        Option("--draws", metavar="N", help="So many random orders (default: every place in turn)."),
    ] = None,
    checkpoints: Checkpoints = None,
    fleet: FleetName = None,
    num_fewshot: Fewshot = None,
    as_json: Json = False,
) -> None:
    """Ask every question with its choices in other places: the spread it causes, and the questions that hang on it."""
    from e2lm_core.analysis.alternatives.messages import orders as messages
    from e2lm_core.runs.results import load_measurements
    from e2lm_core.runs.trials import orders as order_trials

    studio = open_studio()
    question_set = open_task(studio.settings, task)
    opened = open_fleet(studio, task, checkpoints, fleet, num_fewshot)
    trial = order_trials.plan_order_trial(
        studio, question_set, *opened.run_arguments, draws=draws, as_letters=as_letters
    )
    trial.compute()
    found = order_trials.judge_order_trial(trial)
    notes = [messages.headline(found), messages.place_sentence(found), messages.questions_sentence(found)]
    document = {"task": question_set.name} | messages.document(found)
    measured = load_measurements(studio, question_set, *opened.run_arguments)
    print_table(as_json, document, messages.place_rows(found), about=measured, notes=notes, fleet=opened)
