"""Compare: the set in hand against another set or an earlier version of itself, paired on what both share."""

import streamlit as st

from e2lm_core.analysis import tables
from e2lm_core.analysis.compare import comparison
from e2lm_core.analysis.compare import words as comparison_words
from e2lm_core.base import phrasing
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import BOUNDED_METRICS, METRICS, SHARES
from e2lm_core.charts import compare as comparison_charts
from e2lm_core.charts import curves as curve_charts
from e2lm_core.scores import set_scores
from e2lm_core.sets import collection
from e2lm_core.ui import parts, session
from e2lm_core.ui.frame import window
from e2lm_core.ui.remembered import results
from e2lm_core.ui.remembered import scores as remembered_scores
from e2lm_core.ui.strip import strip

task = strip()
measured = results.measurements(task)
metric = st.session_state.get("compare_metric") or "acc"
title = st.empty()
earlier = remembered_scores.versions(task.name)
settings = session.studio().settings
others = [i.name for i in collection.list_sets(settings) if not i.problem and i.name != task.name]
choices = [*(("version", v.number) for v in earlier), *(("set", name) for name in others)]
said = {("version", v.number): f"version {v.number}: {v.action}" for v in earlier}

if not choices:
    with title.container():
        parts.header(
            "Compare", "There is nothing to compare yet: this set was never edited, and it is the only one."
        )
    st.page_link("pages/author.py", label="Copy or edit this set", icon=":material/edit_note:")
    st.stop()

with st.container(horizontal=not window.narrow(), vertical_alignment="bottom", gap="medium"):
    against = st.selectbox(
        f"Compare {task.name} with",
        choices,
        format_func=lambda c: said.get(c, str(c[1])),
        key=f"compare_{task.name}",
        width=320,
        help="An earlier version of this set, or another set. It is the first, this set the second: differences "
        "are second minus first.",
    )
    metric = st.segmented_control("Metric", METRICS, default="acc", required=True, key="compare_metric")

kind, which = against
try:
    other = remembered_scores.version(task.name, which) if kind == "version" else session.read_set(which)
except StudioError as error:
    with title.container():
        parts.header("Compare", "The other one cannot be read.")
    st.error(str(error), icon=":material/error:")
    st.stop()
before = remembered_scores.measured_with(other, task)
names = (
    f"version {which}" if kind == "version" else which,
    "The set now" if kind == "version" else task.name,
)
compared = remembered_scores.compared(
    names, before, measured, comparison.match(other, task, versions=kind == "version"), metric
)
with title.container():
    parts.header("Compare", comparison_words.finding(compared))
for name, own in zip(names, (before, measured), strict=True):
    if own.complete_checkpoints < own.checkpoints or not own.measured:
        st.caption(
            f":material/info: {name} is complete at {own.complete_checkpoints if own.measured else 0} of this fleet's "
            f"{phrasing.count(own.checkpoints, 'checkpoint')}; what is missing there is left out of both."
        )
if not compared.means:
    parts.empty("Run both on the same checkpoints, and their differences appear here.")
    st.page_link("pages/run.py", label="Choose checkpoints", icon=":material/play_circle:")
    st.stop()

theme = session.current_theme()
models = [curve.model for curve in measured.curves]
frame, old = (tables.curve_frame(m, (metric,)) for m in (measured, before))
parts.chart(
    curve_charts.learning_curves(
        frame,
        models,
        metric,
        theme,
        measured.chance if metric in BOUNDED_METRICS else None,
        set_scores.early_end(measured),
        old,
        narrow=window.narrow(),
    ),
    "compare_curves",
    f"{metric} of each model against tokens seen, the first set's curves faint behind the second's",
)
st.caption(
    f"{names[1]} in full, {names[0]} faint in the same colours. {comparison_words.paired_words(compared)}"
)

means = comparison.mean_frame(compared)
points = list(dict.fromkeys(means["point"]))
st.subheader("What differs", anchor=False)
point = points[0]
if len(points) > 1:
    point = st.segmented_control("At the", points, default=points[0], required=True, key="compare_point")
parts.chart(
    comparison_charts.differences(means, models, metric, point, theme, window.narrow()),
    "compare_differences",
    f"Difference of each model's mean {metric} with its 95% interval",
)
st.caption(
    f"{names[1]} minus {names[0]}; lines are 95% intervals over the same resamples, the dashed line is no difference."
)

number = st.column_config.NumberColumn
in_points = ("first", "second", "difference", "low", "high") if metric in SHARES else ()
by_mean, by_score, by_question, both = st.tabs(["Means", "Scores", "Questions that differ", "Curves"])
with by_mean:
    parts.table(
        means,
        f"means-{metric}",
        "compare_means",
        few=("model", "point", "difference", "low", "high"),
        percent=(*in_points, "share"),
        column_config={
            "share": number(
                "higher in", format="%.0f%%", help="The share of resamples in which the second is higher."
            ),
            **(
                {}
                if in_points
                else {c: number(format="%.4f") for c in ("first", "second", "difference", "low", "high")}
            ),
        },
    )
with by_score:
    parts.table(
        comparison.score_frame(compared),
        f"differences-{metric}",
        "compare_scores",
        few=("score", "difference", "low", "high"),
        percent=("coverage",),
        column_config={
            **{c: number(format="%.3f") for c in ("first", "second", "difference")},
            "low": number("95% from", format="%.3f"),
            "high": number("to", format="%.3f"),
            "coverage": number(
                "measured coverage",
                format="%.0f%%",
                help="How often such an interval held the true difference in simulations (docs/comparing.md).",
            ),
            "why": st.column_config.TextColumn("why no value or no interval", width="large"),
        },
    )
with by_question:
    differing = comparison.question_frame(compared, other, task)
    if differing.empty:
        st.caption("Both hold the same questions.")
    else:
        kinds = differing["what"].value_counts()
        counts = [f"{n:,} {kind}" for kind, n in kinds.items()]
        st.caption(f"{phrasing.listing(counts)}. Values are means over the models that count, at the end.")
        parts.table(
            differing,
            f"questions-{metric}",
            "compare_questions",
            height=320,
            few=("what", "id", "difference"),
            column_config={c: number(format="%.3f") for c in ("value before", "value after", "difference")},
        )
with both:
    parts.table(
        comparison.curve_pairs(compared),
        f"curves-{metric}",
        "compare_values",
        height=320,
        few=("model", "tokens_seen", "first", "second"),
        column_config={c: number(format="%.4f") for c in ("first", "second")},
    )
