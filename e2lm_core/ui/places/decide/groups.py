"""Tab Model groups: the scores of the set on each group side by side.

Tested in tests/pages/test_groups.py.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from e2lm_core.analysis import tables
from e2lm_core.base import formatting, labels
from e2lm_core.base.records import TaskSet
from e2lm_core.base.sentences import Sentence, joined
from e2lm_core.runs.fleets import OpenFleet
from e2lm_core.runs.messages.fleets import fleet_label
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown
from e2lm_core.ui.cache import results

HELP = Sentence(
    "Each row is this set on another model group: its complete checkpoints, and the scores of these models alone. Scores of "
    "different groups differ by their models and their checkpoints, not by the questions."
)


def headline(fleets: list[OpenFleet], complete: int) -> str:
    """Headline: number of groups with results."""
    if len(fleets) < 2:
        return Sentence("There is one model group: save another on Models and runs to see the set on both.")
    return Sentence(
        "The set has complete results on {complete} of {groups}.",
        complete=complete,
        groups=formatting.count(len(fleets), "model group"),
    )


def score_rows(task: TaskSet, fleets: list[OpenFleet], metric: str) -> pd.DataFrame:
    """One row per group: models, complete checkpoints, and the four scores with their intervals as text."""
    rows = []
    for fleet in fleets:
        measured = results.measure(task, *fleet.run_arguments)
        row: dict[str, object] = {
            "group": fleet_label(fleet.name),
            "models": len(fleet.models),
            "complete": measured.complete_checkpoints,
            "checkpoints": measured.checkpoints,
        }
        if measured.complete_checkpoints:
            scores = results.scores(measured, metric)
            for name in ("sq", "rc", "cs", "score"):
                row[name.upper() if name != "score" else "Score"] = formatting.with_interval(
                    getattr(scores, name).model_dump()
                )
        rows.append(row)
    return tables.sentence_table(rows)


def draw(task: TaskSet) -> None:
    """Draw the table of all groups for a metric."""
    head = st.container()  # no st.empty, which a redrawn page would show blank at first
    fleets = results.all_fleets(task)
    metric = widgets.metric_control("groups_metric", explained=True)
    frame = score_rows(task, fleets, metric)
    with head:
        widgets.headline(headline(fleets, int((frame["complete"] == frame["checkpoints"]).sum())))
    widgets.table(
        frame,
        f"groups-{metric}",
        "decide_groups",
        phone_columns=("group", "SQ", "Score"),
        column_config={
            "complete": st.column_config.NumberColumn(language.mark("checkpoints complete")),
            "checkpoints": st.column_config.NumberColumn(language.mark("checkpoints")),
        },
    )
    markdown.caption(joined((Sentence(labels.METRIC_HELP[metric]), HELP)))
