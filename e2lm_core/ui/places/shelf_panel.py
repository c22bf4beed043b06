"""A benchmark of the shelf beside the set: on Curves and on Result, folded until somebody opens it.

Nothing of the shelf is read while it is folded.

Tested in tests/pages/test_shelf.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.base.records import TaskSet
from e2lm_core.base.sentences import joined
from e2lm_core.charts import imported as imported_charts
from e2lm_core.imported.scores import models
from e2lm_core.imported.shelf import beside, indicators, messages, tables
from e2lm_core.imported.shelf.library import Shelved
from e2lm_core.scores.measurements import Measurements
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown, urls, viewport
from e2lm_core.ui.cache import results
from e2lm_core.ui.cache import shelf as remembered

FIRST = "e2lm:arc_challenge"
KEY, LAST = "shelf_panel", "shelf_last"
TITLE = language.mark("A public benchmark beside it")
MAX_CURVES = 16  # drawn of a benchmark that more models ran
TABS = (language.mark("Compared"), language.mark("Values"))


def panel(task: TaskSet, measurements: Measurements, metric: str) -> None:
    """Draw the folded panel; opened, it shows the benchmark that the link names."""
    beside_it = urls.HELD["beside"]
    st.session_state[KEY] = bool(st.session_state.get(beside_it))

    def toggle() -> None:
        chosen = st.session_state.get(beside_it)
        st.session_state[LAST] = chosen or st.session_state.get(LAST)
        st.session_state[beside_it] = st.session_state.get(LAST) or FIRST if st.session_state[KEY] else None

    with st.expander(
        language.translate(TITLE), icon=":material/library_books:", key=KEY, on_change=toggle
    ) as box:
        if box.open:
            _opened(task, measurements, metric)


def _opened(task: TaskSet, measurements: Measurements, metric: str) -> None:
    held, by_key = urls.HELD["beside"], {one.key: one for one in remembered.benchmarks()}
    if st.session_state.get(held) not in by_key:
        st.session_state[held] = FIRST

    def select(key: str) -> None:
        st.session_state[held] = key

    widgets.selector(
        language.translate("Benchmark"),
        list(by_key),
        st.session_state[held],
        select,
        key="shelf_benchmark",
        format_func=lambda key: f"{by_key[key].label} · {by_key[key].source.title}",
        label_visibility="visible",
        width=420,
    )
    shelved = by_key[st.session_state[held]]
    own = _own_side(task, measurements, metric)
    _beside(own, shelved, metric if metric in shelved.benchmark.metrics else shelved.main_metric)


def _beside(own: beside.Side, shelved: Shelved, metric: str) -> None:
    other = remembered.side(shelved, metric, own.points)
    markdown.markdown(beside.sentence(shelved, own, other, remembered.rank(shelved, metric)))
    curves = remembered.curves(shelved, metric)
    chart(shelved, metric)
    markdown.caption(
        joined(
            (
                beside.OWN_AXIS,
                beside.BANDS if indicators.has_errors(curves[0]) else indicators.MEANS_ALONE,
                messages.source_sentence(shelved.source),
            )
        )
    )
    compared, values = st.tabs(markdown.fill_templates(TABS))
    with compared:
        widgets.table(
            lambda: tables.comparison_frame(own, other),
            f"beside-{shelved.benchmark.name}",
            "shelf_compared",
            phone_columns=("what", "SQ", f"SQ at {own.points}"),
            inputs=(own, other),
        )
    with values:
        widgets.table(
            lambda: remembered.frame(shelved, metric).drop(columns=["early"]),
            f"{shelved.source.key}-{shelved.benchmark.name}-{metric}",
            "shelf_values",
            height=320,
            phone_columns=("model", "tokens_seen", "value"),
            inputs=(shelved, metric),
        )


def chart(shelved: Shelved, metric: str) -> None:
    """Draw a benchmark's curves."""
    frame = remembered.frame(shelved, metric)
    drawn = models(remembered.curves(shelved, metric))
    names = [model.name for model in drawn]
    if len(names) > MAX_CURVES:
        names = st.multiselect(
            language.translate("Models"),
            names,
            default=names[:: -(-len(names) // MAX_CURVES)],
            key=f"shelf_models_{shelved.key}",
        )
    styles = imported_charts.curve_styles(drawn)
    widgets.chart(
        lambda: imported_charts.imported_curves(
            frame[frame["model"].isin(names)],
            {name: styles[name] for name in names},
            metric,
            session.current_theme(),
            shelved.chance(metric),
            narrow=viewport.is_narrow(),
        ),
        "shelf_curves",
        language.translate(
            "{metric} of each model on {benchmark} of {source} against tokens seen",
            metric=metric,
            benchmark=shelved.label,
            source=shelved.source.title,
        ),
        inputs=(shelved, metric, tuple(names)),
    )


def _own_side(task: TaskSet, measurements: Measurements, metric: str) -> beside.Side:
    """The set's own SQ on a metric; without one where it is undefined."""
    scores = results.scores(measurements, metric)
    counted = [curve.model.name for curve in measurements.curves if curve.model.counts_in_scores]
    quality = results.quality(measurements, metric)
    points = quality[quality["model"].isin(counted)]["points"].max() if scores.sq.value is not None else 0
    return beside.set_side(task.address, metric, len(counted), len(task.questions), int(points), scores.sq)
