"""Scores of other sets, comparisons and simulated widths for Score, Compare and Plan, each computed once.

Tested in tests/pages/test_score.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.analysis.compare import comparison
from e2lm_core.analysis.plan import plan as planning
from e2lm_core.analysis.score import parts as score_parts
from e2lm_core.base import phrasing
from e2lm_core.base.records import TaskSet
from e2lm_core.runs import state as run_state
from e2lm_core.scores import set_scores
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.set_scores import Scores
from e2lm_core.scores.uncertainty import null, set_intervals, set_sizes
from e2lm_core.scores.uncertainty.intervals import MetricIntervals
from e2lm_core.sets import collection
from e2lm_core.sets.history import History
from e2lm_core.sets.versions import Version, list_versions, open_version
from e2lm_core.ui import session
from e2lm_core.ui.remembered import results
from e2lm_core.ui.remembered.keep import Kept

# Sets times metrics: this many scores, comparisons and simulations a session keeps.
_SCORED, _COMPARED, _WIDTHS = Kept("scored", 24), Kept("compared", 10), Kept("widths", 16)
Scored = tuple[Scores, MetricIntervals | None, score_parts.Advice]


def scored(measurements: Measurements, metric: str, in_hand: bool = False) -> Scored:
    """Scores with intervals, the intervals by themselves, and what would raise them; once for what was measured.

    The set in hand has its bootstrap from the session, which other pages share.
    """
    return _SCORED.made_of((measurements,), metric, lambda: _scored(measurements, metric, in_hand))


def _scored(measurements: Measurements, metric: str, in_hand: bool) -> Scored:
    scores, bounds = set_scores.scores(measurements, metric), None
    if measurements.complete_checkpoints:
        shared = results.resampled(measurements, metric) if in_hand else None
        bounds = set_intervals.intervals_of(shared or set_intervals.resample(measurements, (metric,)), metric)
        scores = null.judged(measurements, set_intervals.with_intervals(scores, bounds), metric)
    return scores, bounds, score_parts.advice(measurements, scores, metric)


def examples(task: TaskSet) -> tuple[dict[str, Measurements], list[str]]:
    """The other example sets measured on this set's fleet, and a sentence for each that has too few results there."""
    checkpoints, num_fewshot = run_state.fleet(session.studio(), task.address)
    measured, lacking = {}, []
    for info in collection.list_sets(session.studio().settings):
        if not info.example or info.problem or info.address == task.address:
            continue
        measurements = results.measure(session.read_set(info.address), checkpoints, num_fewshot)
        if measurements.complete_checkpoints == measurements.checkpoints:
            measured[info.address] = measurements
        else:
            lacking.append(
                f"{info.address} is left out: it has results at {measurements.complete_checkpoints} of this fleet's "
                f"{phrasing.count(measurements.checkpoints, 'checkpoint')}; run it on Run."
            )
    return measured, lacking


# --- comparing ------------------------------------------------------------------------------------------


def versions(name: str) -> list[Version]:
    """The kept versions of a set but the one that it shows now, newest first; examples have none."""
    if session.is_example(name):
        return []
    return [v for v in reversed(list_versions(session.studio().settings, name)) if not v.shown]


@st.cache_resource(max_entries=6, show_spinner=False, scope="session")
def _version(name: str, number: int, stamp: float) -> TaskSet:
    return open_version(session.studio().settings, name, number)


def version(name: str, number: int) -> TaskSet:
    """A kept version of a set, read again when its history has changed."""
    return _version(name, number, History.of(session.studio().settings, name).folder.stat().st_mtime)


def measured_with(other: TaskSet, task: TaskSet) -> Measurements:
    """Another set on the fleet of the set in hand."""
    checkpoints, num_fewshot = run_state.fleet(session.studio(), task.address)
    return results.measure(other, checkpoints, num_fewshot)


def compared(
    names: tuple[str, str],
    first: Measurements,
    second: Measurements,
    matched: comparison.Match,
    metric: str,
) -> comparison.Comparison:
    """The comparison of one metric; once for what was measured."""
    return _COMPARED.made_of(
        (first, second),
        (names, metric),
        lambda: comparison.compare(names, first, second, matched, metric),
    )


# --- planning -------------------------------------------------------------------------------------------


def widths(
    measurements: Measurements, chosen: tuple[str, ...], metric: str, target: set_sizes.Target
) -> set_sizes.Widths:
    """The simulated widths on the chosen checkpoints; once for what was measured."""
    return _WIDTHS.made_of(
        (measurements,), (chosen, metric, target), lambda: _simulated(measurements, chosen, metric, target)
    )


def _simulated(
    measurements: Measurements, chosen: tuple[str, ...], metric: str, target: set_sizes.Target
) -> set_sizes.Widths:
    part = planning.part_of(
        measurements, [c for m in measurements.curves for c in m.checkpoints if c.name in chosen]
    )
    with st.spinner("Drawing sets of every size …"):
        return planning.simulate(part, metric, target)
