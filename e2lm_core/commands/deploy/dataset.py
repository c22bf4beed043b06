"""`publish` on the command line: a set as a data set of a hub, its difference shown first.

Tested in tests/deploy/dataset/test_publishing.py.
"""

from __future__ import annotations

from typing import Annotated

import typer

from e2lm_core.base.phrasing import count
from e2lm_core.base.settings import Settings
from e2lm_core.commands.output import Json, Task, open_task, show

MOST_SHOWN = 50
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
Yes = Annotated[bool, typer.Option("--yes", help="Do it; without, only what would be done is shown.")]


def publish(
    task: Task,
    repo: Repo,
    over: Over = None,
    private: Private = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Write a set to a data set of a hub, as a card and Parquet: shows what changes, and does it with --yes."""
    from e2lm_core.deploy.dataset import publishing

    settings = Settings.from_env()
    question_set = open_task(settings, task)
    plan = publishing.plan(settings, question_set, repo)
    commit = publishing.carry_out(settings, question_set, plan, over, private) if yes else None
    if as_json:
        show(True, {**plan.model_dump(mode="json"), "done": yes, "commit": commit}, ())
        return
    if plan.changes and not plan.creates:
        rows = [{**c.model_dump(exclude={"fields"}), "fields": ", ".join(c.fields)} for c in plan.changes]
        show(False, {}, rows[:MOST_SHOWN])
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
