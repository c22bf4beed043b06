"""What Score, Compare and Plan take from the session: scores of other sets and comparisons, computed once."""

from __future__ import annotations

import streamlit as st

from .. import analysis, authoring, certainty, measuring, phrasing, score_parts, standing
from ..analysis import Scores
from ..intervals import MetricIntervals
from ..records import TaskSet
from . import session


_HELD = 24  # sets times metrics whose scores a session keeps
Scored = tuple[Scores, MetricIntervals | None, score_parts.Advice]


def scored(measured: measuring.Measurements, metric: str) -> Scored:
    """Scores with intervals, the intervals by themselves, and what would raise them; once for what was measured."""
    held: list[tuple[measuring.Measurements, str, Scored]] = st.session_state.setdefault("scored", [])
    for of, by, result in held:
        if of is measured and by == metric:
            return result
    found = analysis.scores(measured, metric)
    bounds = None
    if measured.complete_checkpoints:
        bounds = certainty.intervals_of(certainty.resample(measured, (metric,)), metric)
        found = certainty.with_intervals(found, bounds)
    result = found, bounds, score_parts.advice(measured, found, metric)
    st.session_state["scored"] = [*held[1 - _HELD :], (measured, metric, result)]
    return result


def examples(question_set: TaskSet) -> tuple[dict[str, measuring.Measurements], list[str]]:
    """The other example sets measured on this set's fleet, and a sentence for each that has too few results there."""
    checkpoints, num_fewshot = standing.fleet(session.studio(), question_set.name)
    found, lacking = {}, []
    for info in authoring.list_sets(session.studio().settings):
        if not info.example or info.problem or info.name == question_set.name:
            continue
        measured = session.measure(read(info.name), checkpoints, num_fewshot)
        if measured.complete_checkpoints == measured.checkpoints:
            found[info.name] = measured
        else:
            lacking.append(
                f"{info.name} is left out: it has results at {measured.complete_checkpoints} of this fleet's "
                f"{phrasing.count(measured.checkpoints, 'checkpoint')}; run it on Run."
            )
    return found, lacking


def read(name: str) -> TaskSet:
    info = authoring.find_set(session.studio().settings, name)
    return session._read(str(info.folder), session._stamp(info.folder))
