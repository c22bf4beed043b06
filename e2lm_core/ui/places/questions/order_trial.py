"""Orders of choices, in the tab Alternatives.

Tested in tests/pages/test_alternatives.py.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from e2lm_core.analysis.alternatives.messages import orders as messages
from e2lm_core.analysis.alternatives.order import OrderEffect
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.runs.trials import orders as order_trials
from e2lm_core.runs.trials.trial import Trial
from e2lm_core.sets.variants import shows_choices
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown
from e2lm_core.ui.cache import results
from e2lm_core.ui.editor import trial_jobs

_KEY = "order"


def order_panel(task: TaskSet, head: DeltaGenerator) -> None:
    """Draw what other orders of the choices do to the set.

    Args:
        task: The set.
        head: Container of the headline.
    """
    as_letters = not shows_choices(task)
    if as_letters:
        markdown.caption(messages.NO_ORDER)
    number = st.segmented_control(
        language.translate("Orders"),
        (0, 4, 12),
        default=0,
        required=True,
        format_func=lambda n: markdown.escape(
            language.translate("{number} random orders", number=n)
            if n
            else language.translate("Every place in turn")
        ),
        key="order_draws",
    )
    draws = number or None
    label = Sentence("Try other orders as A–D letters") if as_letters else Sentence("Try other orders")
    fleet = results.fleet(task)
    of = (task.digest, draws, fleet.digest)
    clicked = st.button(markdown.escape(label), type="primary", icon=":material/shuffle:", key="order_try")
    found: OrderEffect | None = None
    try:
        if clicked or trial_jobs.is_kept(_KEY, of):
            trial = order_trials.plan_order_trial(
                session.studio(), task, *fleet.run_arguments, draws=draws, as_letters=as_letters
            )
            if clicked:
                trial_jobs.start(task, trial, trial.checkpoints, fleet.num_fewshot, _KEY, of)
            found = trial_jobs.results(_KEY, of, lambda: trial, _judged)
    except StudioError as error:
        markdown.error(error, icon=":material/error:")
    with head:
        widgets.headline(
            messages.headline(found) if found else "Ask every question with its choices in other places."
        )
    if found is not None:
        _effect(task, found)
    widgets.how_computed(*messages.HOW)


def _judged(trial: Trial) -> OrderEffect:
    return order_trials.judge_order_trial(trial)


def _effect(task: TaskSet, found: OrderEffect) -> None:
    markdown.markdown(messages.place_sentence(found))
    widgets.table(
        pd.DataFrame(messages.place_rows(found)),
        f"places-{task.name}",
        "order_places",
        percent=("accuracy", "answers"),
    )
    markdown.markdown(messages.questions_sentence(found))
    if found.hanging:
        widgets.table(
            pd.DataFrame(messages.question_rows(found)),
            f"place-questions-{task.name}",
            "order_questions",
            height=320,
            phone_columns=("id", "effect"),
            percent=("effect", *messages.LETTERS),
        )
