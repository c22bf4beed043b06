"""What Score, Compare and Plan take from the session: scores of other sets and comparisons, computed once."""

from __future__ import annotations

import streamlit as st

from e2lm_core.analysis.compare import comparison
from e2lm_core.analysis.plan import plan as planning
from e2lm_core.analysis.score import parts as score_parts
from e2lm_core.base import phrasing
from e2lm_core.base.records import TaskSet
from e2lm_core.runs import state as run_state
from e2lm_core.scores import measurements, set_scores
from e2lm_core.scores.set_scores import Scores
from e2lm_core.scores.uncertainty import set_intervals, set_sizes
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


def scored(measured: measurements.Measurements, metric: str, in_hand: bool = False) -> Scored:
    """Scores with intervals, the intervals by themselves, and what would raise them; once for what was measured.

    The set in hand has its bootstrap from the session, which other pages share.
    """
    return _SCORED.made_of((measured,), metric, lambda: _scored(measured, metric, in_hand))


def _scored(measured: measurements.Measurements, metric: str, in_hand: bool) -> Scored:
    found = set_scores.scores(measured, metric)
    bounds = None
    if measured.complete_checkpoints:
        given = results.resampled(measured, metric) if in_hand else None
        bounds = set_intervals.intervals_of(given or set_intervals.resample(measured, (metric,)), metric)
        found = set_intervals.with_intervals(found, bounds)
    return found, bounds, score_parts.advice(measured, found, metric)


def examples(question_set: TaskSet) -> tuple[dict[str, measurements.Measurements], list[str]]:
    """The other example sets measured on this set's fleet, and a sentence for each that has too few results there."""
    checkpoints, num_fewshot = run_state.fleet(session.studio(), question_set.name)
    found, lacking = {}, []
    for info in collection.list_sets(session.studio().settings):
        if not info.example or info.problem or info.name == question_set.name:
            continue
        measured = results.measure(session.read_set(info.name), checkpoints, num_fewshot)
        if measured.complete_checkpoints == measured.checkpoints:
            found[info.name] = measured
        else:
            lacking.append(
                f"{info.name} is left out: it has results at {measured.complete_checkpoints} of this fleet's "
                f"{phrasing.count(measured.checkpoints, 'checkpoint')}; run it on Run."
            )
    return found, lacking


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


def measured_with(other: TaskSet, question_set: TaskSet) -> measurements.Measurements:
    """Another set on the fleet of the set in hand."""
    checkpoints, num_fewshot = run_state.fleet(session.studio(), question_set.name)
    return results.measure(other, checkpoints, num_fewshot)


def compared(
    names: tuple[str, str],
    first: measurements.Measurements,
    second: measurements.Measurements,
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
    measured: measurements.Measurements, chosen: tuple[str, ...], metric: str, target: set_sizes.Target
) -> set_sizes.Widths:
    """The simulated widths on the chosen checkpoints; once for what was measured."""
    return _WIDTHS.made_of(
        (measured,), (chosen, metric, target), lambda: _simulated(measured, chosen, metric, target)
    )


def _simulated(
    measured: measurements.Measurements, chosen: tuple[str, ...], metric: str, target: set_sizes.Target
) -> set_sizes.Widths:
    part = planning.part_of(measured, [c for m in measured.curves for c in m.checkpoints if c.name in chosen])
    with st.spinner("Drawing sets of every size …"):
        return planning.simulate(part, metric, target)
