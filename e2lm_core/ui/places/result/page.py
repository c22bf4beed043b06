"""The place Result.

Tested in tests/pages/test_pages.py and tests/pages/test_score.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.analysis import validity
from e2lm_core.analysis.score import messages as score_words
from e2lm_core.base.records import TaskSet
from e2lm_core.base.sentences import Sentence, joined
from e2lm_core.runs.messages import overview as run_overview
from e2lm_core.ui import session
from e2lm_core.ui.app import navigation, widgets
from e2lm_core.ui.app.status_bar import shown_results
from e2lm_core.ui.base import language, markdown, urls
from e2lm_core.ui.cache import results
from e2lm_core.ui.cache import scores as remembered
from e2lm_core.ui.places import rc_reading, shelf_panel
from e2lm_core.ui.places.curves import accuracy
from e2lm_core.ui.places.result import overview, public_benchmarks, score


def draw() -> None:
    """Draw the place; only the shown tab is computed."""
    task, tab = navigation.open_place(urls.RESULT)
    views = {"overview": _overview, "score": _score, "published": _published, "shelf": _public_benchmarks}
    views[tab](task)


def _overview(task: TaskSet) -> None:
    state = results.state(task)
    measurements = shown_results(task).measurements if task.questions else None
    scores = (
        results.scores(measurements, "acc") if measurements and measurements.complete_checkpoints else None
    )
    silent = results.silence_reason(measurements, scores) if measurements and scores else None
    chosen = validity.selection_note(measurements) if measurements and scores else None
    widgets.headline(chosen or run_overview.headline(state, scores, silent, results.doors(task)))
    if state.failure:
        markdown.error(state.failure, icon=":material/error:")
    if measurements and scores:
        overview.wording_sentences(task, measurements)
    if state.kind == "never run" and session.studio().local_checkpoints:
        overview.first_run_card(task)
    if task.questions:
        overview.score_cards(task, state.kind == "running")
    if measurements and scores:
        shelf_panel.panel(task, measurements, "acc")
    overview.next_steps(task, state, scores, measurements)


def _score(task: TaskSet) -> None:
    measurements = shown_results(task).measurements
    metric = widgets.current_metric()
    unfinished: str | None = Sentence("There is no score yet.")
    is_running = results.is_running(task)
    if measurements.complete_pairs:
        unfinished = validity.incomplete_reason(measurements, is_running)
    if unfinished and (is_running or results.scores(measurements, metric).sq.value is None):
        widgets.headline(unfinished)
        widgets.run_first("Run this set; the scores follow when all checkpoints are there.", task)
    scores, bounds, advice = remembered.scored(measurements, metric)
    chosen = validity.selection_note(measurements)
    silent = results.silence_reason(measurements, scores)
    said = score_words.headline(scores, metric, silent)
    widgets.headline(chosen or (joined((unfinished, said)) if unfinished else said))
    rc_reading.score_controls(score.METRIC, "score")
    score.cards(scores, silent=silent is not None)
    if measurements.chosen and chosen:
        score.null_through_rule(task, measurements, metric, scores)
    shown = score.bars(task, scores, metric)
    score.other_weights(measurements, metric)
    if not chosen:  # else the headline says already that nothing is advised
        score.what_would_raise_it(advice)
    every_score, by_model, drawn = st.tabs(
        [
            language.translate(score.TABS[0]),
            language.translate(score.TABS[1]),
            language.translate(score.TABS[2]),
        ]
    )
    with every_score:
        score.every_score(measurements, scores, metric, bounds)
    with by_model:
        accuracy.signal_quality_table(measurements, metric, "score_models")
    with drawn:
        widgets.table(
            lambda: remembered.bars(shown),
            f"score-bars-{metric}",
            "score_drawn",
            phone_columns=("set", "part", "contribution"),
            inputs=(shown,),
        )
    widgets.assumption(measurements)


def _published(task: TaskSet) -> None:
    widgets.headline(score_words.PUBLISHED)
    score.published_sets()
    score.the_competition()


def _public_benchmarks(_: TaskSet) -> None:
    public_benchmarks.draw()
