"""Curves: one chart a metric or a small one a subject; where curves leave chance and part; any question's own."""

import streamlit as st

from e2lm_core.analysis import tables
from e2lm_core.analysis.curves import axes, crossings, smoothing, subjects
from e2lm_core.analysis.curves import words as curve_words
from e2lm_core.base import labels, phrasing
from e2lm_core.base.records import BOUNDED_METRICS, METRICS, SHARES
from e2lm_core.charts import curves as curve_charts
from e2lm_core.charts import subjects as subject_charts
from e2lm_core.scores import set_scores
from e2lm_core.ui import parts, session
from e2lm_core.ui.frame import window
from e2lm_core.ui.remembered import curves as remembered_curves
from e2lm_core.ui.remembered import results
from e2lm_core.ui.strip import strip

WHOLE, SPLIT = "all questions", "by subject"
task = strip()
state = results.state(task)
measured = results.measurements(task)
metric = st.session_state.get("curves_metric") or "acc"

if not measured.measured:
    parts.header("Curves", "There are no curves yet.")
    parts.empty("Run this set on Run, and every model's curve appears here, coarse points first.")
    st.page_link("pages/run.py", label="Choose checkpoints", icon=":material/play_circle:")
    st.stop()

narrow, names = window.narrow(), [curve.model.name for curve in measured.curves]
above, pair = remembered_curves.above_chance(measured, metric), curve_words.telling_pair(measured)
parted = remembered_curves.parted(measured, metric, *pair) if pair else None
parts.header(
    "Curves", curve_words.curves(measured, metric, above, parted, curve_words.rise(measured, metric))
)
with st.container(horizontal=not narrow, vertical_alignment="bottom", gap="medium"):
    metric = st.segmented_control(
        "Metric",
        METRICS,
        default="acc",
        required=True,
        key="curves_metric",
        help="\n\n".join(f"**{m}**: {h}" for m, h in labels.METRIC_HELP.items()),
    )
    kind = st.segmented_control(
        "Over",
        axes.KINDS,
        default="tokens",
        required=True,
        key="curves_x",
        format_func=axes.LABEL.get,
        help="\n\n".join(f"**{axes.LABEL[k]}**: {h}" for k, h in axes.HELP.items()),
    )
    view = st.segmented_control("Show", (WHOLE, SPLIT), default=WHOLE, required=True, key="curves_view")
with (
    st.expander("What is drawn", icon=":material/tune:")
    if narrow
    else st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
):
    hidden = st.multiselect("Leave out", names, key="curves_hidden", width=320, placeholder="no model")
    overlay = st.selectbox(
        "Smoothed line",
        smoothing.METHODS,
        index=None,
        key="curves_smooth",
        width=200,
        placeholder="none",
        disabled=view == SPLIT,
        help="Drawn over the measured points, never instead of them. "
        + " ".join(f"**{m}**: {h}." for m, h in smoothing.HELP.items()),
    )
    log = st.toggle("Log axis", key="curves_log", help="A logarithmic x axis: equal steps are equal factors.")
    bands = st.toggle(
        "95% bands",
        value=True,
        key="curves_bands",
        help="Where each point would lie for other questions of the same kind: a bootstrap over questions, the "
        "same resamples for all models.",
    )
shown = [curve.model for curve in measured.curves if curve.model.name not in hidden]
chance = measured.chance if metric in BOUNDED_METRICS else None


@st.fragment(run_every=session.POLL_S if state.kind == "running" else None)
def figure() -> None:
    now = results.measurements(task)
    frame, before = results.curves(task, now, metric, bands)
    frame, axis = axes.on_axis(frame, now, kind, log)
    before = None if before is None else axes.place(before, now, axis)
    smooth = smoothing.smooth_frame(frame, metric, overlay) if overlay else None
    parts.chart(
        curve_charts.learning_curves(
            frame,
            shown,
            metric,
            session.current_theme(),
            chance,
            set_scores.early_end(now),
            before,
            height=480,
            narrow=narrow,
            axis=axis,
            smooth=smooth,
        ),
        "curves_main",
        f"{metric} of each model against {axis.title}",
    )
    so_far = f"{now.complete_checkpoints} of {now.checkpoints} checkpoints so far. "
    st.caption(
        f"{so_far if now.complete_checkpoints < now.checkpoints else ''}{labels.METRIC_HELP[metric]} "
        f"Each point is the mean over {phrasing.count(len(task.questions), 'question')}. "
        f"{curve_words.drawing(axis, overlay)}"
    )


