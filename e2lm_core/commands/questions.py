"""`python -m e2lm_core questions` and `choose`: what each question does, and choosing among them honestly."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from e2lm_core.base import plain
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import METRICS
from e2lm_core.base.settings import Settings
from e2lm_core.commands.output import Checkpoints, Fewshot, Json, Task, cell, show

Relevance = Annotated[
    bool, typer.Option("--relevance", help="Embed the questions as well, for the column relevance.")
]
SHOWN = ("id", "slope", "acc", "margin", "discrimination", "contrast", "length", "question")


def questions(
    task: Task,
    checkpoints: Checkpoints = None,
    num_fewshot: Fewshot = None,
    where: Annotated[
        str | None, typer.Option("--where", metavar="RULE", help="Only questions such as 'slope > 0'.")
    ] = None,
    relevance: Relevance = False,
    as_json: Json = False,
) -> None:
    """One row a question: slope, final acc and margin, discrimination, contrast, and traits of its text."""
    from e2lm_core.analysis.questions import pool as question_pool
    from e2lm_core.analysis.questions import rule_text

    question_set, given, _ = _pool(task, checkpoints, num_fewshot, relevance)
    frame = question_pool.question_frame(given, question_set)
    if where is not None:
        frame = frame[question_pool.where(given, rule_text.parse(where))]
    rows = plain.rows(frame)
    document = {
        "task": question_set.name,
        "models": [model.name for model in given.models],
        "incomplete": given.incomplete,
        "undefined": question_pool.undefined(given),
        "questions": rows,
    }
    show(as_json, document, rows, SHOWN)


def choose(
    task: Task,
    rule: Annotated[
        str,
        typer.Option(
            "--rule",
            metavar="RULE",
            help="easiest-half, rising-hard-science, one-source, snr-greedy, or your own: 'margin > 0 and slope > 0'.",
        ),
    ],
    metric: Annotated[str, typer.Option("--metric", help="acc, acc_norm, margin, norm_prob or bpb.")] = "acc",
    source: Annotated[
        str | None, typer.Option("--source", help="For one-source: this source, not the one that rises most.")
    ] = None,
    checkpoints: Checkpoints = None,
    num_fewshot: Fewshot = None,
    relevance: Relevance = False,
    out: Annotated[
        str | None, typer.Option("--out", metavar="NAME", help="Copy the set with the chosen questions.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Choose questions by a rule, and judge the choice on models that took no part in it."""
    from e2lm_core.analysis.questions import choice
    from e2lm_core.analysis.questions import words as choice_words
    from e2lm_core.sets import authoring

    if metric not in METRICS:
        raise StudioError(f"The metric {metric!r} does not exist: use {', '.join(METRICS)}.")
    _, given, settings = _pool(task, checkpoints, num_fewshot, relevance)
    found = choice.choose(given, rule, metric, source)
    if out is not None:
        authoring.keep(settings, task, out, found.ids)
    warnings = choice_words.warnings(found)
    document = choice.document(found, given) | {"warning": " ".join(warnings) or None, "out": out}
    show(as_json, document, choice.fold_rows(found))
    if not as_json:
        for sentence in (choice_words.choice(found, len(given.ids)), *warnings):
            typer.echo(sentence.replace("**", ""))


def _pool(task: str, checkpoints: list[str] | None, num_fewshot: int | None, relevance: bool) -> Any:
    from e2lm_core.analysis.questions import pool as question_pool
    from e2lm_core.checkpoints.ladder import taught
    from e2lm_core.relevance import judge
    from e2lm_core.runs.measure import measure
    from e2lm_core.runs.studio import open_studio
    from e2lm_core.sets.collection import open_set

    studio = open_studio()
    question_set = open_set(studio.settings, task)
    chosen = studio.catalogue.match(checkpoints) if checkpoints else studio.at_hand
    measured = measure(studio, question_set, chosen, num_fewshot)
    if not measured.measured:
        raise StudioError(f"{question_set.name} has no results yet: run `evaluate {task}` first.")
    probability = (
        judge.relevance_of(studio.settings, question_set.questions).probability if relevance else None
    )
    given = question_pool.pool(
        measured, question_set, taught.taught_answers(studio.catalogue.taught_file, question_set), probability
    )
    return question_set, given, studio.settings


def relevance(
    task: Annotated[
        str, typer.Argument(metavar="TASK_OR_JSONL", help="A set, its folder, or a JSONL file of questions.")
    ],
    as_json: Json = False,
) -> None:
    """How probably the competition's rubric would accept each question as science."""
    from e2lm_core.relevance.judge import assess, read_questions

    settings = Settings.from_env()
    questions = read_questions(settings, task)
    document = assess(settings, questions)
    show(as_json, document, document["questions"])
    if not as_json:
        typer.echo(f"accepted: {cell(document['accepted_share'])} of {len(questions)}")
