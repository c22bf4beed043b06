"""Command `map`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from typer import Option

from e2lm_core.base import formatting, json_values
from e2lm_core.commands.opening import open_measured
from e2lm_core.commands.options import Checkpoints, Fewshot, FleetName, Json, Task
from e2lm_core.commands.output import print_table, prints_data

SHOWN = ("id", "learnt_tokens", "learnt_step", "first", "last", "question")


def learning_map(
    task: Task,
    model: Annotated[
        str | None, Option("--model", help="One model, by its name (default: all models that count).")
    ] = None,
    checkpoints: Checkpoints = None,
    fleet: FleetName = None,
    num_fewshot: Fewshot = None,
    as_json: Json = False,
) -> None:
    """The checkpoint from which each question is learnt, first to last, and its probability at every checkpoint."""
    from e2lm_core.analysis.questions import learning_map as maps
    from e2lm_core.analysis.questions import messages

    _, question_set, measured, opened = open_measured(
        task, checkpoints, num_fewshot, partly=True, fleet=fleet
    )
    names = {curve.model.short_name: curve.model.name for curve in measured.curves}
    found = maps.learning_map(measured, None if model is None else names.get(model, model))
    frame = maps.map_frame(found, question_set.questions)
    values = maps.probability_frame(found)
    rows = [row | _whole(row) for row in json_values.frame_to_records(frame)]
    document = {
        "task": question_set.name,
        "models": list(found.models),
        "steps": found.steps.tolist(),
        "tokens_seen": json_values.to_json_numbers(found.tokens_seen, as_integers=True),
        "learnt": int(found.is_learnt.sum()),
        "random_keys": None if found.null is None else found.null.model_dump(),
        "incomplete": found.incomplete,
        "questions": [
            row | {"probability": [round(float(value), 6) for value in found.probability[:, place]]}
            for place, row in enumerate(rows)
        ],
    }
    if prints_data():
        rows = [row | more for row, more in zip(rows, json_values.frame_to_records(values), strict=True)]
        shown: tuple[str, ...] = (*SHOWN, *values.columns)
    else:
        rows = [row | {"learnt_tokens": _learnt(row["learnt_tokens"])} for row in rows]
        shown = SHOWN
    print_table(
        as_json, document, rows, shown, about=measured, notes=[messages.map_headline(found)], fleet=opened
    )


def _whole(row: Mapping[str, Any]) -> dict[str, int | None]:
    """Step and tokens as whole numbers, which a column with unknown ones holds as floats."""
    return {name: None if row[name] is None else int(row[name]) for name in ("learnt_step", "learnt_tokens")}


def _learnt(tokens_seen: float | None) -> str | None:
    return None if tokens_seen is None else formatting.tokens(tokens_seen)