@st.fragment(run_every=session.POLL_S if state.kind == "running" else None)
def little_figures() -> None:
    now = results.measurements(task)
    little, others = remembered_curves.by_subject(now, metric, bands)
    axis = axes.on_axis(tables.curve_frame(now, (metric,)), now, kind, log)[1]
    placed = [own.placed(axes.place(own.frame.dropna(subset=["value"]), now, axis)) for own in little]
    parts.chart(
        subject_charts.subject_curves(
            placed,
            shown,
            metric,
            session.current_theme(),
            axis,
            narrow,
        ),
        "curves_subjects",
        f"{metric} of each model, subject by subject",
    )
    st.caption(f"{labels.METRIC_HELP[metric]} {curve_words.subjects(len(little), others, axis)}")


if view == SPLIT:
    little_figures()
else:
    figure()

tabs = st.tabs(["Above chance", "Parting", "Signal quality", "Noise", "Values", "One question"])
since = {name: st.column_config.TextColumn(help=text) for name, text in curve_words.SINCE_HELP.items()} | {
    "at the end": st.column_config.NumberColumn(format="%.1f%%", help=curve_words.SHARE_HELP)
}
with tabs[0]:
    parts.table(
        crossings.chance_table(above),
        f"above-chance-{metric}",
        "curves_above",
        few=("model", "surely from", "at the end"),
        percent=("at the end",),
        column_config=since,
    )
    st.caption(curve_words.SINCE)
with tabs[1]:
    if pair is None:
        st.caption("One model alone parts from none.")
    else:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            one = st.selectbox("Model", names, index=names.index(pair[0]), key="curves_one_model", width=280)
            other = st.selectbox(
                "and", names, index=names.index(pair[1]), key="curves_other_model", width=280
            )
        if one == other:
            st.markdown("Choose two different models.")
        elif (chosen := remembered_curves.parted(measured, metric, one, other)) is not None:
            st.markdown(curve_words.parting(measured, chosen))
        parts.table(
            crossings.parting_table(remembered_curves.all_parted(measured, metric)),
            f"parting-{metric}",
            "curves_parting",
            height=320,
            few=("higher", "lower", "surely from"),
            percent=("at the end",),
            column_config=since,
        )
with tabs[2]:
    parts.table(
        remembered_curves.quality(measured, metric),
        f"sq-{metric}",
        "curves_sq",
        few=("model", "SQ", "ρ", "AC"),
    )
with tabs[3]:
    parts.table(
        crossings.noise_table(remembered_curves.noises(measured, metric)),
        f"noise-{metric}",
        "curves_noise",
        column_config={
            name: st.column_config.NumberColumn(format="%.4f", help=text)
            for name, text in curve_words.NOISE_HELP.items()
        },
    )
    st.caption(curve_words.NOISE)
with tabs[4]:
    parts.table(
        results.curves(task, measured, metric, bands)[0].dropna(subset=["value"]),
        f"curves-{metric}",
        "curves_values",
        height=320,
        few=("model", "tokens_seen", "value"),
        percent=("value",) if metric in SHARES else (),
    )
    if view == SPLIT:
        little, _ = remembered_curves.by_subject(measured, metric, bands)
        parts.table(
            subjects.subject_table(little),
            f"subjects-{metric}",
            "curves_by_subject",
            height=320,
            few=("subject", "model", "tokens_seen", "value"),
        )
with tabs[5]:
    overview = tables.question_table(measured, task)
    picked = st.dataframe(
        overview,
        hide_index=True,
        height=300,
        placeholder=phrasing.DASH,
        column_order=("id", "acc_first", "acc_last") if narrow else None,
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
        chosen_question = task.questions[rows[0]]
        st.markdown(f"**{chosen_question.id}** · {chosen_question.question}")
        st.caption(
            " · ".join(
                f"{'● ' if i == chosen_question.answer else ''}{c}"
                for i, c in enumerate(chosen_question.choices)
            )
        )
        own = "norm_prob" if metric in SHARES else metric
        frame, axis = axes.on_axis(
            tables.question_frame(measured, chosen_question.id, own), measured, kind, log
        )
        parts.chart(
            curve_charts.learning_curves(
                frame,
                shown,
                own,
                session.current_theme(),
                1 / len(chosen_question.choices) if own == "norm_prob" else None,
                height=340,
                narrow=narrow,
                axis=axis,
            ),
            "curves_one",
            f"{own} of question {chosen_question.id}",
        )
