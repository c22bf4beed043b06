"""Command `groups`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from typer import Option

from e2lm_core.base.errors import StudioError
from e2lm_core.base.formatting import quote
from e2lm_core.base.records import Question
from e2lm_core.base.settings import Settings
from e2lm_core.commands.opening import open_studio, open_task, require_metrics
from e2lm_core.commands.options import Json, Metric, Task
from e2lm_core.commands.output import print_table

WAYS = ("template", "answer", "meaning")
ACCEPTED = (*WAYS, "independent", "none")
By = Annotated[
    list[str] | None,
    Option(
        "--by",
        metavar="WAY",
        help="template, answer or meaning (by the embedder); may be repeated (default: the first two).",
    ),
]
Accept = Annotated[
    str | None,
    Option(
        "--accept",
        metavar="WAY",
        help="Write that proposal's groups; or independent, each question by itself; or none, take them away.",
    ),
]


def groups(
    task: Task, by: By = None, accept: Accept = None, metric: Metric = "acc", as_json: Json = False
) -> None:
    """Similar questions, and the number of independent ones they count as; --accept writes the groups into the set."""
    from e2lm_core.analysis.questions import groups as grouping
    from e2lm_core.runs import results, state
    from e2lm_core.sets.checks import groups as checks
    from e2lm_core.sets.editing import assign_groups as grouped

    require_metrics([metric])
    asked = [*(by or ()), *([accept] if accept in WAYS else [])]
    for way in asked:
        if way not in WAYS:
            raise StudioError(f"Questions are not grouped by {quote(way)}: use {', '.join(WAYS)}.")
    if accept is not None and accept not in ACCEPTED:
        raise StudioError(f"{quote(accept)} cannot be accepted: use {', '.join(ACCEPTED)}.")
    studio = open_studio()
    opened = open_task(studio.settings, task)
    labels = {
        way: _proposed(way, opened.questions, studio.settings)
        for way in dict.fromkeys(asked or checks.PROPOSALS)
    }
    if accept is not None:
        chosen = labels[accept] if accept in WAYS else None
        if chosen is not None and not any(chosen):
            raise StudioError(f"No questions share {accept}, so there is nothing to accept.")
        opened = grouped.set_groups(studio.settings, task, chosen, accept == "independent")
    measured = results.load_measurements(
        studio, opened, *state.fleet_of_set(studio, opened.address).run_arguments
    )
    known, total = tuple(question.group for question in opened.questions), len(opened.questions)
    rows = [grouping.grouping_effect(way, own, measured, metric) for way, own in labels.items()]
    now = grouping.grouping_effect("known", known, measured, metric) if any(known) else None
    document = {
        "task": opened.address,
        "questions": total,
        "metric": metric,
        "known": now and now.model_dump(),
        "independent": checks.is_declared_independent(opened.config),
        "assumption": measured.independence_note,
        "proposals": [
            {
                **row.model_dump(),
                "finding": grouping.grouping_sentence(row, total),
                "labels": labels[row.kind],
            }
            for row in rows
        ],
    }
    every = [*([now] if now else []), *rows]
    notes = [grouping.grouping_sentence(row, total) for row in every]
    if note := measured.independence_note:
        notes.append(note)
    print_table(as_json, document, [row.model_dump() for row in every], notes=notes)


def _proposed(way: str, questions: Sequence[Question], settings: Settings) -> tuple[str | None, ...]:
    from e2lm_core.relevance.embeddings import Embedder
    from e2lm_core.relevance.neighbours import MODEL, group_by_meaning
    from e2lm_core.sets.checks.groups import PROPOSALS

    if way in PROPOSALS:
        return PROPOSALS[way](questions)
    return group_by_meaning(questions, Embedder(settings, MODEL))
