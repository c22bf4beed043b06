"""Command `decide`.

Tested in tests/commands/analysis/test_decide.py.
"""

from __future__ import annotations

import math
from typing import Annotated

from typer import Option

from e2lm_core.base.errors import StudioError
from e2lm_core.commands.analysis.ranks import require_pair
from e2lm_core.commands.opening import open_measured, require_metrics
from e2lm_core.commands.options import Checkpoints, Fewshot, FleetName, Json, Metric, Task
from e2lm_core.commands.output import estimate, print_table


def decide(
    task: Task,
    metric: Metric = "acc",
    models: Annotated[
        list[str] | None,
        Option("--model", help="Two models (default: largest and smallest of one shape)."),
    ] = None,
    end: Annotated[
        float | None,
        Option(
            "--end",
            metavar="T",
            min=1,
            help="Tokens at the end of training (default: the last known checkpoint of the two models).",
        ),
    ] = None,
    earlier: Annotated[
        bool, Option("--earlier", help="Also what would decide earlier: more questions, the other metric.")
    ] = False,
    checkpoints: Checkpoints = None,
    fleet: FleetName = None,
    num_fewshot: Fewshot = None,
    as_json: Json = False,
) -> None:
    """The probability that one of two models is ahead at the end of training, and the checkpoint at which a set decides."""
    from e2lm_core.analysis.answers import Answers
    from e2lm_core.analysis.curves import messages as curve_messages
    from e2lm_core.analysis.decisions import messages, outlook

    require_metrics([metric])
    studio, _, measured, opened = open_measured(task, checkpoints, num_fewshot, fleet=fleet)
    pair = require_pair(measured, models) or curve_messages.most_informative_pair(measured)
    answers = Answers(measured)
    built_in = any(curve.model.family == "ladder" for curve in measured.curves)
    points, names = [], ("", "")
    if pair:
        smaller, larger = pair[1], pair[0]
        if models:
            smaller, larger = pair
        names = (measured.curve_of(smaller).model.short_name, measured.curve_of(larger).model.short_name)
        known = [*studio.catalogue.checkpoints, *(c for curve in measured.curves for c in curve.checkpoints)]
        end = end or outlook.end_of_training(outlook.last_tokens(known), (smaller, larger))
        points = answers.outlooks(metric, smaller, larger, end)
        last = max((point.tokens_seen for point in points if point.tokens_seen is not None), default=0.0)
        if end is not None and not last <= end < math.inf:
            raise StudioError(
                f"--end {end:.15g} is not where this training ends: give a number of tokens, {last:.0f} or more, which the "
                "last of the checkpoints compared has seen."
            )
    certainty = answers.certainty(metric, end)
    found = answers.alternatives(metric, end) if earlier else []
    document = {
        "task": measured.task,
        "metric": metric,
        "first": smaller if pair else None,
        "second": larger if pair else None,
        "end_tokens": end,
        "checkpoints": [point.model_dump(mode="json") for point in points],
        "set": certainty and certainty.model_dump(mode="json"),
        **({"earlier": [of.model_dump(mode="json") for of in found]} if earlier else {}),
    }
    rows = [
        {
            column: estimate(value) if column == "P" else value
            for column, value in row.items()
            if column != "why"
        }
        for row in messages.outlook_rows(points)
    ]
    rows = [
        {{"first": names[0], "second": names[1]}.get(column, column): value for column, value in row.items()}
        for row in rows
    ]
    notes = [
        messages.headline(points, *names) if pair else None,
        *messages.unknown_notes(points),
        messages.certainty_sentence(certainty, built_in),
        messages.earlier_sentence(found, built_in) if found else None,
        *(messages.earlier_lines(found, built_in)),
        messages.BUILT_IN if built_in else None,
        messages.table_note(),
    ]
    print_table(
        as_json,
        document,
        rows,
        about=measured,
        empty="There are no two models to decide between.",
        notes=notes,
        fleet=opened,
    )
