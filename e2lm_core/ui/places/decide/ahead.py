"""Tab Ahead at the end.

Tested in tests/pages/test_ahead.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.analysis.decisions import messages, probability
from e2lm_core.analysis.decisions.outlook import Certainty, Outlook
from e2lm_core.base.records import TaskSet
from e2lm_core.charts import decisions as charts
from e2lm_core.charts.palette import assign_looks
from e2lm_core.imported.shelf import decisions as shelf_decisions
from e2lm_core.imported.shelf import library
from e2lm_core.imported.shelf.library import Shelved
from e2lm_core.scores.measurements import Measurements
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.app.status_bar import shown_results
from e2lm_core.ui.base import language, markdown, viewport
from e2lm_core.ui.cache import decisions as remembered
from e2lm_core.ui.cache import shelf
from e2lm_core.ui.places import two_models

FIRST = ("arc_easy", "hellaswag", "piqa", "sciq")  # public benchmarks drawn unasked, zero-shot
BESIDE = language.mark(
    "Benchmarks were run on other models, over shares of their own training: compare the shapes, and benchmarks of one source."
)
TABS = (
    language.mark("Two models"),
    language.mark("When the set decides"),
    language.mark("How often it holds"),
)
_NUMBER = st.column_config.NumberColumn


def draw(task: TaskSet) -> None:
    """Draw who of two models is ahead at the end, when the set decides, and how often such an answer held."""
    measurements = shown_results(task).measurements
    head = st.container()  # no st.empty, which a redrawn page would show blank at first
    if not measurements.complete_checkpoints:
        with head:
            widgets.headline("Who is ahead at the end is told from results, and there are none yet.")
        widgets.run_first("Run this set first, on two models at their first checkpoints.", task)
    metric = widgets.metric_control("ahead_metric", explained=True)
    pair = two_models.chosen_pair(measurements)
    if pair is None:
        with head:
            widgets.headline(two_models.ALONE)
        return
    with st.container(horizontal=not viewport.is_narrow(), vertical_alignment="bottom", gap="small"):
        two_models.selectors(measurements, pair, "ahead")
    if pair[0] == pair[1]:
        with head:
            widgets.headline(two_models.SAME)
        return
    points = remembered.outlooks(measurements, metric, *pair)
    found = remembered.certainty(measurements, metric, remembered.end_of_training(measurements, *pair))
    names = [measurements.curve_of(name).model.short_name for name in pair]
    with head:
        widgets.headline(messages.headline(points, *names))
        if said := messages.certainty_sentence(found, _has_built_in(measurements)):
            markdown.markdown(said)
    of_pair, of_set, held = st.tabs(markdown.fill_templates(TABS))
    with of_pair:
        _pair(measurements, points, pair, metric)
    with of_set:
        _set(measurements, found, metric, pair)
    with held:
        _reliability()
    widgets.assumption(measurements)


def _has_built_in(measurements: Measurements) -> bool:
    return any(curve.model.family == "ladder" for curve in measurements.curves)


def _pair(measurements: Measurements, points: list[Outlook], pair: tuple[str, str], metric: str) -> None:
    """Draw the probability of the model that is ahead, over tokens, and the table of all checkpoints."""
    if not points:
        markdown.caption(messages.NO_PAIR)
        return
    second = next((p.is_second_ahead for p in reversed(points) if p.is_second_ahead is not None), True)
    frame = messages.outlook_frame(points, second)
    models = [curve.model for curve in measurements.curves]
    model = measurements.curve_of(pair[second]).model
    if frame["probability"].notna().any():
        widgets.chart(
            lambda: charts.outlook_curve(
                frame, model, assign_looks(models)[model.name], session.current_theme(), viewport.is_narrow()
            ),
            "ahead_outlook",
            language.translate(
                "Probability that {model} is ahead at the end, against tokens seen", model=model.short_name
            ),
            inputs=(frame, model, tuple(models)),
        )
    first, other = (measurements.curve_of(name).model.short_name for name in pair)
    ahead = f"{model.short_name} ahead"  # so that a file of the table says which models it is of
    widgets.table(
        frame.rename(columns={"first": first, "second": other, "probability": ahead}),
        f"ahead-{metric}-{first}-{other}",
        "ahead_points",
        height=320,
        phone_columns=("tokens_seen", ahead, "why"),
        percent=("share", first, other, ahead, "low", "high")
        if metric in probability.METRICS
        else ("share",),
        column_config={
            "share": _NUMBER(language.mark("of training"), format="%.0f%%"),
            first: _NUMBER(
                markdown.escape(first), format="%.1f%%" if metric in probability.METRICS else "%.3f"
            ),
            other: _NUMBER(
                markdown.escape(other), format="%.1f%%" if metric in probability.METRICS else "%.3f"
            ),
            ahead: _NUMBER(
                markdown.fill_template("{model} ahead at the end", model=model.short_name), format="%.1f%%"
            ),
            "low": _NUMBER(language.mark("from"), format="%.1f%%"),
            "high": _NUMBER(language.mark("to"), format="%.1f%%"),
            "why": st.column_config.TextColumn(language.mark("why not known"), width="large"),
        },
        inputs=(frame, model, pair),
    )
    widgets.how_computed(messages.HELP, *messages.unknown_notes(points))


def _set(measurements: Measurements, found: Certainty | None, metric: str, pair: tuple[str, str]) -> None:
    """Draw the mean probability over all pairs beside public benchmarks', and the changes that would decide earlier."""
    if found is None:
        markdown.caption("Of no pair of models the answer is known.")
        return
    beside = _benchmarks(measurements, metric)
    widgets.chart(
        lambda: charts.certainty_curve(found, session.current_theme(), viewport.is_narrow(), beside),
        "ahead_certainty",
        language.translate(
            "Mean probability of the likelier model over all pairs, against the share of training"
        ),
        inputs=(found, tuple(beside.items())),
    )
    if beside:
        markdown.caption(BESIDE)
    widgets.table(
        lambda: messages.certainty_frame(found),
        f"decides-{metric}",
        "ahead_set",
        height=320,
        phone_columns=("share", "mean", "known"),
        percent=("share", "mean"),
        column_config={
            "share": _NUMBER(language.mark("of training"), format="%.0f%%"),
            "mean": _NUMBER(language.mark("mean probability"), format="%.1f%%"),
            "known": _NUMBER(language.mark("pairs known")),
        },
        inputs=(found,),
    )
    _earlier(measurements, metric, pair)
    widgets.how_computed(messages.CERTAINTY_HELP, messages.EARLIER_HELP)


