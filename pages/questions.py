"""Questions: what each question does, some of them against the rest, and choosing among them honestly."""

import streamlit as st

from e2lm_core.analysis.questions import words as choice_words
from e2lm_core.base.errors import StudioError
from e2lm_core.ui import parts
from e2lm_core.ui.questions import choosing
from e2lm_core.ui.questions import table as question_table
from e2lm_core.ui.remembered import questions as remembered_questions
from e2lm_core.ui.remembered import results
from e2lm_core.ui.strip import strip

task = strip()
measured = results.measurements(task)

if not task.questions or not measured.measured:
    parts.header(
        "Questions",
        "Nothing is known of single questions yet." if task.questions else "This set has no questions yet.",
    )
    parts.empty("Run this set on Run, and every question's slope, margin and discrimination appear here.")
    st.page_link("pages/run.py", label="Choose checkpoints", icon=":material/play_circle:")
    st.stop()

try:
    pool, frame = remembered_questions.pool(task, measured)
except StudioError as error:
    parts.header("Questions", "Too little is computed yet to tell questions apart.")
    parts.empty(str(error))
    st.stop()

with st.container(key="questions_head"):
    head = st.container()
    view = st.segmented_control(
        "View",
        question_table.VIEWS,
        default=question_table.VIEWS[0],
        required=True,
        key="questions_view",
        label_visibility="collapsed",
    )
if view == question_table.VIEWS[0]:
    with head:
        parts.header("Questions", choice_words.questions(pool, frame))
    question_table.table(task, measured, pool, frame)
else:
    choosing.choosing(task, pool, head)
