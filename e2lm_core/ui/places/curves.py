"""Curves: of all questions together, of single ones, subject by subject; and the models' order that they make.

Tested in tests/pages/test_curves.py.
"""

from __future__ import annotations

from typing import NoReturn

import streamlit as st

from e2lm_core.analysis.ranks import words as rank_words
from e2lm_core.base.records import TaskSet
from e2lm_core.ui.analysis import curves, ranks, single
from e2lm_core.ui.analysis.order import RankingData
from e2lm_core.ui.frame import addresses, navigation, parts
from e2lm_core.ui.frame.strip import shown_results
from e2lm_core.ui.remembered import curves as remembered
from e2lm_core.ui.remembered import results


def draw() -> None:
    """The place: only the tab that is shown is computed."""
    task, tab = navigation.open_place(addresses.CURVES)
    views = {"accuracy": _accuracy, "ranking": _ranking, "one_by_one": _one_by_one, "subjects": _subjects}
    views[tab](task)


def _accuracy(task: TaskSet) -> None:
    measurements = shown_results(task).measurements
    if not measurements.complete_pairs:
        _nothing_yet(task)
    parts.headline(curves.headline(measurements, parts.current_metric()))
    view = curves.controls(measurements)
    curves.chart(task, view)
    above_chance, parting, quality, noise, values = st.tabs(curves.TABS)
    with above_chance:
        curves.above_chance_table(measurements, view.metric)
    with parting:
        curves.separation_table(measurements, view.metric)
    with quality:
        curves.signal_quality_table(measurements, view.metric)
    with noise:
        curves.noise_table(measurements, view.metric)
    with values:
        curves.point_table(task, measurements, view)
    parts.assumption(measurements)


def _one_by_one(task: TaskSet) -> None:
    here = shown_results(task)
    if not here.measurements.complete_pairs:
        _nothing_yet(task)
    parts.headline(single.finding(here.task, here.measurements))
    view = curves.plain_view(here.measurements)
    single.table(here.task, here.measurements, view)


def _subjects(task: TaskSet) -> None:
    measurements = shown_results(task).measurements
    if not measurements.complete_pairs:
        _nothing_yet(task)
    curves.subjects_headline(task, parts.current_metric())
    curves.chart(task, curves.controls(measurements, by_subject=True))


def _nothing_yet(task: TaskSet) -> NoReturn:
    parts.headline("There are no curves yet.")
    parts.run_first("Run this set, and every model's curve appears here, coarse points first.", task)


def _ranking(task: TaskSet) -> None:
    measurements = shown_results(task).measurements
    metric = parts.current_metric()
    stability = remembered.stable(measurements, metric)
    scores = results.scores(measurements, metric)
    parts.headline(rank_words.headline(stability, scores))
    if stability is None:
        parts.run_first("Run this set on two models or more, and their order over tokens appears here.", task)

    order = RankingData(task, measurements, metric, stability, scores)
    ranks.controls()
    over_tokens, how_early, at_one, every_two, questions = st.tabs(ranks.TABS)
    with over_tokens:
        ranks.over_tokens(order)
        ranks.cards(scores)
        ranks.rank_table(order)
    with how_early:
        ranks.how_early(order)
        ranks.decision_table(order)
        ranks.tau_table(order)
    with at_one:
        ranks.at_one_checkpoint(order)
    with every_two:
        ranks.every_two_checkpoints(order)
    with questions:
        ranks.which_questions(order)
        ranks.question_table(order)
    parts.assumption(measurements)
