"""Cached item statistics and selections.

Tested in tests/pages/test_questions.py.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from e2lm_core.analysis.questions import pool as question_pool
from e2lm_core.analysis.questions import selection
from e2lm_core.analysis.questions.pool import Pool
from e2lm_core.analysis.questions.selection import Selection
from e2lm_core.analysis.questions.suspects import messages as suspect_words
from e2lm_core.analysis.questions.suspects.records import SuspectList
from e2lm_core.analysis.questions.suspects.wrong_question_control import WrongQuestionControl
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Checkpoint, TaskSet
from e2lm_core.runs import checkpoint_order as run_order
from e2lm_core.scores.measurements import Measurements
from e2lm_core.sets.editing import rule_trials
from e2lm_core.sets.prompts import wrong_question_control
from e2lm_core.ui import session
from e2lm_core.ui.cache import results
from e2lm_core.ui.cache.store import Kept

_POOLS, _CHOICES, _SUSPECTS = Kept("pools"), Kept("choices"), Kept("suspects")


def pool(task: TaskSet, measurements: Measurements) -> tuple[Pool, pd.DataFrame]:
    """The pool and its table; with relevance where it was asked for."""
    return pool_with(task, measurements, _probability(task))


def pool_with(
    task: TaskSet, measurements: Measurements, probability: np.ndarray | None
) -> tuple[Pool, pd.DataFrame]:
    """The same with this relevance of every question, without where it is None."""
    return _POOLS.made_of((measurements, probability), "", lambda: _pool(task, measurements, probability))


def _pool(
    task: TaskSet, measurements: Measurements, probability: np.ndarray | None
) -> tuple[Pool, pd.DataFrame]:
    answers = results.taught_answers(task)
    made = question_pool.build_pool(measurements, task, answers, probability)
    return made, question_pool.question_frame(made, task)


def chosen(
    task: TaskSet, pool: Pool, rule: str, metric: str, source: str | None, silent: str | None
) -> Selection:
    """What a rule chooses of the pool, judged on models held out unless these are `silent`, and its place among the
    rules tried on the set.

    Raises `StudioError` for a rule that cannot be read.
    """
    selection.resolve_rule(pool, rule, source)  # what cannot be read is no trial
    place = rule_trials.record_trial(session.studio().settings, task.address, (rule, metric, source))
    return _chosen_as(pool, rule, metric, source, silent, place)


def chosen_beforehand(task: TaskSet, pool: Pool, rule: str, metric: str, silent: str | None) -> Selection:
    """The same before anybody tries it, so that it is no trial yet."""
    place = rule_trials.next_trial_number(session.studio().settings, task.address, (rule, metric, None))
    return _chosen_as(pool, rule, metric, None, silent, place)


def _chosen_as(
    pool: Pool, rule: str, metric: str, source: str | None, silent: str | None, place: int
) -> Selection:
    key = (rule, metric, source, silent, place)
    return _CHOICES.made_of((pool,), key, lambda: _chosen(pool, rule, metric, source, silent, place))


def _chosen(
    pool: Pool, rule: str, metric: str, source: str | None, silent: str | None, place: int
) -> Selection:
    with session.spinner("Choosing on some models, judging on the others …"):
        return selection.select_questions(
            pool, rule, metric, source, no_advice_reason=silent, trial_number=place
        )


# --- suspects, and the control that is run for them --------------------------------------------------------


def suspects(task: TaskSet, measurements: Measurements) -> tuple[SuspectList, WrongQuestionControl | None]:
    """The suspected questions, and the control as far as it was run."""
    unread = results.measure(_control_set(task), *control_fleet(task))
    return _SUSPECTS.made_of(
        (measurements, unread), "", lambda: suspect_words.all_suspects(measurements, unread)
    )


def suspect_frame(task: TaskSet, found: SuspectList) -> pd.DataFrame:
    """The suspected questions as a table."""
    return _SUSPECTS.made_of(
        (found, task), "frame", lambda: suspect_words.suspect_frame(found, task.questions)
    )


def control_fleet(task: TaskSet) -> tuple[list[Checkpoint], int | None]:
    """Each model's last checkpoint of the set's fleet, and its few-shot count: where the control is run."""
    checkpoints, num_fewshot = results.fleet(task)
    return run_order.last_of_each(checkpoints), num_fewshot


def _control_set(task: TaskSet) -> TaskSet:
    return _SUSPECTS.made_of((task,), "control", lambda: wrong_question_control.control_set(task))


# --- relevance, which embeds every question: only where it was asked for ----------------------------------


def relevance_asked(task: TaskSet) -> bool | None:
    """Whether the relevance that was asked for can be computed; None where nobody asked."""
    return _asked().get(task.address)


def add_relevance(task: TaskSet) -> None:
    """Ask for the relevance of every question from now on, and compute it."""
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
