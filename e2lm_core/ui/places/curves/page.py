"""The place Curves.

Tested in tests/pages/test_curves.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.analysis.ranks import messages as rank_words
from e2lm_core.base.records import TaskSet
from e2lm_core.scores import set_scores
from e2lm_core.ui.app import navigation, widgets
from e2lm_core.ui.app.status_bar import shown_results
from e2lm_core.ui.base import markdown, urls
from e2lm_core.ui.cache import curves as remembered
from e2lm_core.ui.cache import results
from e2lm_core.ui.cache.stale_while_revalidate import Shown
from e2lm_core.ui.places import rc_reading, shelf_panel
from e2lm_core.ui.places.curves import accuracy, by_question, ranking
from e2lm_core.ui.places.curves.ranking_data import RankingData


def draw() -> None:
    """Draw the place; only the shown tab is computed."""
    task, tab = navigation.open_place(urls.CURVES)
    views = {"accuracy": _accuracy, "ranking": _ranking, "one_by_one": _one_by_one, "subjects": _subjects}
    views[tab](task)


def _accuracy(task: TaskSet) -> None:
    measurements = _results(task).measurements
    widgets.headline(accuracy.headline(measurements, widgets.current_metric()))
    view = accuracy.controls(measurements)
    accuracy.chart(task, view)
    above_chance, apart, quality, noise, values = st.tabs(markdown.fill_templates(accuracy.TABS))
    with above_chance:
        accuracy.above_chance_table(measurements, view.metric)
    with apart:
        accuracy.separation_table(measurements, view.metric)
    with quality:
        accuracy.signal_quality_table(measurements, view.metric, "curves_sq")
    with noise:
        accuracy.noise_table(measurements, view.metric)
    with values:
        accuracy.point_table(task, measurements, view)
    shelf_panel.panel(task, measurements, view.metric)
    widgets.assumption(measurements)


def _one_by_one(task: TaskSet) -> None:
    here = _results(task)
    widgets.headline(by_question.finding(here.task, here.measurements))
    view = accuracy.plain_view(here.measurements)
    by_question.table(here.task, here.measurements, view)


def _subjects(task: TaskSet) -> None:
    measurements = _results(task).measurements
    accuracy.subjects_headline(task, widgets.current_metric())
    accuracy.chart(task, accuracy.controls(measurements, by_subject=True))


def _results(task: TaskSet) -> Shown:
    """The results to draw; without any, the page ends with a link to a run."""
    here = shown_results(task)
    if not here.measurements.complete_pairs:
        widgets.headline("There are no curves yet.")
        widgets.run_first("Run this set, and every model's curve appears here, coarse points first.", task)
    return here


def _ranking(task: TaskSet) -> None:
    measurements = shown_results(task).measurements
    metric = widgets.current_metric()
    stability = remembered.stable(measurements, metric)
    scores = results.scores(measurements, metric)
    silent = results.silence_reason(measurements, scores) if stability is not None else None
    widgets.headline(silent or rank_words.headline(stability, scores))
    if stability is None and set_scores.undeclared_seeds(measurements.layout(metric)):
        urls.link("checkpoints", "See the models", ":material/model_training:")
        st.stop()
    if stability is None:
        widgets.run_first(
            "Run this set on two models or more, and their order over tokens appears here.", task
        )

    order = RankingData(task, measurements, metric, stability, scores)
    rc_reading.score_controls(ranking.METRIC, "ranks")
    over_tokens, how_early, at_one, every_two, questions = st.tabs(markdown.fill_templates(ranking.TABS))
    with over_tokens:
        ranking.over_tokens(order)
        ranking.cards(order, silent=silent is not None)
        ranking.rank_table(order)
    with how_early:
        ranking.how_early(order)
        ranking.decision_table(order)
        ranking.tau_table(order)
    with at_one:
        ranking.at_one_checkpoint(order)
    with every_two:
        ranking.every_two_checkpoints(order)
    with questions:
        ranking.which_questions(order)
        ranking.question_table(order)
    widgets.assumption(measurements)
