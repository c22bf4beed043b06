"""Cached item statistics and selections.

Tested in tests/pages/test_questions.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st

from e2lm_core.analysis import validity
from e2lm_core.analysis.questions import learning_map as question_maps
from e2lm_core.analysis.questions import null_through_rule as through_rule
from e2lm_core.analysis.questions import pool as question_pool
from e2lm_core.analysis.questions import problems as question_problems
from e2lm_core.analysis.questions import selection, selection_null
from e2lm_core.analysis.questions.cue_words import EditControl
from e2lm_core.analysis.questions.item_correlations import Reliability
from e2lm_core.analysis.questions.learning_map import LearningMap
from e2lm_core.analysis.questions.pool import Pool
from e2lm_core.analysis.questions.selection import Selection
from e2lm_core.analysis.questions.suspects import conditions
from e2lm_core.analysis.questions.suspects import messages as suspect_words
from e2lm_core.analysis.questions.suspects.records import Suspect, SuspectList
from e2lm_core.analysis.questions.suspects.wrong_question_control import (
    WrongQuestionControl,
    evaluate_control,
)
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Checkpoint, SelectionOrigin, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.runs import checkpoint_order as run_order
from e2lm_core.runs.store import control_results
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.set_scores import CurveScores
from e2lm_core.sets import selection_origin
from e2lm_core.sets.editing import rule_trials
from e2lm_core.sets.prompts import wordings
from e2lm_core.ui import session
from e2lm_core.ui.base import page_cache
from e2lm_core.ui.cache import curves, process_pool, results, worker_analysis
from e2lm_core.ui.cache.measurements import identities
from e2lm_core.ui.cache.stale_while_revalidate import Shown


def pool(task: TaskSet, measurements: Measurements) -> tuple[Pool, pd.DataFrame]:
    """The question pool and its table, with relevance if the session has asked for it."""
    return pool_with(task, measurements, _probability(task))


def pool_with(
    task: TaskSet, measurements: Measurements, probability: np.ndarray | None
) -> tuple[Pool, pd.DataFrame]:
    """The question pool and its table, with a given relevance.

    Args:
        task: The set.
        measurements: Results of the set.
        probability: Relevance [Q], the probability of acceptance of each question in [0, 1]; None for a pool
            without relevance.
    """
    return page_cache.get_or_compute(
        "pool", (task, measurements, probability), lambda: _pool(task, measurements, probability)
    )


def _pool(
    task: TaskSet, measurements: Measurements, probability: np.ndarray | None
) -> tuple[Pool, pd.DataFrame]:
    answers = results.taught_answers(task)
    made = question_pool.build_pool(measurements, task, answers, probability)
    return made, question_pool.question_frame(made, task)


def reliability(of: Pool, measurements: Measurements) -> Reliability:
    """Cronbach's alpha of the questions of a pool."""
    return page_cache.get_or_compute(
        "reliability", (measurements, of.rows), lambda: question_pool.reliability(of, measurements)
    )


def learning_map(measurements: Measurements, model: str | None) -> LearningMap:
    """Learning map of one model, or of all that count.

    Raises:
        StudioError: Too little is computed for it.
    """
    return page_cache.get_or_compute(
        "learning map",
        (measurements, model or ""),
        lambda: question_maps.learning_map(measurements, model),
    )


def chosen(
    task: TaskSet, measurements: Measurements, rule: str, metric: str, source: str | None, silent: str | None
) -> Selection:
    """Questions selected by a rule, with the rule's trial number on this set.

    The selection is judged on held-out models unless `silent` gives a reason not to: then no gain is told, and the
    selection is recorded as a trial only if it is copied, by `record_choice`.

    Args:
        task: The set.
        measurements: Results of the set.
        rule: Name of a selection rule, or a rule of the user's own.
        metric: Metric by which questions are judged.
        source: Source that the rule one-source keeps; None to leave the choice to the rule, and for other
            rules.
        silent: Reason why there is no advice; None if there is advice.

    Raises:
        StudioError: The rule cannot be read.
    """
    of = pool(task, measurements)[0]
    selection.resolve_rule(of, rule, source)  # a rule that cannot be read is not a trial
    number = rule_trials.next_trial_number if silent else rule_trials.record_trial
    place = _number_trial(number, task, of, rule, metric, source)
    return _chosen_as(task, measurements, rule, metric, source, silent, place)


def record_choice(task: TaskSet, questions: Pool, rule: str, metric: str, source: str | None) -> int:
    """Record a selection that is copied as a trial of its rule, if it is none yet, and return its number."""
    return _number_trial(rule_trials.record_trial, task, questions, rule, metric, source)


def chosen_beforehand(
    task: TaskSet, measurements: Measurements, rule: str, metric: str, silent: str | None
) -> Selection:
    """Questions selected by a rule, precomputed: the selection is not recorded as a trial.

    Arguments as in `chosen`.

    Raises:
        StudioError: The rule cannot be read.
    """
    of = pool(task, measurements)[0]
    place = _number_trial(rule_trials.next_trial_number, task, of, rule, metric, None)
    return _chosen_as(task, measurements, rule, metric, None, silent, place)


