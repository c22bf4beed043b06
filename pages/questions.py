"""Questions: what each question does, some of them against the rest, and choosing among them honestly."""

import streamlit as st

from e2lm_core.analysis import standing
from e2lm_core.analysis.questions import words as choice_words
from e2lm_core.base.errors import StudioError
from e2lm_core.ui.frame import parts
from e2lm_core.ui.frame.strip import shown, strip
from e2lm_core.ui.questions import choosing, doubted
from e2lm_core.ui.questions import table as question_table
from e2lm_core.ui.remembered import questions as remembered
from e2lm_core.ui.remembered import results

VIEWS = ("Questions", "Suspects", "Choosing")
task = strip()
here = shown(task)
task, measurements = here.task, here.measurements

if not task.questions or not measurements.measured:
    parts.header(
        "Questions",
        "Nothing is known of single questions yet." if task.questions else "This set has no questions yet.",
    )
    parts.run_first("Run this set on Run, and every question's slope, margin and discrimination appear here.")

try:
    pool, frame = remembered.pool(task, measurements)
except StudioError as error:
    parts.header("Questions", "Too little is computed yet to tell questions apart.")
    parts.empty(str(error))
    st.stop()

with st.container(key="questions_head"):
    head = st.container()
    view = st.segmented_control(
        "View",
        VIEWS,
        default=VIEWS[0],
        required=True,
        key="questions_view",
        label_visibility="collapsed",
    )
if view == VIEWS[0]:
    with head:
        silent = standing.silence(measurements, results.scores(measurements, "acc"))
        parts.header("Questions", choice_words.questions(pool, frame, silent))
    question_table.table(task, measurements, pool, frame)
elif view == VIEWS[1]:
    doubted.doubted(task, measurements, head)
else:
    choosing.choosing(task, measurements, pool, head)
