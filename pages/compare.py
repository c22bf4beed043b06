"""Compare: the set in hand against another set or an earlier version of itself, paired on what both share."""

import streamlit as st

from e2lm_core.analysis.compare import comparison
from e2lm_core.analysis.compare import words as comparison_words
from e2lm_core.base.errors import StudioError
from e2lm_core.ui.analysis import compare
from e2lm_core.ui.frame import parts, say
from e2lm_core.ui.frame.strip import shown, strip
from e2lm_core.ui.remembered import scores as remembered

task = strip()
here = shown(task)
task, measurements = here.task, here.measurements
title = st.empty()

others = compare.choices(here)
if not others:
    with title.container():
        parts.header(
            "Compare", "There is nothing to compare yet: this set was never edited, and it is the only one."
        )
    compare.nothing_to_compare()

other, metric = compare.controls(task, others)
try:
    first, compared = compare.compared(task, measurements, other, metric)
except StudioError as error:
    with title.container():
        parts.header("Compare", "The other one cannot be read.")
    say.error(error, icon=":material/error:")
    st.stop()

with title.container():
    parts.header("Compare", comparison_words.finding(compared))
compare.what_is_missing(compared)
if not compared.means:
    parts.run_first("Run both on the same checkpoints, and their differences appear here.")

means = remembered.of_comparison(compared, "means", lambda: comparison.mean_frame(compared))
compare.curves(compared)
compare.differences(compared, means)

by_mean, by_score, by_question, both_curves = st.tabs(compare.TABS)
with by_mean:
    compare.mean_table(means, metric)
with by_score:
    compare.score_table(compared)
with by_question:
    compare.question_table(compared, first, task)
with both_curves:
    compare.curve_table(compared)
parts.assumption(measurements)
