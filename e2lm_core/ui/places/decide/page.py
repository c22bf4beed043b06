"""The place Decide.

Tested in tests/pages/test_score.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.analysis import validity
from e2lm_core.analysis.compare import comparison
from e2lm_core.analysis.compare import messages as comparison_words
from e2lm_core.analysis.plan import messages as plan_words
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.scores.measurements import Measurements
from e2lm_core.ui.app import navigation, widgets
from e2lm_core.ui.app.status_bar import shown_results
from e2lm_core.ui.base import language, markdown, urls
from e2lm_core.ui.cache import results
from e2lm_core.ui.cache import scores as remembered
from e2lm_core.ui.places.decide import ahead, compare, groups, plan


def draw() -> None:
    """Draw the place; only the shown tab is computed."""
    task, tab = navigation.open_place(urls.DECIDE)
    {"ahead": ahead.draw, "compare": _compare, "plan": _plan, "groups": groups.draw}[tab](task)


def _compare(task: TaskSet) -> None:
    here = shown_results(task)
    task, measurements = here.task, here.measurements
    head = st.container()  # no st.empty, which a redrawn page would show blank at first
    others = compare.comparison_targets(here)
    if not others:
        with head:
            widgets.headline("Nothing to compare yet. Edit this set or create another one.")
        compare.nothing_to_compare()

    other, metric = compare.controls(task, others)
    try:
        first, compared = compare.load_comparison(task, measurements, other, metric)
    except StudioError as error:
        with head:
            widgets.headline("The other set cannot be opened.")
        markdown.error(error, icon=":material/error:")
        st.stop()

    with head:
        widgets.headline(comparison_words.headline(compared))
    compare.missing_note(compared)
    if not compared.means:
        widgets.run_first("Run both on the same checkpoints, and their differences appear here.", task)

    means = remembered.of_comparison(compared, "means", lambda: comparison.mean_frame(compared))
    compare.curve_chart(compared)
    compare.difference_chart(compared, means)
    by_mean, by_score, by_question, both_curves = st.tabs(markdown.fill_templates(compare.TABS))
    with by_mean:
        compare.mean_table(means, metric)
    with by_score:
        compare.score_table(compared)
    with by_question:
        compare.question_table(compared, first, task)
    with both_curves:
        compare.curve_table(compared)
    widgets.assumption(measurements)


def _plan(task: TaskSet) -> None:
    measurements = shown_results(task).measurements
    head = st.container()  # no st.empty, which a redrawn page would show blank at first
    if not plan.can_plan(measurements):
        with head:
            widgets.headline("Plans are drawn from measured questions, and fewer than two are measured yet.")
        widgets.run_first(
            "Run this set first, even on a few checkpoints: what it shows says how many questions are enough.",
            task,
        )

    metric = widgets.metric_control("plan_metric", explained=True)
    if silent := validity.no_advice_reason(
        measurements, results.scores(measurements, metric), results.is_running(task)
    ):
        with head:
            widgets.headline("Nothing can be planned from these scores.")
        widgets.empty_state(silent, icon=":material/casino:")
        widgets.redraw_while_running(task)
        st.stop()
    apart, width = st.tabs(markdown.fill_templates(plan.TABS))
    with apart:
        plan.power(measurements, metric)
    with width:
        _width(task, measurements, metric)
    widgets.assumption(measurements)


def _width(task: TaskSet, measurements: Measurements, metric: str) -> None:
    answer = st.container()
    goal, fleet = plan.controls(task, measurements, metric)
    try:
        planned = plan.plan_for(measurements, goal, fleet)
    except StudioError as error:
        with answer:
            widgets.headline("This cannot be planned for.")
        markdown.warning(error, icon=":material/info:")
        return
    with answer:
        widgets.headline(plan_words.headline(planned))
    plan.width_chart(planned)
    plan.pace_note(planned)
    by_size, by_model = st.tabs([language.translate("By size"), language.translate("By model")])
    with by_size:
        plan.size_table(planned)
    with by_model:
        plan.model_table(planned)
