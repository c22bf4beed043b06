"""Plan: how many questions a wanted certainty takes, and how long a fleet takes over them."""

import streamlit as st

from e2lm_core.analysis.plan import plan as planning
from e2lm_core.analysis.plan import words as plan_words
from e2lm_core.base import labels
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import METRICS
from e2lm_core.charts import plan as plan_charts
from e2lm_core.runs import order as run_order
from e2lm_core.runs import state as run_state
from e2lm_core.ui import parts, session
from e2lm_core.ui.frame import window
from e2lm_core.ui.remembered import results
from e2lm_core.ui.remembered import scores as remembered_scores
from e2lm_core.ui.strip import strip

task = strip()
studio = session.studio()
measured = results.measurements(task)
title = st.empty()

if not measured.measured or len(measured.question_ids) < 2 or not measured.complete_checkpoints:
    with title.container():
        parts.header("Plan", "Plans are drawn from measured questions, and fewer than two are measured yet.")
    parts.empty(
        "Run this set first, even on a few checkpoints: what it shows says how many questions are enough."
    )
    st.page_link("pages/run.py", label="Choose checkpoints", icon=":material/play_circle:")
    st.stop()

at_hand, num_fewshot = run_state.fleet(studio, task.name)
names = [curve.model.name for curve in measured.curves]
counted = [curve.model.name for curve in measured.curves if curve.model.counts_in_scores]
left, right = (st.container(), st.container()) if window.narrow() else st.columns(2, gap="large")
with left:
    st.markdown("**What is to be known**")
    of = st.selectbox(
        "Interval of",
        planning.OF,
        index=planning.OF.index("sq"),
        format_func=planning.LABEL.get,
        key="plan_of",
        help="\n\n".join(f"**{k}**: {h}" for k, h in labels.SCORE_HELP.items() if k != "SNR"),
    )
    metric = st.segmented_control("Metric", METRICS, default="acc", required=True, key="plan_metric")
    models: list[str] = []
    if of == "mean":
        models = [st.selectbox("Model", names, key="plan_model")]
    elif of == "difference":
        models = st.multiselect(
            "Models",
            names,
            max_selections=2,
            key="plan_pair",
            placeholder="the two nearest to each other",
            help="Left empty, the two that count and lie nearest at the end: the hardest to tell apart.",
        )
    wanted = st.number_input(
        "Wanted width",
        min_value=0.001,
        max_value=20.0,
        value=0.05,
        step=0.01,
        format="%.3f",
        key=f"plan_width_{of}",
        help="The whole width of the 95% interval, from end to end: 0.05 is ± 2.5 points of accuracy.",
    )
with right:
    st.markdown("**On which fleet**")
    which_fleet = {"own": "This set's runs", "e2lm": "E2LM's six models"}
    which = st.segmented_control(
        "Fleet",
        list(which_fleet),
        default="own",
        required=True,
        format_func=which_fleet.get,
        key="plan_fleet",
    )
    chosen = list(at_hand)
    if which == "own":
        picked = st.pills(
            "Models of the fleet",
            names,
            selection_mode="multi",
            default=names,
            key=f"plan_models_{task.name}",
            format_func=lambda n: measured.curve_of(n).model.short_name,
            wrap=True,
        )
        density = st.segmented_control(
            "Checkpoints of each", list(run_order.DENSITIES), default="all", required=True, key="plan_density"
        )
        chosen = run_order.thin([c for c in at_hand if c.model.name in picked], density)
    else:
        st.caption(
            "The width is taken from this set's own runs; only the time is that of the other fleet, scaled by parameters."
        )
    seconds = st.number_input(
        "Seconds a question on one checkpoint",
        min_value=0.0,
        value=0.0,
        step=0.01,
        format="%.4f",
        key="plan_pace",
        help="0 takes the pace of this machine's earlier runs. Give your own for another device.",
    )

try:
    planned = run_state.plan_for(
        studio,
        measured,
        chosen,
        num_fewshot,
        planning.Goal(of, metric, wanted, tuple(models)),
        family=None if which == "own" else which,
        seconds=seconds or None,
        simulated=lambda _, metric, target: remembered_scores.widths(
            measured, tuple(c.name for c in chosen), metric, target
        ),
    )
except StudioError as error:
    with title.container():
        parts.header("Plan", "This cannot be planned for.")
    st.warning(str(error), icon=":material/info:")
    st.stop()

with title.container():
    parts.header("Plan", plan_words.finding(planned))
parts.chart(
    plan_charts.widths(planned, session.current_theme(), window.narrow()),
    "plan_widths",
    f"Width of the 95% interval of {planned.subject} against the number of questions",
)
st.caption(
    f"Sets of each size are drawn from the {planned.measured:,} measured questions, and each gets the interval that these "
    "pages would show. Beyond that number it is a forecast: it holds if further questions are like these."
)
if planned.widths.why and planned.questions is not None:
    st.caption(f":material/info: Small sets have no width here: {planned.widths.why}")
if planned.pace is None:
    st.info(
        "No run on this machine yet, so its pace is not known: a first run measures it.",
        icon=":material/timer:",
    )
    st.page_link("pages/run.py", label="Make a first run", icon=":material/play_circle:")
else:
    st.caption(f"Pace: {planned.pace.source}.")

by_size, by_model = st.tabs(["By size", "By model"])
number = st.column_config.NumberColumn
with by_size:
    parts.table(
        plan_words.size_frame(planned),
        f"plan-{of}-{metric}",
        "plan_sizes",
        few=("questions", "width", "seconds"),
        column_config={
            "questions": number(format="localized"),
            "width": number("width of the 95% interval", format="%.4f"),
            "expected": number(
                "expected value",
                format="%.4f",
                help="What a set of that size is expected to show: noise lowers SQ.",
            ),
            "seconds": number("seconds in all", format="%.0f"),
        },
    )
with by_model:
    parts.table(
        plan_words.fleet_frame(planned),
        f"plan-fleet-{of}",
        "plan_fleet",
        few=("model", "checkpoints", "seconds"),
        column_config={
            "parameters": number(format="compact"),
            "seconds a question": number(format="%.4f"),
            "seconds": number("seconds in all", format="%.0f"),
        },
    )
