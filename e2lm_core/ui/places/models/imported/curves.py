"""Curves of imported results.

Tested in tests/pages/test_results.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from e2lm_core.analysis import tables
from e2lm_core.analysis.answers import Answers
from e2lm_core.base import formatting
from e2lm_core.base.records import BOUNDED_METRICS, METRICS, ModelInfo, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.charts import imported as imported_charts
from e2lm_core.imported import messages as imported_words
from e2lm_core.imported import scores
from e2lm_core.imported.records import SAME_METRIC, Curve, Imported
from e2lm_core.scores.measurements import Measurements
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown, page_cache, viewport
from e2lm_core.ui.cache import results
from e2lm_core.ui.places import rc_reading
from e2lm_core.ui.places.models.imported import current
from e2lm_core.ui.places.models.imported.current import OpenResults

MAX_CURVES = 8  # drawn by default; more can be chosen
_NUMBER = st.column_config.NumberColumn
_ABOUT_OWN_RUNS = language.mark(
    "Your results of the selected set, on the same metric. Only curves of the same questions "
    "can be compared point by point."
)


@dataclass(frozen=True)
class View:
    """One metric of one task of imported results.

    Attributes:
        opened: The open results.
        task: Name of the task.
        metric: Name of the metric in the results.
        own_runs: The studio's own results to draw beside them; None if they are not drawn.
    """

    opened: OpenResults
    task: str
    metric: str
    own_runs: Measurements | None

    @property
    def imported(self) -> Imported:
        """The results of the curves."""
        return self.opened.imported

    @property
    def same_metric(self) -> str:
        """The studio's own name of the metric, or the metric's name if it has none."""
        return SAME_METRIC.get(self.metric, self.metric)

    @property
    def sampled(self) -> Measurements | None:
        """Measurements from the task's samples, for every question; None without samples."""
        return self.imported.measured[self.run_variants[0]] if self.run_variants else None

    @property
    def run_variants(self) -> list[str]:
        """Names of the measurements from the task's samples: several if it was run in several ways."""
        return [name for name, m in self.imported.measured.items() if m.task == self.task]


def curves(results_open: OpenResults, task: TaskSet) -> None:
    """Draw the curves of one task and metric, on request with the studio's own runs, and their tables."""
    view = _controls(results_open, task)
    imported_curves = view.imported.curves_of(view.task, view.metric)
    models = scores.models(imported_curves)
    chosen = _choose_models(view, [model.name for model in models])
    markdown.markdown(imported_words.headline(imported_curves))
    frame = scores.curve_frame(imported_curves)
    bands = _bands(view)
    if bands is not None:
        frame = frame.merge(bands, on=["model", "step"], how="left")
    own: list[tuple[str, ModelInfo]] = []
    if view.own_runs is not None:
        own = _choose_own(view, view.own_runs, models)
        frame = pd.concat([frame, _own_frame(view, view.own_runs, own)], ignore_index=True)
    left_out = {model.name for model in models} - set(chosen)
    styles = imported_charts.curve_styles(models, own)
    _chart(view, frame, {name: style for name, style in styles.items() if name not in left_out})
    markdown.caption(_about(view, bands is not None))
    if view.sampled is not None and view.same_metric in METRICS:
        _scores(view.sampled, view.same_metric)
        if len(view.run_variants) > 1:
            markdown.caption(
                Sentence(
                    "The scores are of {name} alone; other samples: {others}.",
                    name=view.run_variants[0],
                    others=formatting.join_words(view.run_variants[1:]),
                )
            )
    _tables(view, imported_curves, frame)


# --- what to draw -----------------------------------------------------------------------------------------


def _controls(results_open: OpenResults, task: TaskSet) -> View:
    imported, key = results_open.imported, results_open.key
    with st.container(horizontal=not viewport.is_narrow(), vertical_alignment="bottom", gap="medium"):
        name = st.selectbox(language.translate("Task"), imported.tasks, key=f"results_task_{key}", width=260)
        metric = st.selectbox(
            language.translate("Metric"),
            imported.metrics(name),
            key=f"results_metric_{key}_{name}",
            width=200,
        )
        own_runs = _own_runs(task, metric)
        beside = own_runs is not None and st.toggle(
            markdown.fill_template("Beside the own runs of {set}", set=session.set_label(task.address)),
            key="results_own",
            help=language.translate(_ABOUT_OWN_RUNS),
        )
    return View(results_open, name, metric, own_runs if beside else None)


def _own_runs(task: TaskSet, metric: str) -> Measurements | None:
    """The studio's own results of the selected set on this metric; None without any."""
    if SAME_METRIC.get(metric, metric) not in METRICS or not task.questions:
        return None
    measurements = results.measurements(task)
    return measurements if measurements.complete_checkpoints else None


