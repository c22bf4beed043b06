"""Command `question alternatives`: other texts in place of a wrong answer, tried on the models.

commands/sets/proposals.py adds one more, and commands/main.py all of them to the program.
"""

from __future__ import annotations

from typing import Annotated

from typer import Option

from e2lm_core.base.errors import StudioError
from e2lm_core.base.formatting import quote
from e2lm_core.commands.opening import open_measured
from e2lm_core.commands.options import Checkpoints, Fewshot, FleetName, Json, Task
from e2lm_core.commands.output import print_table
from e2lm_core.commands.sets.bulk_edit import app
from e2lm_core.commands.sets.questions import Identity


@app.command("alternatives")
def alternatives(
    task: Task,
    identity: Identity,
    choice: Annotated[
        str, Option("--choice", metavar="LETTER", help="The wrong answer to replace, by its letter.")
    ],
    own: Annotated[
        list[str] | None, Option("--try", metavar="TEXT", help="A text of your own to try; repeatable.")
    ] = None,
    only_own: Annotated[
        bool,
        Option("--only-mine", help="Try the texts of --try alone, none of the set's answers or of WordNet."),
    ] = False,
    take: Annotated[
        str | None, Option("--take", metavar="TEXT", help="Put this tried text in place of the choice.")
    ] = None,
    checkpoints: Checkpoints = None,
    fleet: FleetName = None,
    num_fewshot: Fewshot = None,
    as_json: Json = False,
) -> None:
    """Try other texts in place of a wrong answer, on all checkpoints; proposals, judged on models that did not choose."""
    from e2lm_core.analysis.alternatives.messages import choices as messages
    from e2lm_core.runs.trials import choices as service

    opened = studio, question_set, measured, of = open_measured(
        task, checkpoints, num_fewshot, partly=True, fleet=fleet
    )
    letter = choice.strip().upper()
    if len(letter) != 1 or letter not in messages.LETTERS:
        raise StudioError(f"--choice is {quote(choice)}: name a choice by its letter, such as B.")
    if only_own and not own:
        raise StudioError("--only-mine tries the texts of --try: give at least one.")
    planned = service.plan_choice_trial(
        studio,
        question_set,
        identity,
        messages.LETTERS.index(letter),
        of.checkpoints,
        of.num_fewshot,
        own or (),
        from_set=not only_own,
        from_wordnet=not only_own,
    )
    planned.trial.compute()
    found = service.judge_choice_trial(planned, service.final_accuracy(measured))
    notes = [messages.headline(found), messages.control_sentence(found), messages.THESE_ARE_PROPOSALS]
    document = messages.document(found) | {"task": question_set.name, "taken": take}
    if take is not None:
        if take not in {one.text for one in found.tried}:
            raise StudioError(f"{quote(take)} was not tried: add it with --try.")
        service.take_choice(studio.settings, task, planned.question, planned.place, take)
        notes.append(f"{letter} is now {quote(take)}; `undo {task}` takes it back.")
    print_table(
        as_json,
        document,
        messages.rows(found),
        messages.COLUMNS,
        about=measured,
        notes=notes,
        fleet=opened.fleet,
    )
