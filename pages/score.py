"""Score: the composite and its parts with their intervals, beside the example sets, and what would raise it most."""

import pandas as pd
import streamlit as st

from e2lm_core.analysis.score import parts as score_parts
from e2lm_core.analysis.score import published
from e2lm_core.analysis.score import words as score_words
from e2lm_core.base import labels
from e2lm_core.base.records import METRICS
from e2lm_core.charts import score as score_charts
from e2lm_core.ui import parts, session
from e2lm_core.ui.frame import window
from e2lm_core.ui.remembered import results
from e2lm_core.ui.remembered import scores as remembered_scores
from e2lm_core.ui.strip import strip

task = strip()
measured = results.measurements(task)
metric = st.session_state.get("score_metric") or "acc"

if not (measured.measured and measured.complete_checkpoints):
    parts.header("Score", "There is no score yet.")
    parts.empty("Run this set on Run; the scores follow when whole checkpoints are there.")
    st.page_link("pages/run.py", label="Choose checkpoints", icon=":material/play_circle:")
    st.stop()

scores, bounds, advice = remembered_scores.scored(measured, metric, in_hand=True)
parts.header("Score", score_words.finding(scores, metric))
st.segmented_control(
    "Metric",
    METRICS,
    default="acc",
    required=True,
    key="score_metric",
    help="\n\n".join(f"**{m}**: {h}" for m, h in labels.METRIC_HELP.items()),
)

with st.grid(4, min_column_width=150):
    for label, value in (("Score", scores.score), ("SQ", scores.sq), ("RC", scores.rc), ("CS", scores.cs)):
        parts.score(label, value)

examples, lacking = remembered_scores.examples(task)
others = {name: remembered_scores.scored(own, metric)[0] for name, own in examples.items()}
bars = pd.concat(
    [score_parts.bar_frame(name, own) for name, own in {task.name: scores, **others}.items()],
    ignore_index=True,
)
parts.chart(
    score_charts.score_bars(bars, session.current_theme(), window.narrow()),
    "score_bars",
    "The Score of this set and of the example sets as stacked bars of its three parts",
)
st.caption(
    "From left to right SQ, RC and CS, each times its weight. Above a bar, the thick line is the 95% interval of the whole; below it, "
    "thin lines are those of the parts, each about its segment's end. The parts move together, so theirs do not add up."
)
for sentence in lacking:
    st.caption(f":material/info: {sentence}")

st.subheader("What would raise it most", anchor=False)
st.markdown("\n".join(f"- {sentence}" for sentence in score_words.sentences(advice)))
st.caption(score_words.IN_SAMPLE)
st.page_link("pages/questions.py", label="Choose on Questions", icon=":material/checklist:")

every, by_model, removed, drawn = st.tabs(["Every score", "SQ by model", "Questions left out", "The bars"])
with every:
    parts.table(
        score_parts.score_frame(measured, scores, metric, bounds),
        f"scores-{metric}",
        "score_every",
        few=("score", "value", "low", "high"),
        percent=("coverage",),
        column_config={
            "low": st.column_config.NumberColumn(
                "95% from", format="%.3f", help=labels.PART_HELP["interval"]
            ),
            "high": st.column_config.NumberColumn("to", format="%.3f"),
            "value": st.column_config.NumberColumn("value", format="%.3f"),
            "coverage": st.column_config.NumberColumn(
                "measured coverage",
                format="%.0f%%",
                help="How often such an interval held in simulations (docs/uncertainty.md).",
            ),
            "why": st.column_config.TextColumn("why no value or no interval", width="large"),
        },
    )
with by_model:
    parts.table(
        results.quality(measured, metric), f"sq-{metric}", "score_models", few=("model", "SQ", "ρ", "AC")
    )
with removed:
    parts.table(
        score_parts.removal_frame(advice),
        f"left-out-{metric}",
        "score_removed",
        column_config={
            "value without it": st.column_config.NumberColumn(
                f"{labels.SCORES[advice.of or 'score']} without it", format="%.4f"
            ),
            "gain": st.column_config.NumberColumn("gain, in-sample", format="%.4f"),
        },
    )
with drawn:
    parts.table(bars, f"score-bars-{metric}", "score_drawn", few=("set", "part", "contribution"))

st.subheader("The competition's words, and our reading", anchor=False)
for name, (words, reading) in score_words.SAID_BY_THE_COMPETITION.items():
    st.markdown(f"**{labels.SCORES[name]}**: “{words}”. {reading}")

with st.container(border=True):
    st.subheader("Published sets · :orange[not comparable]", anchor=False)
    st.caption(
        "Other models and other hidden checkpoints: these numbers stand apart from yours and cannot be set against them."
    )
    figures = published.published_figures()
    frame = score_charts.published_frame(figures)
    parts.chart(
        score_charts.published_bars(frame, session.current_theme(), window.narrow()),
        "score_published",
        "Published figures of other sets, not comparable",
    )
    st.caption(
        f"Hatched: half the SQ; dotted: the rest of a published total, in which RC and CS are not told apart. "
        f"Source of the total: {figures.totals[0].source}. Without a total: {figures.curve_means_source}."
    )
    parts.table(frame, "published", "score_published", few=("benchmark", "SQ", "total"))
