"""`questions`, `suspects`, `choose` and `relevance` on the command line: what each question does, and choices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from e2lm_core.base import plain
from e2lm_core.base.records import METRICS
from e2lm_core.base.settings import Settings
from e2lm_core.commands.output import (
    Checkpoints,
    Fewshot,
    Json,
    Opened,
    Task,
    cell,
    goes_to_stdout,
    open_measured,
    require_metrics,
    show,
    to_stdout,
)

if TYPE_CHECKING:
    from e2lm_core.analysis.questions.pool import Pool

Where = Annotated[
    str | None, typer.Option("--where", metavar="RULE", help="Only questions such as 'slope > 0'.")
]
Rule = Annotated[
    str,
    typer.Option(
        "--rule",
        metavar="RULE",
        help="easiest-half, rising-hard-science, one-source, snr-greedy, or your own: 'margin > 0 and slope > 0'.",
    ),
]
Judged = Annotated[str, typer.Option("--metric", help="acc, acc_norm, margin, norm_prob or bpb.")]
Source = Annotated[
    str | None, typer.Option("--source", help="For one-source: this source, not the one that rises most.")
]
Relevance = Annotated[
    bool, typer.Option("--relevance", help="Embed the questions as well, for the column relevance.")
]
Copy = Annotated[
    str | None,
    typer.Option(
        "--out",
        metavar="NAME",
        help="Copy the set with the chosen questions; - prints them as JSONL instead.",
    ),
]
SHOWN = ("id", "slope", "acc", "margin", "discrimination", "contrast", "length", "question")


def questions(
    task: Task,
    checkpoints: Checkpoints = None,
    num_fewshot: Fewshot = None,
    where: Where = None,
    relevance: Relevance = False,
    as_json: Json = False,
) -> None:
    """One row a question: slope, final acc and margin, discrimination, contrast, and traits of its text."""
    from e2lm_core.analysis.questions import pool as question_pool
    from e2lm_core.analysis.questions import rule_text

    opened = open_measured(task, checkpoints, num_fewshot, partly=True)
    pool = _pool(opened, relevance)
    frame = question_pool.question_frame(pool, opened.task)
    if where is not None:
        frame = frame[question_pool.where(pool, rule_text.parse(where))]
    rows = plain.rows(frame)
    document = {
        "task": opened.task.name,
        "models": [model.name for model in pool.models],
        "incomplete": pool.incomplete,
        "undefined": question_pool.undefined(pool),
        "questions": rows,
    }
    show(as_json, document, rows, SHOWN, about=opened.measured)


def suspects(
    task: Task, checkpoints: Checkpoints = None, num_fewshot: Fewshot = None, as_json: Json = False
) -> None:
    """List the questions whose keys the models doubt, that may have two right answers, or that part nobody."""
    from e2lm_core.analysis.questions import suspects as looked_at

    opened = open_measured(task, checkpoints, num_fewshot)
    found = looked_at.suspects(opened.measured)
    rows = plain.rows(looked_at.frame(found, opened.task.questions))
    said = looked_at.finding(found).replace("**", "")
    show(
        as_json,
        {"task": opened.task.name, "finding": said, "knowledge": found.knowledge, "suspects": rows},
        rows,
        about=opened.measured,
    )
    if not as_json:
        typer.echo(said)


def choose(
    task: Task,
    rule: Rule,
    metric: Judged = "acc",
    source: Source = None,
    checkpoints: Checkpoints = None,
    num_fewshot: Fewshot = None,
    relevance: Relevance = False,
    out: Copy = None,
    as_json: Json = False,
) -> None:
    """Choose questions by a rule, and judge the choice on models that took no part in it."""
    from e2lm_core.analysis import standing
    from e2lm_core.analysis.questions import choice
    from e2lm_core.analysis.questions import words as choice_words
    from e2lm_core.sets import authoring
    from e2lm_core.sets.rows import write_jsonl

    piped = goes_to_stdout(out, as_json)
    require_metrics([metric], ", ".join(METRICS))
    opened = open_measured(task, checkpoints, num_fewshot, partly=True)
    pool = _pool(opened, relevance)
    silent = standing.silence(opened.measured, standing.judged(opened.measured, metric))
    chosen = choice.choose(pool, rule, metric, source, silent=silent)
    if piped:
        wanted = set(chosen.ids)
        to_stdout(write_jsonl(q for q in opened.task.questions if q.id in wanted))
        return
    if out is not None:
        authoring.keep(opened.studio.settings, task, out, chosen.ids)
    warnings = choice_words.warnings(chosen)
    document = choice.document(chosen, pool) | {"warning": " ".join(warnings) or None, "out": out}
    show(as_json, document, choice.fold_rows(chosen), about=opened.measured)
    if not as_json:
        for sentence in (choice_words.choice(chosen, len(pool.ids)), *warnings):
            typer.echo(sentence.replace("**", ""))


def _pool(opened: Opened, relevance: bool) -> Pool:
    """The set's questions with what each did, and how relevant each is where that was asked for."""
    from e2lm_core.analysis.questions.pool import pool
    from e2lm_core.checkpoints.ladder.taught import taught_answers
    from e2lm_core.relevance.judge import relevance_of

    studio, task, measured = opened
    probability = relevance_of(studio.settings, task.questions).probability if relevance else None
    return pool(measured, task, taught_answers(studio.catalogue.taught_file, task), probability)


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
