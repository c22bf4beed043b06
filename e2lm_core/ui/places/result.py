"""Result: the verdict on a set, its four numbers, what would raise them, and what others have published.

Tested in tests/pages/test_pages.py and tests/pages/test_score.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.analysis import standing
from e2lm_core.analysis.score import words as score_words
from e2lm_core.base.records import TaskSet
from e2lm_core.runs.said import overview as run_overview
from e2lm_core.ui import session
from e2lm_core.ui.analysis import overview, score
from e2lm_core.ui.frame import addresses, navigation, parts
from e2lm_core.ui.frame.strip import shown
from e2lm_core.ui.remembered import results
from e2lm_core.ui.remembered import scores as remembered


def draw() -> None:
    """The place: only the tab that is shown is computed."""
    task, tab = navigation.opened(addresses.RESULT)
    {"overview": _overview, "score": _score, "published": _published}[tab](task)


def _overview(task: TaskSet) -> None:
    state = results.state(task)
    measurements = shown(task).measurements if task.questions else None
    scores = (
        results.scores(measurements, "acc") if measurements and measurements.complete_checkpoints else None
    )
    parts.finding(run_overview.overview(state, scores))
    if state.kind == "never run" and session.studio().at_hand:
        overview.first_run(task)
    if task.questions:
        overview.headlines(task, state.kind == "running")
    overview.next_steps(task, state, scores, measurements)


def _score(task: TaskSet) -> None:
    measurements = shown(task).measurements
    metric = parts.metric_chosen()
    if not measurements.measured or (
        unfinished := standing.unfinished(measurements, results.is_running(task))
    ):
        parts.finding("There is no score yet." if not measurements.measured else str(unfinished))
        parts.run_first("Run this set; the scores follow when all checkpoints are there.", task)
    scores, bounds, advice = remembered.scored(measurements, metric)
    parts.finding(score_words.finding(scores, metric))
    score.controls()
    score.cards(scores)
    bars = score.bars(task, scores, metric)
    score.what_would_raise_it(advice)
    every_score, by_model, drawn = st.tabs(score.TABS)
    with every_score:
        score.every_score(measurements, scores, metric, bounds)
    with by_model:
        score.by_model(measurements, metric)
    with drawn:
        parts.table(
            bars, f"score-bars-{metric}", "score_drawn", few=("set", "part", "contribution"), of=(bars,)
        )
    parts.assumption(measurements)


def _published(task: TaskSet) -> None:
    parts.finding(score_words.PUBLISHED)
    score.published_sets()
    score.the_competition()
