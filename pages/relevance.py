"""Relevance: how probably the competition's rubric would accept each question as science."""

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.charts import relevance
from e2lm_core.relevance import tables
from e2lm_core.relevance import words as relevance_words
from e2lm_core.ui import parts, session
from e2lm_core.ui.remembered import results
from e2lm_core.ui.strip import strip

task = strip()
if not task.questions:
    parts.header("Relevance", "This set has no questions yet.")
    st.page_link("pages/author.py", label="Write questions", icon=":material/edit_note:")
    st.stop()

try:
    with st.spinner("Embedding the questions; new ones take a few seconds …", show_time=True):
        found = results.relevance(task)
except StudioError as error:
    parts.header("Relevance", "Relevance cannot be computed here.")
    st.error(str(error), icon=":material/error:")
    st.stop()

parts.header("Relevance", relevance_words.relevance(found))
left, right = st.columns(2, gap="large")
with left:
    st.subheader("Probability of acceptance", anchor=False)
    parts.chart(
        relevance.probability_histogram(found.probability, session.current_theme()),
        "relevance_histogram",
        "Histogram of acceptance probabilities",
    )
    st.caption("Most sets of one kind stand at one side; the questions between are worth reading.")
    st.subheader("Nearest field", anchor=False)
    parts.table(
        tables.field_frame(found),
        "fields",
        "relevance_fields",
        column_config={"mean_probability": st.column_config.NumberColumn("mean probability", format="%.2f")},
    )
with right:
    st.subheader("The set among labelled exemplars", anchor=False)
    parts.chart(
        relevance.relevance_map(*tables.map_frames(found, task), session.current_theme()),
        "relevance_map",
        "Map of the questions among exemplars",
    )
    st.caption("Near points read alike. Directions have no meaning of their own (principal components).")

st.subheader("The least scientific first", anchor=False)
parts.table(
    tables.question_frame(found, task),
    "relevance",
    "relevance_questions",
    height=360,
    few=("probability", "question"),
    column_config={
        "probability": st.column_config.ProgressColumn("probability", format="%.2f", min_value=0, max_value=1)
    },
)
with st.expander("How this is computed", icon=":material/info:"):
    st.markdown(
        "all-MiniLM-L6-v2 embeds each question with its choices; a classifier trained on this project's own "
        "labelled exemplars gives the calibrated probability that the organisers' rubric would accept it: "
        "science and scholarship accepted; everyday language, common sense, puzzles and reading without "
        "technical content rejected. It reads words, it does not check facts: a proxy, not a verdict. Its "
        "discrimination on held-out exemplars is in docs/relevance.md."
    )
