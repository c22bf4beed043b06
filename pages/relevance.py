"""Relevance: how probably the competition's rubric would accept each question as science."""

import streamlit as st

from e2lm_core.relevance import words as relevance_words
from e2lm_core.ui.analysis import relevance
from e2lm_core.ui.frame import parts
from e2lm_core.ui.frame.strip import shown, strip

task = strip()
if not task.questions:
    parts.header("Relevance", "This set has no questions yet.")
    parts.write_first()

task = shown(task).task
judged = relevance.judged(task)
if judged is None:
    st.stop()
parts.header("Relevance", relevance_words.relevance(judged))
left, right = st.columns(2, gap="large")
with left:
    relevance.acceptance(judged)
with right:
    relevance.exemplars(judged, task)
relevance.least_scientific(judged, task)
relevance.why(judged, task)
left, right = st.columns(2, gap="large")
with left:
    relevance.reliability(judged)
with right:
    relevance.compared(judged, task)
relevance.how_it_is_computed()