def _choose_models(view: View, names: list[str]) -> list[str]:
    if len(names) <= 1:
        return names
    return st.multiselect(
        language.translate("Models"),
        names,
        default=names[:MAX_CURVES],
        key=f"results_models_{view.opened.key}_{view.task}_{view.metric}",
        placeholder=language.translate("no model"),
    )


def _choose_own(view: View, own_runs: Measurements, imported: list[ModelInfo]) -> list[tuple[str, ModelInfo]]:
    """The studio's own models to draw: by default those also imported, else those that count in scores."""
    by_name = {curve.model.name: curve.model for curve in own_runs.curves}
    both = [name for name in by_name if name in {model.name for model in imported}]
    first = both or [name for name, model in by_name.items() if model.counts_in_scores]
    names = st.multiselect(
        language.translate("Own runs"),
        list(by_name),
        default=first[:MAX_CURVES],
        key=f"results_mine_{view.opened.key}",
        placeholder=language.translate("no model"),
    )
    return [(f"studio: {by_name[name].short_name}", by_name[name]) for name in names]


def _own_frame(view: View, own_runs: Measurements, own: list[tuple[str, ModelInfo]]) -> pd.DataFrame:
    """Points of the studio's own models under their labels, in the columns of the imported ones."""
    labels = {model.name: label for label, model in own}
    frame = tables.curve_frame(own_runs, (view.same_metric,)).assign(metric=view.metric)
    frame = frame[frame["model"].isin(list(labels))].dropna(subset=["value"])
    return frame.assign(model=frame["model"].map(labels))


def _bands(view: View) -> pd.DataFrame | None:
    """Intervals of the points; cached while the import is open, so that no bootstrap is repeated."""
    return page_cache.get_or_compute(
        "bands of imported curves",
        (view.imported.curves_of(view.task, view.metric), view.imported.measured, view.task),
        lambda: scores.bands(view.imported, view.task, view.metric),
    )


# --- drawing it -------------------------------------------------------------------------------------------


def _chart(view: View, frame: pd.DataFrame, looks: dict[str, imported_charts.CurveStyle]) -> None:
    sampled = view.sampled
    widgets.chart(
        imported_charts.imported_curves(
            frame[frame["model"].isin(looks)],
            looks,
            view.metric,
            session.current_theme(),
            sampled.chance if sampled is not None and view.same_metric in BOUNDED_METRICS else None,
            narrow=viewport.is_narrow(),
        ),
        "results_curves",
        language.translate(
            "{metric} on {task} of each model against tokens seen", metric=view.metric, task=view.task
        ),
    )


def _about(view: View, bands: bool) -> str:
    of_task = [curve for curve in view.imported.curves if curve.task == view.task]
    counts, shots = {c.questions for c in of_task}, {c.num_fewshot for c in of_task}
    known = [
        language.translate("an unknown number of examples") if n is None else f"{n}-shot"
        for n in sorted(shots, key=lambda n: n or -1)
    ]
    sentence = f"{language.translate(formatting.join_words(known))}. "
    if len(counts) == 1 and (n := next(iter(counts))) is not None:
        sentence = f"{language.translate(formatting.count(n, 'question'))}, {sentence}"
    if bands:
        sentence += language.translate("Bands: 95%, a bootstrap over the questions of the samples.") + " "
    if view.own_runs is not None:
        sentence += language.translate("Open markers are the studio's own runs.")
    return sentence[0].upper() + sentence[1:]


def _scores(measurements: Measurements, metric: str) -> None:
    """Draw the studio's scores of the samples, with intervals."""
    every = page_cache.get_or_compute(
        "scores of imported samples", (measurements, metric), lambda: Answers(measurements).scores(metric)
    )
    values = every.with_reading(results.reading())
    rc_reading.rc_reading_control("results")
    with st.grid(4, min_column_width=150):
        widgets.score_card("SQ", values.sq)
        widgets.score_card("RC", values.rc)
        widgets.score_card("SNR", values.snr)
        widgets.score_card("Decision accuracy", values.decision_accuracy)


def _tables(view: View, imported_curves: list[Curve], frame: pd.DataFrame) -> None:
    quality, values, files = st.tabs(
        [language.translate("Signal quality"), language.translate("Values"), language.translate("Files")]
    )
    with quality:
        widgets.table(
            scores.quality_frame(imported_curves),
            f"imported-sq-{view.metric}",
            "results_sq",
            phone_columns=("model", "SQ", "ρ", "AC"),
            column_config={
                "points": _NUMBER(
                    "points",
                    help=language.mark(
                        "How many points SQ is taken over: the early window's where the family names one."
                    ),
                ),
                "of": _NUMBER("of", help=language.mark("How many points the curve has.")),
                "first": _NUMBER("first", format="%.4f"),
                "last": _NUMBER("last", format="%.4f"),
            },
        )
    with values:
        widgets.table(
            frame.drop(columns=["early"]),
            f"imported-{view.metric}",
            "results_values",
            height=320,
            phone_columns=("model", "step", "value"),
        )
    with files:
        current.files_table(view.imported)