def _number_trial(
    number: Callable[[Settings, str, Sequence[str | None], TaskSet, Sequence[str]], int],
    task: TaskSet,
    questions: Pool,
    rule: str,
    metric: str,
    source: str | None,
) -> int:
    models = [model.name for model in questions.models]
    return number(session.studio().settings, task.address, (rule, metric, source), task, models)


def _chosen_as(
    task: TaskSet,
    measurements: Measurements,
    rule: str,
    metric: str,
    source: str | None,
    silent: str | None,
    place: int,
) -> Selection:
    return page_cache.get_or_compute(
        "selection",
        (task, measurements, _probability(task), rule, metric, source, silent, place),
        lambda: _chosen(measurements, pool(task, measurements)[0], rule, metric, source, silent, place),
    )


def _chosen(
    measurements: Measurements,
    pool: Pool,
    rule: str,
    metric: str,
    source: str | None,
    silent: str | None,
    place: int,
) -> Selection:
    with session.spinner("Choosing on some models, judging on the others …"):
        made = selection.select_questions(
            pool, rule, metric, source, no_advice_reason=silent, trial_number=place
        )
        if not 0 < selection_null.estimated_seconds(pool, made) <= selection_null.AT_ONCE_S:
            return made
        resolved = selection.resolve_rule(pool, rule, source)
        without_values = replace(pool, sample=replace(pool.sample, values={}))
        return process_pool.figures(worker_analysis.gain_null, measurements, made, without_values, resolved)


def gain_null(task: TaskSet, measurements: Measurements, made: Selection) -> Selection:
    """A selection with its gain under random answer keys if that was drawn, else as it is."""
    return page_cache.find("gain null", (task, measurements, _probability(task), *_of(made))) or made


def draw_gain_null(
    task: TaskSet, measurements: Measurements, made: Selection, progress: selection_null.Progress
) -> None:
    """Draw the gain of a selection under random answer keys and keep it; calls `progress` with the draws made."""
    page_cache.get_or_compute(
        "gain null",
        (task, measurements, _probability(task), *_of(made)),
        lambda: selection_null.with_null(made, pool(task, measurements)[0], measurements, progress=progress),
    )


def _of(made: Selection) -> tuple[object, ...]:
    return made.rule, made.metric, made.source, made.tried


# --- sets that a rule made ---------------------------------------------------------------------------------


def selection_note(task: TaskSet) -> str | None:
    """Sentence on a set that a rule chose by results of the models of its fleet; None for others."""
    if task.config.chosen_by is None:
        return None
    origin = page_cache.get_or_compute("origin", (task,), lambda: (selection_origin.origin_of_set(task),))[0]
    return validity.origin_note(origin, [c.model for c in results.fleet(task).checkpoints])


def null_through_rule(task: TaskSet, measurements: Measurements, metric: str) -> CurveScores | None:
    """Scores [B] of one metric under random answer keys, through the rule that made the set; None until drawn."""
    return page_cache.find("null through rule", (task, measurements, metric))


def null_through_rule_seconds(task: TaskSet, measurements: Measurements, metric: str) -> float:
    """Estimated time in seconds of `draw_null_through_rule`.

    Raises:
        StudioError: The set that the rule chose of is not here as it was, or too many choices were tried.
    """
    draws = through_rule.required_draws(measurements)
    _, whole, rules = _first_parent(task, measurements)
    return through_rule.estimated_seconds(whole, draws, (metric,), len(rules))


def draw_null_through_rule(
    task: TaskSet, measurements: Measurements, metric: str, progress: selection_null.Progress
) -> None:
    """Draw what the rule that made a set gives under random answer keys, and keep it.

    Raises:
        StudioError: The set that the rule chose of is not here as it was, or of `null_through_rule`.
    """
    parent, whole, rules = _first_parent(task, measurements)
    by_relevance = any("relevance" in origin.rule for origin in rules)
    probability = results.relevance(parent).probability if by_relevance else None
    of = pool_with(parent, whole, probability)[0]
    page_cache.get_or_compute(
        "null through rule",
        (task, measurements, metric),
        lambda: through_rule.null_through_rule(measurements, whole, of, (metric,), progress=progress).get(
            metric
        ),
    )


def _first_parent(
    task: TaskSet, measurements: Measurements
) -> tuple[TaskSet, Measurements, tuple[SelectionOrigin, ...]]:
    """The set that the first rule chose of, its results on this one's fleet, and the rules."""
    rules = through_rule.rules_through(measurements)
    parent = page_cache.get_or_compute(
        "parent of a selection",
        (session.studio().settings.workspace, task.address, task, len(rules)),
        lambda: selection_origin.first_parent(session.studio().settings, task, len(rules)),
    )
    return parent, results.measure(parent, *results.fleet(task).run_arguments), rules


# --- suspects, and the control that is run for them --------------------------------------------------------


