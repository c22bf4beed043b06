"""Command `forms`: question formats, tried side by side."""

from __future__ import annotations

from typing import Annotated

from typer import Option

from e2lm_core.base.errors import StudioError
from e2lm_core.base.formatting import join_words, quote
from e2lm_core.commands.opening import open_fleet, open_studio, open_task
from e2lm_core.commands.options import Checkpoints, FleetName, Json, Task
from e2lm_core.commands.output import print_table
from e2lm_core.commands.progress import progress_bar


def forms(
    task: Task,
    style: Annotated[
        list[str] | None,
        Option("--as", metavar="FORMAT", help="cloze, letters or ending; repeatable (default: all)."),
    ] = None,
    shots: Annotated[
        list[int] | None,
        Option("--shots", metavar="K", help="Few-shot examples; repeatable (default: 0 and 5)."),
    ] = None,
    text: Annotated[
        str | None, Option("--text", metavar="TEMPLATE", help="Prompt of an own template, as doc_to_text.")
    ] = None,
    choice: Annotated[
        str, Option("--choices", metavar="TEMPLATE", help="Choices of the own template, as doc_to_choice.")
    ] = "{{choices}}",
    question: Annotated[
        str | None, Option("--question", metavar="ID", help="Try one question alone.")
    ] = None,
    use: Annotated[
        str | None, Option("--use", metavar="NAME", help="Give the set this format, as the table names it.")
    ] = None,
    checkpoints: Checkpoints = None,
    fleet: FleetName = None,
    as_json: Json = False,
) -> None:
    """Try a set in other question formats, without and with examples: scores side by side, chosen and judged apart."""
    from e2lm_core.analysis.alternatives.messages import forms as messages
    from e2lm_core.runs.queue.records import Progress, ProgressListener
    from e2lm_core.runs.results import load_measurements
    from e2lm_core.runs.trials import forms as form_trials

    studio = open_studio()
    question_set = open_task(studio.settings, task)
    opened = open_fleet(studio, task, checkpoints, fleet)
    variants = form_trials.form_variants(
        question_set,
        opened.num_fewshot,
        style or form_trials.STYLES,
        form_trials.SHOTS if shots is None else shots,
        None if text is None else {"doc_to_text": text, "doc_to_choice": choice},
        question,
    )
    by_label = {variant.label: variant for variant in variants}
    if use is not None and use not in by_label:
        raise StudioError(f"{quote(use)} is not tried: use {join_words(list(by_label))}.")
    trial = form_trials.plan_form_trial(studio, question_set, variants, opened.checkpoints)
    with progress_bar(question_set.name, len(trial.prompts()) * len(trial.checkpoints)) as advance:
        done: dict[str, int] = {}

        class Bar(ProgressListener):
            def report(self, progress: Progress) -> None:
                advance(progress.name, progress.done - done.get(progress.name, 0))
                done[progress.name] = progress.done

        trial.compute(Bar())
    found = form_trials.judge_form_trial(studio, trial)
    notes = [messages.headline(found), messages.trial_sentence(found)]
    if use is not None:
        form_trials.use_form(studio.settings, task, by_label[use], found)
        notes.append(f"{task} asks as {use} now; `undo {task}` takes it back.")
    document = {"task": question_set.name, "question": question, "used": use} | messages.document(found)
    measured = load_measurements(studio, question_set, *opened.run_arguments)
    print_table(
        as_json, document, messages.rows(found), messages.COLUMNS, about=measured, notes=notes, fleet=opened
    )
