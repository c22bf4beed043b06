"""Relevance: how probably the competition's rubric would accept each question as science."""

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.relevance import words as relevance_words
from e2lm_core.ui.analysis import relevance
from e2lm_core.ui.frame import parts, say
from e2lm_core.ui.frame.strip import shown, strip
from e2lm_core.ui.remembered import results

task = strip()
if not task.questions:
    parts.header("Relevance", "This set has no questions yet.")
    parts.write_first()

task = shown(task).task
try:
    with st.spinner("Embedding the questions; new ones take a few seconds …", show_time=True):
        judged = results.relevance(task)
except StudioError as error:
    parts.header("Relevance", "Relevance cannot be computed here.")
    say.error(error, icon=":material/error:")
    st.stop()

parts.header("Relevance", relevance_words.relevance(judged))
left, right = st.columns(2, gap="large")
with left:
    relevance.acceptance(judged)
with right:
    relevance.exemplars(judged, task)
relevance.least_scientific(judged, task)
relevance.how_it_is_computed()
