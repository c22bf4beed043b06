"""Curves: one chart a metric, its table beside it, and any question's own curves."""

import streamlit as st

from e2lm_core import analysis, charts, frames, headlines, phrasing
from e2lm_core.records import BOUNDED_METRICS, METRICS
from e2lm_core.ui import parts, session, window
from e2lm_core.ui.strip import strip

task = strip()
state = session.state(task)
measured = session.measurements(task)
metric = st.session_state.get("curves_metric") or "acc"

if not measured.measured:
    parts.header("Curves", "There are no curves yet.")
    parts.empty("Run this set on Run, and every model's curve appears here, coarse points first.")
    st.page_link("pages/run.py", label="Choose checkpoints", icon=":material/play_circle:")
    st.stop()

parts.header("Curves", headlines.curves(measured, metric))
with st.container(horizontal=not window.narrow(), vertical_alignment="bottom", gap="medium"):
    metric = st.segmented_control(
        "Metric", METRICS, default="acc", required=True, key="curves_metric", help="\n\n".join(f"**{m}**: {h}" for m, h in phrasing.METRIC_HELP.items())
    )  # fmt: skip
    names = [curve.model.name for curve in measured.curves]
    hidden = st.multiselect("Leave out", names, key="curves_hidden", width=320, placeholder="no model")
    bands = st.toggle(
        "95% bands", value=True, key="curves_bands",
        help="Where each point would lie for other questions of the same kind: a bootstrap over questions, the "
        "same resamples for all models.",
    )  # fmt: skip
shown = [curve.model for curve in measured.curves if curve.model.name not in hidden]
chance = measured.chance if metric in BOUNDED_METRICS else None


@st.fragment(run_every=session.POLL_S if state.kind == "running" else None)
def figure() -> None:
    now = session.measurements(task)
    frame, before = session.curves(task, now, metric, bands)
    parts.chart(
        charts.learning_curves(
            frame, shown, metric, session.current_theme(), chance, analysis.early_end(now), before, height=480,
            narrow=window.narrow(),
        ),
        "curves_main",
        f"{metric} of each model against tokens seen",
    )  # fmt: skip
    so_far = f"{now.complete_checkpoints} of {now.checkpoints} checkpoints so far. "
    st.caption(
        f"{so_far if now.complete_checkpoints < now.checkpoints else ''}{phrasing.METRIC_HELP[metric]} "
        f"Each point is the mean over {phrasing.count(len(task.questions), 'question')}."
    )


figure()

frame = session.curves(task, measured, metric, bands)[0].dropna(subset=["value"])
points, quality, question = st.tabs(["Signal quality", "Values", "One question"])
with points:
    parts.table(
        session.quality(measured, metric), f"sq-{metric}", "curves_sq", few=("model", "SQ", "ρ", "AC")
    )
with quality:
    parts.table(
        frame, f"curves-{metric}", "curves_values", height=320, few=("model", "tokens_seen", "value"),
        percent=("value",) if metric in ("acc", "acc_norm") else (),
    )  # fmt: skip
with question:
    overview = frames.question_table(measured, task)
    picked = st.dataframe(
        overview,
        hide_index=True,
        height=300,
        placeholder=phrasing.DASH,
        column_order=("id", "acc_first", "acc_last") if window.narrow() else None,
        on_select="rerun",
        selection_mode="single-row",
        key="curves_question",
        column_config={
            "acc_first": st.column_config.NumberColumn("acc, first", format="percent"),
            "acc_last": st.column_config.NumberColumn("acc, last", format="percent"),
            "acc_curve": st.column_config.LineChartColumn("acc", y_min=0, y_max=1),
            "norm_prob_first": st.column_config.NumberColumn("norm_prob, first", format="%.3f"),
            "norm_prob_last": st.column_config.NumberColumn("norm_prob, last", format="%.3f"),
            "norm_prob_curve": st.column_config.LineChartColumn("norm_prob", y_min=0, y_max=1),
        },
    )
    rows = picked.selection.rows
    if not rows:
        st.caption("Select a question to see its own curves. Means are over the models that count in scores.")
    else:
        chosen = task.questions[rows[0]]
        st.markdown(f"**{chosen.id}** · {chosen.question}")
        st.caption(
            " · ".join(f"{'● ' if i == chosen.answer else ''}{c}" for i, c in enumerate(chosen.choices))
        )
        own = "norm_prob" if metric in ("acc", "acc_norm") else metric
        parts.chart(
            charts.learning_curves(
                frames.question_frame(measured, chosen.id, own), shown, own, session.current_theme(),
                1 / len(chosen.choices) if own == "norm_prob" else None, analysis.early_end(measured), height=340,
                narrow=window.narrow(),
            ),
            "curves_one",
            f"{own} of question {chosen.id}",
        )  # fmt: skip
