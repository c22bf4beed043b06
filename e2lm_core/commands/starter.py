"""Command `hub starter`.

Tested in tests/whole/test_starter.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from e2lm_core.base.errors import StudioError
from e2lm_core.checkpoints.hub.client import HubUnreachable
from e2lm_core.commands.checkpoints import download_checkpoints
from e2lm_core.commands.opening import open_studio, open_task
from e2lm_core.commands.options import Json
from e2lm_core.commands.output import print_table, warn

if TYPE_CHECKING:
    from e2lm_core.runs.starter import StarterPlan


def starter(
    task: Annotated[str | None, Argument(metavar="[TASK]", help="A set, to time its run.")] = None,
    also: Annotated[
        list[str] | None,
        Option("--also", metavar="MODEL", help="Add pythia-70m or pythia-160m too, without a download."),
    ] = None,
    download: Annotated[
        bool, Option("--download", help="Download pythia-14m and pythia-31m, and make the model group.")
    ] = False,
    use: Annotated[bool, Option("--use", help="Make the group that of TASK.")] = False,
    as_json: Json = False,
) -> None:
    """Small public models for any question: cost and use, then download and model group."""
    from e2lm_core.runs import fleets, state
    from e2lm_core.runs import starter as starters
    from e2lm_core.runs.messages import starter as messages

    if use and task is None:
        raise StudioError(
            "--use makes the group that of a set: name the set, as in `hub starter my_set --use`."
        )
    studio, larger = open_studio(), tuple(dict.fromkeys(also or ()))
    question_set = open_task(studio.settings, task) if task else None
    questions = len(question_set.questions) if question_set else None
    num_fewshot = state.fleet_of_set(studio, task).num_fewshot if task else None
    try:
        plan = starters.plan_starter(studio, larger, questions, num_fewshot)
    except HubUnreachable as error:
        if download:
            raise
        warn(str(error))
        plan = starters.plan_starter(studio, larger, questions, num_fewshot, ask_hub=False)
    notes = messages.starter_notes(plan)
    fleet = None
    if download:
        starters.add_starter(studio, larger)
        studio = open_studio()
        fleet = starters.save_starter(studio, larger)
        warn(*notes)
        download_checkpoints(starters.absent_checkpoints(studio), studio.settings)
        plan = plan.model_copy(update={"here": plan.checkpoints, "fetch_bytes": 0})
        notes = [messages.starter_cost(plan)]
    if use and task:
        fleet = starters.save_starter(studio, larger)
        fleets.choose_fleet(studio, task, fleet, num_fewshot)
        notes.append(f"{task} is shown with the model group {fleet.name}: run `evaluate {task}`.")
    elif download:
        notes.append(f"No set has the group yet: give it to one with `fleet use SET {starters.NAME!r}`.")
    if download and larger:
        notes.append(
            f"Download and score the larger ones with `evaluate SET --fleet {starters.NAME!r} --rolling`."
        )
    opened = fleets.open_fleet(studio, fleet) if fleet else None
    document: dict[str, Any] = {**plan.model_dump(), "notes": notes}
    print_table(as_json, document, _rows(plan), notes=notes, fleet=opened)


def _rows(plan: StarterPlan) -> list[dict[str, Any]]:
    return [
        {
            "models": ", ".join(plan.models),
            "checkpoints": plan.checkpoints,
            "here": plan.here,
            "bytes to fetch": plan.fetch_bytes,
        }
    ]
