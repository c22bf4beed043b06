"""Tab Accuracy.

Tested in tests/pages/test_curves.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd
import streamlit as st

from e2lm_core.analysis import leads, tables, validity
from e2lm_core.analysis.answers import Answers
from e2lm_core.analysis.curves import axes, noises, onsets, smoothing, subjects
from e2lm_core.analysis.curves import messages as curve_words
from e2lm_core.base import formatting, labels
from e2lm_core.base.records import BOUNDED_METRICS, SHARES, ModelInfo, TaskSet
from e2lm_core.base.sentences import NONE, Sentence, joined
from e2lm_core.charts import curves as curve_charts
from e2lm_core.charts import subjects as subject_charts
from e2lm_core.charts.palette import Looks, assign_looks
from e2lm_core.runs.fleets import OpenFleet
from e2lm_core.runs.messages.fleets import fleet_label
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown, viewport
from e2lm_core.ui.cache import curves as remembered
from e2lm_core.ui.cache import element_replay, results
from e2lm_core.ui.places import two_models

METRIC = "curves_metric"
TABS = (
    language.mark("Above chance"),
    language.mark("Telling models apart"),
    language.mark("Signal quality"),
    language.mark("Noise"),
    language.mark("Values"),
)
_SINCE = {
    name: st.column_config.TextColumn(
        curve_words.SINCE_LABEL.get(name, name), help=curve_words.SINCE_HELP[name]
    )
    for name in curve_words.SINCE_HELP
} | {"at the end": st.column_config.NumberColumn(format="%.1f%%", help=curve_words.SHARE_HELP)}


@dataclass(frozen=True)
class View:
    """The visitor's choice of content and form of the chart.

    Attributes:
        metric: Name of a metric.
        kind: Kind of the x axis.
        by_subject: Draw one small chart for each subject.
        models: Models to draw.
        overlay: Method of the smoothed line; None for none.
        log: Use a logarithmic x axis.
        bands: Draw 95% intervals.
        looks: Looks of all models of the set, so that leaving one out recolours no other.
    """

    metric: str
    kind: axes.Kind
    by_subject: bool
    models: list[ModelInfo]
    overlay: smoothing.Method | None
    log: bool
    bands: bool
    looks: Looks

    @property
    def cache_key(self) -> tuple[object, ...]:
        """The view as a key of plain values, with the models' names."""
        shown = tuple(model.name for model in self.models)
        return (self.metric, self.kind, self.by_subject, shown, self.overlay, self.log, self.bands)

    def on_axis(self, frame: pd.DataFrame, measurements: Measurements) -> tuple[pd.DataFrame, axes.Axis]:
        """Table with its points placed on the chosen axis, and that axis."""
        return axes.with_x_column(frame, measurements, self.kind, self.log)


def headline(measurements: Measurements, metric: str) -> str:
    """Headline of all questions: rise of the curves, models above chance, a pair that differs reliably."""
    above, pair = (
        remembered.above_chance(measurements, metric),
        two_models.current_answer(measurements, metric),
    )
    rise = curve_words.rise_sentence(measurements, metric)
    silent = validity.meaningless_reason(measurements)
    return curve_words.headline(measurements, metric, above, pair, rise, silent)


def subjects_headline(task: TaskSet, metric: str) -> None:
    """Draw the headline of the subjects: highest and lowest at the end; redrawn while a run goes on."""
    st.fragment(_subjects_said, run_every=widgets.run_poll_interval(task))(task, metric)


def _subjects_said(task: TaskSet, metric: str) -> None:
    now = results.live(task).measurements
    widgets.headline(curve_words.subjects_headline(now, metric, *remembered.by_subject(now, metric, False)))


# --- what is drawn ----------------------------------------------------------------------------------------


def controls(measurements: Measurements, by_subject: bool = False) -> View:
    """Draw the controls above the chart of all questions, or above the charts by subject."""
    narrow = viewport.is_narrow()
    with st.container(horizontal=not narrow, vertical_alignment="bottom", gap="medium"):
        metric, kind = _metric_and_axis()
    with (
        st.expander(language.translate("What is drawn"), icon=":material/tune:")
        if narrow
        else st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    ):
        models = _models(measurements)
        overlay = None if by_subject else _overlay()
        log = st.toggle(
            language.translate("Log axis"),
            key="curves_log",
            help=language.translate("A logarithmic x axis: equal steps are equal factors."),
        )
        bands = st.toggle(
            language.translate("95% bands"),
            value=True,
            key="curves_bands",
            help=language.translate(
                "Where each point would lie for other questions of the same kind: a bootstrap over questions, the "
                "same resamples for all models."
            ),
        )
    return View(metric, kind, by_subject, models, overlay, log, bands, _looks(measurements))


def plain_view(measurements: Measurements) -> View:
    """Draw the controls above a single question's curves: metric and x axis."""
    with st.container(horizontal=not viewport.is_narrow(), vertical_alignment="bottom", gap="medium"):
        metric, kind = _metric_and_axis()
    models = [curve.model for curve in measurements.curves]
    return View(metric, kind, False, models, None, False, False, _looks(measurements))


