"""Plan: how many questions a wanted certainty takes, and how long a fleet takes over them."""

import streamlit as st

from e2lm_core.analysis import standing
from e2lm_core.analysis.plan import words as plan_words
from e2lm_core.base.errors import StudioError
from e2lm_core.ui.analysis import plan
from e2lm_core.ui.frame import parts, say
from e2lm_core.ui.frame.strip import shown, strip
from e2lm_core.ui.remembered import results

task = strip()
measurements = shown(task).measurements
title = st.empty()

if not plan.measured_enough(measurements):
    with title.container():
        parts.header("Plan", "Plans are drawn from measured questions, and fewer than two are measured yet.")
    parts.run_first(
        "Run this set first, even on a few checkpoints: what it shows says how many questions are enough."
    )

goal, fleet = plan.controls(task, measurements)
if silent := standing.silence(measurements, results.scores(measurements, goal.metric)):
    with title.container():
        parts.header("Plan", "Nothing can be planned from these scores.")
    parts.empty(silent, icon=":material/casino:")
    st.stop()
try:
    planned = plan.plan_for(measurements, goal, fleet)
except StudioError as error:
    with title.container():
        parts.header("Plan", "This cannot be planned for.")
    say.warning(error, icon=":material/info:")
    st.stop()

with title.container():
    parts.header("Plan", plan_words.finding(planned))
plan.widths(planned)
plan.pace(planned)

by_size, by_model = st.tabs(["By size", "By model"])
with by_size:
    plan.by_size(planned)
with by_model:
    plan.by_model(planned)
plan.power(measurements, goal.metric)
parts.assumption(measurements)
