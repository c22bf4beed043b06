"""Curves: one chart a metric or a small one a subject; where curves leave chance and part; any question's own."""

import streamlit as st

from e2lm_core.ui.analysis import curves
from e2lm_core.ui.frame import parts
from e2lm_core.ui.frame.strip import shown, strip

task = strip()
measurements = shown(task).measurements
if not measurements.measured:
    parts.header("Curves", "There are no curves yet.")
    parts.run_first("Run this set on Run, and every model's curve appears here, coarse points first.")

parts.header("Curves", curves.finding(measurements, parts.metric_chosen(curves.METRIC)))
view = curves.controls(measurements)
curves.chart(task, view)

above_chance, parting, quality, noise, values, one_question = st.tabs(curves.TABS)
with above_chance:
    curves.above_chance(measurements, view.metric)
with parting:
    curves.parting(measurements, view.metric)
with quality:
    curves.quality(measurements, view.metric)
with noise:
    curves.noise(measurements, view.metric)
with values:
    curves.values(task, measurements, view)
with one_question:
    curves.one_question(task, measurements, view)
parts.assumption(measurements)