def _metric_and_axis() -> tuple[str, axes.Kind]:
    metric = widgets.metric_control(METRIC, explained=True)
    kind = st.segmented_control(
        language.translate("Over"),
        axes.KINDS,
        default="tokens",
        required=True,
        key="curves_x",
        format_func=lambda kind: language.translate(axes.LABEL[kind]),
        help=widgets.explained_lines({language.translate(axes.LABEL[k]): h for k, h in axes.HELP.items()}),
    )
    return metric, kind


def _looks(measurements: Measurements) -> Looks:
    return assign_looks(curve.model for curve in measurements.curves)


def _models(measurements: Measurements) -> list[ModelInfo]:
    names = [curve.model.name for curve in measurements.curves]
    hidden = st.multiselect(
        language.translate("Leave out"),
        names,
        key="curves_hidden",
        width=320,
        placeholder=language.translate("no model"),
    )
    return [curve.model for curve in measurements.curves if curve.model.name not in hidden]


def _overlay() -> smoothing.Method | None:
    return st.selectbox(
        language.translate("Smoothed line"),
        smoothing.METHODS,
        index=None,
        key="curves_smooth",
        width=200,
        placeholder=language.translate(NONE),
        format_func=lambda method: language.translate(smoothing.LABEL[method]),
        help=markdown.safe_sentence(
            joined(
                (
                    Sentence("Drawn over the measured points, never instead of them."),
                    *(
                        Sentence(
                            "**{method}**: {line}.",
                            method=smoothing.LABEL[method],
                            line=smoothing.HELP[method],
                        )
                        for method in smoothing.METHODS
                    ),
                )
            )
        ),
    )


# --- the charts -------------------------------------------------------------------------------------------


def chart(task: TaskSet, view: View) -> None:
    """Draw one chart of all questions, or a small one for each subject with a table.

    It is redrawn while a run goes on.
    """
    draw = _by_subject if view.by_subject else _whole
    redrawn = st.fragment(draw, run_every=widgets.run_poll_interval(task))
    other = None if view.by_subject else _other_group(task)
    if other is None:
        redrawn(task, view)
        return
    measured = results.measure(task, *other.run_arguments)
    for column, fleet in zip(st.columns(2), (results.fleet(task), other), strict=True):
        with column:
            markdown.markdown(markdown.fill_template("**{group}**", group=fleet_label(fleet.name)))
            if fleet is other:
                _beside(len(task.questions), measured, view)
            else:
                redrawn(task, view)


def _other_group(task: TaskSet) -> OpenFleet | None:
    """Draw the choice of a group to show beside the set's; None without another one."""
    others = {fleet.name: fleet for fleet in results.all_fleets(task)[1:]}
    if not others:
        return None
    picked = st.selectbox(
        language.translate("Beside it"),
        list(others),
        index=None,
        format_func=fleet_label,
        placeholder=language.translate("another model group"),
        key="curves_group",
        width=260,
    )
    return others.get(picked) if picked else None


def _beside(questions: int, measured: Measurements, view: View) -> None:
    """Draw the curves of another group, with the same metric and axis."""
    if not measured.complete_pairs:
        markdown.caption("The set has no results on this group: run it on Models and runs.")
        return
    every = replace(view, models=[curve.model for curve in measured.curves], looks=_looks(measured))
    frame = results.answer(Answers.curves, measured, view.metric, view.bands)
    element_replay.once(
        ("curves beside", measured, *every.cache_key),
        lambda: _drawn(questions, measured, every, frame, None, "curves_beside"),
    )


def _whole(task: TaskSet, view: View) -> None:
    now, metric = results.live(task).measurements, view.metric
    frame, before = results.curves(task, now, metric, view.bands)
    element_replay.once(
        ("curves", now, before, *view.cache_key),
        lambda: _drawn(len(task.questions), now, view, frame, before),
    )


def _drawn(
    questions: int,
    now: Measurements,
    view: View,
    frame: pd.DataFrame,
    before: pd.DataFrame | None,
    key: str = "curves_main",
) -> None:
    metric = view.metric
    if not now.has_curve:
        widgets.empty_state(curve_words.NO_CURVE)
        return
    frame, axis = view.on_axis(frame, now)
    if missing := curve_words.omitted_models_note(axis):
        markdown.info(missing, icon=":material/visibility_off:")
    widgets.chart(
        curve_charts.learning_curves(
            curve_charts.CurvePlot(
                frame,
                view.models,
                metric,
                session.current_theme(),
                chance=now.chance if metric in BOUNDED_METRICS else None,
                early_end=set_scores.early_end(now),
                before=None if before is None else axes.place_on_axis(before, now, axis),
                height=480,
                narrow=viewport.is_narrow(),
                axis=axis,
                smooth=smoothing.smooth_frame(frame, metric, view.overlay) if view.overlay else None,
                looks=view.looks,
            )
        ),
        key,
        language.translate("{metric} of each model against {axis}", metric=metric, axis=axis.title),
    )
    notes = (curve_words.progress_note(now), curve_words.axis_note(axis, view.overlay))
    if noted := joined(filter(None, notes)):
        markdown.caption(noted)
    widgets.how_computed(
        joined(
            (
                Sentence(labels.METRIC_HELP[metric]),
                Sentence(
                    "Each point is the mean over {questions}.",
                    questions=formatting.count(questions, "question"),
                ),
            )
        )
    )