def suspects(task: TaskSet, measurements: Measurements) -> tuple[SuspectList, WrongQuestionControl | None]:
    """The suspects of a set, and the wrong-question control as far as it was run."""
    unread = results.control_measurements(task, *control_fleet(task))
    return page_cache.get_or_compute(
        "suspects", (measurements, unread), lambda: suspect_words.all_suspects(measurements, unread)
    )


def control(task: TaskSet, measurements: Measurements) -> WrongQuestionControl | None:
    """The wording control of a set; None if it was not run, after a look at a few of its results."""
    ends, num_fewshot = control_fleet(task)
    if not results.was_control_run(task, ends, num_fewshot):
        return None
    unread = results.control_measurements(task, ends, num_fewshot)
    return page_cache.get_or_compute(
        "control", (measurements, unread), lambda: (evaluate_control(measurements, unread),)
    )[0]


def suspect_frame(task: TaskSet, found: SuspectList) -> pd.DataFrame:
    """The suspects as a table."""
    return page_cache.get_or_compute(
        "table of suspects", (found, task), lambda: suspect_words.suspect_frame(found, task.questions)
    )


def wordings_frame(task: TaskSet, measurements: Measurements) -> pd.DataFrame:
    """Share of the models that answer each question right, as written and under each condition of the control."""
    control = results.control_measurements(task, *control_fleet(task))
    return page_cache.get_or_compute(
        "wordings of questions",
        (measurements, control, task),
        lambda: suspect_words.wordings_frame(
            conditions.question_conditions(measurements, control),
            task.questions,
            [wordings.rarest_word(question.question).removesuffix("?") for question in task.questions],
        ),
    )


def condition_curves(task: TaskSet, measurements: Measurements) -> pd.DataFrame | None:
    """Mean accuracy of the scored models under each condition at shared checkpoints; None if only run at the last."""
    checkpoints, num_fewshot = results.fleet(task).run_arguments
    ends = {checkpoint.name for checkpoint in control_fleet(task)[0]}
    others = [checkpoint for checkpoint in checkpoints if checkpoint.name not in ends]
    if not results.was_control_run(task, others[:1], num_fewshot):
        return None
    control = results.control_measurements(task, checkpoints, num_fewshot)
    return page_cache.get_or_compute(
        "condition curves",
        (measurements, control),
        lambda: suspect_words.condition_curve_frame(measurements, control),
    )


def edit_controls(
    task: TaskSet, before: TaskSet, after: TaskSet, names: tuple[str, ...]
) -> list[EditControl]:
    """Edits of some questions beside the rarest words that they added, alone, as far as these were run."""
    asking, (ends, num_fewshot) = session.studio(), control_fleet(task)
    return page_cache.get_or_compute(
        "edit controls",
        (asking.settings.database, before, after, names, identities(ends), num_fewshot),
        lambda: control_results.load_edit_controls(asking, before, after, names, ends, num_fewshot),
        results.results_stamp(),
    )


def control_fleet(task: TaskSet) -> tuple[list[Checkpoint], int | None]:
    """Checkpoints and few-shot count of the control: the last checkpoint of each model in the set's fleet."""
    checkpoints, num_fewshot = results.fleet(task).run_arguments
    return run_order.last_of_each(checkpoints), num_fewshot


# --- the list of problems ----------------------------------------------------------------------------------


def problems(task: TaskSet, here: Shown) -> list[question_problems.Problem]:
    """All problems of a set, by its checks and by the results that pages show.

    Args:
        task: The set.
        here: Its shown results, which may be those of an earlier version.
    """
    measurements = here.measurements
    listed: tuple[Suspect, ...] = ()
    hurting: dict[str, str] = {}
    if here.task.questions and measurements.complete_pairs:
        listed = suspects(here.task, measurements)[0].listed
        hurting = _hurting(task, measurements)
    outdated = question_problems.edited_questions(here.task.questions, task.questions)
    return question_problems.list_problems(task.questions, results.findings(task), listed, hurting, outdated)


def _hurting(task: TaskSet, measurements: Measurements) -> dict[str, str]:
    """Reason by id of each question that hurts the ranking by accuracy; empty if none may be named."""
    if not measurements.complete_checkpoints:
        return {}
    found = results.scores(measurements, "acc")
    if validity.no_ranking_advice_reason(measurements, found, results.is_running(task)):
        return {}
    influence = curves.holding(measurements, "acc", found.rc_reading)
    return question_problems.hurting_questions(influence, measurements.question_ids)


# --- relevance, which embeds every question: only where it was asked for ----------------------------------


def relevance_asked(task: TaskSet) -> bool | None:
    """Whether the relevance that the session asked for can be computed; None if it has not asked."""
    return _asked().get(task.address)


def add_relevance(task: TaskSet) -> None:
    """Compute the relevance of every question, and include it from now on in this session."""
    _asked()[task.address] = True
    with st.spinner("Embedding the questions …", show_time=True):
        _probability(task)


def _asked() -> dict[str, bool]:
    return st.session_state.setdefault("questions_relevance", {})


def _probability(task: TaskSet) -> np.ndarray | None:
    if not _asked().get(task.address):
        return None
    try:
        return results.relevance(task).probability
    except StudioError:
        _asked()[task.address] = False
        return None
