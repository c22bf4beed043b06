"""The page Relevance: how probably each question would be accepted as science, and where it lies among exemplars.

Tested in tests/pages/test_pages.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.base.records import TaskSet
from e2lm_core.charts import relevance as relevance_charts
from e2lm_core.relevance import tables
from e2lm_core.relevance.judge import Relevance
from e2lm_core.ui import session
from e2lm_core.ui.frame import parts


def acceptance(relevance: Relevance) -> None:
    """How the probabilities are spread, and the fields that the questions are nearest to."""
    st.subheader("Probability of acceptance", anchor=False)
    parts.chart(
        lambda: relevance_charts.probability_histogram(relevance.probability, session.current_theme()),
        "relevance_histogram",
        "Histogram of acceptance probabilities",
        of=(relevance,),
    )
    st.caption("Most sets of one kind stand at one side; the questions between are worth reading.")
    st.subheader("Nearest field", anchor=False)
    parts.table(
        lambda: tables.field_frame(relevance),
        "fields",
        "relevance_fields",
        column_config={"mean_probability": st.column_config.NumberColumn("mean probability", format="%.2f")},
        of=(relevance,),
    )


def exemplars(relevance: Relevance, task: TaskSet) -> None:
    """The questions on a map of the labelled exemplars."""
    st.subheader("The set among labelled exemplars", anchor=False)
    parts.chart(
        lambda: relevance_charts.relevance_map(*tables.map_frames(relevance, task), session.current_theme()),
        "relevance_map",
        "Map of the questions among exemplars",
        of=(relevance, task),
    )
    st.caption("Near points read alike. Directions have no meaning of their own (principal components).")


def least_scientific(relevance: Relevance, task: TaskSet) -> None:
    """Every question with its probability, the lowest first."""
    st.subheader("The least scientific first", anchor=False)
    parts.table(
        lambda: tables.question_frame(relevance, task),
        "relevance",
        "relevance_questions",
        height=360,
        few=("probability", "question"),
        column_config={
            "probability": st.column_config.ProgressColumn(
                "probability", format="%.2f", min_value=0, max_value=1
            )
        },
        of=(relevance, task),
    )


def how_it_is_computed() -> None:
    """What the probability is, and what it is not."""
    with st.expander("How this is computed", icon=":material/info:"):
        st.markdown(
            "all-MiniLM-L6-v2 embeds each question with its choices; a classifier trained on this project's own "
            "labelled exemplars gives the calibrated probability that the organisers' rubric would accept it: "
            "science and scholarship accepted; everyday language, common sense, puzzles and reading without "
            "technical content rejected. It reads words, it does not check facts: a proxy, not a verdict. Its "
            "discrimination on held-out exemplars is in docs/relevance.md."
        )