def _by_subject(task: TaskSet, view: View) -> None:
    now = results.live(task).measurements
    element_replay.once(("by subject", now, *view.cache_key), lambda: _drawn_by_subject(now, view))
    if so_far := curve_words.progress_note(now):
        markdown.caption(so_far)
    _subject_values(now, view)


def _drawn_by_subject(now: Measurements, view: View) -> None:
    metric = view.metric
    if not now.has_curve:
        widgets.empty_state(curve_words.NO_CURVE)
        return
    curves, others = remembered.by_subject(now, metric, view.bands)
    axis = view.on_axis(tables.curve_frame(now, (metric,)), now)[1]
    if missing := curve_words.omitted_models_note(axis):
        markdown.info(missing, icon=":material/visibility_off:")
    placed = [
        one.with_x_column(axes.place_on_axis(one.frame.dropna(subset=["value"]), now, axis)) for one in curves
    ]
    widgets.chart(
        subject_charts.subject_curves(
            placed, view.models, metric, session.current_theme(), axis, viewport.is_narrow(), view.looks
        ),
        "curves_subjects",
        language.translate("{metric} of each model, subject by subject", metric=metric),
    )
    note = curve_words.subject_panels_note(len(curves), others, axis)
    markdown.caption(joined((Sentence(labels.METRIC_HELP[metric]), note)))


# --- the tables -------------------------------------------------------------------------------------------


def above_chance_table(measurements: Measurements, metric: str) -> None:
    """Draw a table of the first checkpoint reliably above chance, for each model."""
    widgets.table(
        lambda: onsets.chance_table(remembered.above_chance(measurements, metric)),
        f"above-chance-{metric}",
        "curves_above",
        phone_columns=("model", "surely from", "on these questions from"),
        percent=("at the end",),
        column_config=_SINCE,
        inputs=(measurements,),
    )
    widgets.how_computed(curve_words.SINCE)


def separation_table(measurements: Measurements, metric: str) -> None:
    """Draw the answer for the chosen pair of models, and the leads of all pairs."""
    two_models.draw(measurements, metric, "curves")
    if len(measurements.curves) < 2:
        return
    widgets.table(
        lambda: onsets.separation_table(remembered.all_separations(measurements, metric)),
        f"parting-{metric}",
        "curves_parting",
        height=320,
        phone_columns=("higher", "lower", "on these questions from"),
        percent=("at the end", *(curve_words.LEAD_LABEL if metric in SHARES else ())),
        column_config=_SINCE
        | {
            name: st.column_config.NumberColumn(
                curve_words.LEAD_LABEL[name], format="%.1f" if metric in SHARES else "%.3f"
            )
            for name in curve_words.LEAD_LABEL
        },
        inputs=(measurements,),
    )
    widgets.how_computed(leads.HELP)


def signal_quality_table(measurements: Measurements, metric: str, key: str) -> None:
    """Draw signal quality and its parts by model, under a key."""
    widgets.table(
        lambda: results.quality(measurements, metric),
        f"sq-{metric}",
        key,
        phone_columns=("model", "SQ", "ρ", "AC"),
        inputs=(measurements,),
    )


def noise_table(measurements: Measurements, metric: str) -> None:
    """Draw the noise between neighbouring checkpoints, beside the noise by the choice of questions."""
    widgets.table(
        lambda: noises.noise_frame(remembered.noises(measurements, metric)),
        f"noise-{metric}",
        "curves_noise",
        column_config={
            name: st.column_config.NumberColumn(format="%.4f", help=curve_words.NOISE_HELP[name])
            for name in curve_words.NOISE_HELP
        },
        inputs=(measurements,),
        undefined=curve_words.NO_NOISE,
    )
    widgets.how_computed(curve_words.NOISE)


def point_table(task: TaskSet, measurements: Measurements, view: View) -> None:
    """Draw a table of all drawn points."""
    metric = view.metric
    frame = results.curves(task, measurements, metric, view.bands)[0]
    widgets.table(
        lambda: frame.dropna(subset=["value"]),
        f"curves-{metric}",
        "curves_values",
        height=320,
        phone_columns=("model", "tokens_seen", "value"),
        percent=("value", "low", "high") if metric in SHARES else (),
        inputs=(measurements, metric, view.bands),
    )


def _subject_values(measurements: Measurements, view: View) -> None:
    """Draw a table of all drawn points by subject."""
    curves, _ = remembered.by_subject(measurements, view.metric, view.bands)
    widgets.table(
        lambda: subjects.subject_table(curves),
        f"subjects-{view.metric}",
        "curves_by_subject",
        height=320,
        phone_columns=("subject", "model", "tokens_seen", "value"),
        percent=("value", "low", "high") if view.metric in SHARES else (),
        inputs=(measurements, view.bands),
    )
