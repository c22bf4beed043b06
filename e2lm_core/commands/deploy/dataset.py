"""Command `publish`.

Tested in tests/deploy/dataset/test_publishing.py.
"""

from __future__ import annotations

from typing import Annotated

import typer

from e2lm_core.base.formatting import count
from e2lm_core.commands.output import Json, Task, open_task, print_table

MAX_SHOWN = 50
Repo = Annotated[
    str, typer.Argument(metavar="OWNER/NAME", help="The data set to make or to bring up to date.")
]
Over = Annotated[
    str | None,
    typer.Option(
        "--over", metavar="REVISION", help="The revision whose difference was seen, to be written over."
    ),
]
Private = Annotated[bool, typer.Option("--private", help="Make a new data set for its owner alone.")]
Relevance = Annotated[
    bool,
    typer.Option(
        "--relevance/--no-relevance", help="Judge the questions' scientific relevance for the card."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; without, only what would be done is shown.")]


def publish(
    task: Task,
    repo: Repo,
    over: Over = None,
    private: Private = False,
    relevance: Relevance = True,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Write a set to a data set of a hub, as a card with its results and Parquet: shows what changes, does it with --yes."""
    from e2lm_core.deploy.dataset import publishing
    from e2lm_core.export.card.sections import build_sections
    from e2lm_core.runs import state as run_state
    from e2lm_core.runs.studio import open_studio

    studio = open_studio()
    settings = studio.settings
    question_set = open_task(settings, task)
    publishing.require_publishable(settings, question_set, repo)
    checkpoints, num_fewshot = run_state.fleet_of_set(studio, question_set.address)
    measured = build_sections(studio, question_set, checkpoints, num_fewshot, relevance)
    files = publishing.dataset_files(question_set, measured.text, measured.files)
    plan = publishing.plan_publish(settings, question_set, repo, files)
    commit = publishing.publish(settings, question_set, plan, files, over, private) if yes else None
    if as_json:
        print_table(True, {**plan.model_dump(mode="json"), "done": yes, "commit": commit}, ())
        return
    if plan.changes and not plan.creates:
        rows = [{**c.model_dump(exclude={"fields"}), "fields": ", ".join(c.fields)} for c in plan.changes]
        print_table(False, {}, rows[:MAX_SHOWN])
    if plan.empty:
        typer.echo(f"{plan.url} is up to date, at revision {plan.revision}.")
    elif commit is not None:
        typer.echo(f"{plan.url} is published, at revision {commit}.")
    elif plan.creates:
        typer.echo(f"{plan.url} would be made, with {count(len(plan.changes), 'question')}. Add --yes.")
    else:
        typer.echo(
            f"{count(len(plan.changes), 'question')} would change in {plan.url}, which is at revision {plan.revision}. "
            f"Add --over {plan.revision} --yes."
        )