def _benchmarks(measurements: Measurements, metric: str) -> dict[str, Certainty]:
    """Public benchmarks chosen to stand beside the set, of the source with the models measured, or of Pythia."""
    families = {curve.model.family for curve in measurements.curves}
    source = "e2lm" if "e2lm" in families else "pythia"
    shelved = {
        one.label: (one, metric if metric in one.benchmark.metrics else one.main_metric)
        for one in shelf.benchmarks()
        if one.source.key == source and _has_certainty(one)
    }
    chosen = st.multiselect(
        language.translate("Public benchmarks beside it"),
        list(shelved),
        default=[
            label
            for label, (one, _) in shelved.items()
            if one.benchmark.name in FIRST and not one.benchmark.num_fewshot
        ],
        max_selections=charts.MAX_BESIDE,
        key=f"ahead_beside_{source}",
    )
    found = {label: remembered.benchmark_certainty(*shelved[label]) for label in chosen}
    return {label: of for label, of in found.items() if of is not None}


def _has_certainty(shelved: Shelved) -> bool:
    """Whether guessing on a benchmark is known, and its scores are shares of right answers."""
    metric = shelved.main_metric
    return (
        metric in shelf_decisions.METRICS
        and shelved.chance(metric) is not None
        and shelved.benchmark.questions is not None
        and shelved.benchmark.name not in shelf_decisions.LABELS
        and not shelved.parts
        and not shelved.benchmark.name.startswith(library.SUBJECT)
    )


def _earlier(measurements: Measurements, metric: str, pair: tuple[str, str]) -> None:
    """Draw the changes that would decide the pairs earlier."""
    found = remembered.alternatives(measurements, metric, remembered.end_of_training(measurements, *pair))
    if not found:
        return
    built_in = _has_built_in(measurements)
    st.header(language.translate("What would decide earlier?"), anchor=False)
    markdown.markdown(messages.earlier_sentence(found, built_in))
    widgets.table(
        lambda: messages.earlier_frame(found, built_in),
        f"earlier-{metric}",
        "ahead_earlier",
        phone_columns=("change", "questions", "80% at"),
        percent=("mean",),
        column_config={
            "questions": _NUMBER(format="localized"),
            "mean": _NUMBER(language.mark("mean probability"), format="%.1f%%"),
        },
        inputs=(tuple(found), built_in),
    )


def _reliability() -> None:
    """Draw what was right against what was stated, every family told from the others."""
    bands = [of for of in probability.load_coefficients().reliability if "," not in of.left_out]
    widgets.chart(
        lambda: charts.reliability(bands, session.current_theme(), viewport.is_narrow()),
        "ahead_reliability",
        language.translate("Share that was right against the stated probability, each family left out"),
        inputs=(tuple(bands),),
    )
    widgets.table(
        lambda: messages.reliability_frame(bands),
        "reliability",
        "ahead_held",
        phone_columns=("left out", "stated", "right"),
        percent=("stated", "right", "error"),
        column_config={
            "error": _NUMBER(language.mark("standard error"), format="%.1f%%"),
            "decisions": _NUMBER(format="localized"),
        },
        inputs=(tuple(bands),),
    )
    widgets.how_computed(messages.RELIABILITY_HELP)
