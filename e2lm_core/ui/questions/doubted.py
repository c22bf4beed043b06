"""The questions to look at: whose keys the models doubt, that may have two right answers, or that part nobody.

Tested in tests/pages/test_questions.py.
"""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from e2lm_core.analysis.questions import suspects
from e2lm_core.base.records import TaskSet
from e2lm_core.scores.measurements import Measurements
from e2lm_core.ui.frame import parts, say


def doubted(task: TaskSet, measurements: Measurements, head: DeltaGenerator) -> None:
    """The finding in `head`, and the table with the evidence."""
    found = suspects.suspects(measurements)
    with head:
        parts.header("Questions", suspects.finding(found))
    if not found.listed:
        parts.empty("Nothing to look at: no key is doubted, no question has two right answers, none is dead.")
        return
    number = st.column_config.NumberColumn
    parts.table(
        suspects.frame(found, task.questions),
        f"suspects-{task.name}",
        "questions_suspects",
        few=("id", "key", "rather"),
        column_config={
            "evidence": number(
                format="%.2f",
                help="Wrong key: how much more probable the other choice is than the key, over the models that know the "
                "set. Two right answers: what both hold together. Dead: 1 always right, 0 always wrong.",
            ),
            "models": number(help="How many of them take the other choice for right."),
            "key": st.column_config.TextColumn("the key says"),
            "rather": st.column_config.TextColumn("the models say"),
        },
    )
    say.caption(
        "Models are no judges: they say where to look. A key that is doubted may be right and the models wrong together."
    )
