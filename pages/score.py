"""Score: the composite and its parts with their intervals, beside the example sets, and what would raise it most."""

import streamlit as st

from e2lm_core.analysis import standing
from e2lm_core.analysis.score import words as score_words
from e2lm_core.ui.analysis import score
from e2lm_core.ui.frame import parts
from e2lm_core.ui.frame.strip import shown, strip
from e2lm_core.ui.remembered import scores as remembered

task = strip()
measurements = shown(task).measurements
metric = parts.metric_chosen(score.METRIC)
if not measurements.measured or (unfinished := standing.unfinished(measurements)):
    parts.header("Score", "There is no score yet." if not measurements.measured else str(unfinished))
    parts.run_first("Run this set on Run; the scores follow when all checkpoints are there.")

scores, bounds, advice = remembered.scored(measurements, metric)
parts.header("Score", score_words.finding(scores, metric))
score.controls()
score.cards(scores)
bars = score.bars(task, scores, metric)
score.what_would_raise_it(advice)

every_score, by_model, drawn = st.tabs(score.TABS)
with every_score:
    score.every_score(measurements, scores, metric, bounds)
with by_model:
    score.by_model(measurements, metric)
with drawn:
    parts.table(bars, f"score-bars-{metric}", "score_drawn", few=("set", "part", "contribution"), of=(bars,))

score.the_competition()
score.published_sets()
parts.assumption(measurements)
