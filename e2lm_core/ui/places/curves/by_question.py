"""Tab By question.

Tested in tests/pages/test_curves.py.
"""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from e2lm_core.analysis import tables
from e2lm_core.analysis.curves import messages as curve_words
from e2lm_core.base import formatting
from e2lm_core.base.records import SHARES, Question, TaskSet
from e2lm_core.base.sentences import Sentence, joined
from e2lm_core.charts import curves as curve_charts
from e2lm_core.scores.measurements import Measurements
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown, page_cache, urls, viewport
from e2lm_core.ui.editor import question_view
from e2lm_core.ui.places.curves.accuracy import View

# Limit on the points of all small curves together: 20,000 questions at 25 checkpoints of each model need
# half of it.
MAX_POINTS = 2_000_000


def finding(task: TaskSet, measurements: Measurements) -> str:
    """Headline of the single questions: the numbers that improve and get worse."""
    return curve_words.questions_headline(_questions(task, measurements), measurements.has_curve)


def _questions(task: TaskSet, measurements: Measurements) -> pd.DataFrame:
    return page_cache.get_or_compute(
        "table of questions", (measurements, task), lambda: tables.question_table(measurements, task)
    )


def table(task: TaskSet, measurements: Measurements, view: View) -> None:
    """Draw a table of all questions, and the curves of the selected one."""
    number, line = st.column_config.NumberColumn, st.column_config.LineChartColumn
    frame = _questions(task, measurements)
    sent = _sent(frame)
    picked = st.dataframe(
        sent.assign(**{name: sent[name] * 100 for name in ("acc_first", "acc_last") if name in sent}),
        hide_index=True,
        height=300,
        placeholder=formatting.DASH,
        column_order=("id", "acc_first", "acc_last") if viewport.is_narrow() else None,
        on_select=partial(_pick, task),
        selection_mode="single-row",
        key="curves_question",
        column_config={
            **widgets.headings(sent.columns),
            "acc_first": number(language.translate("acc, first"), format="%.1f%%"),
            "acc_last": number(language.translate("acc, last"), format="%.1f%%"),
            "acc_curve": line("acc", y_min=0, y_max=1),
            "norm_prob_first": number(language.translate("norm_prob, first"), format="%.3f"),
            "norm_prob_last": number(language.translate("norm_prob, last"), format="%.3f"),
            "norm_prob_curve": line("norm_prob", y_min=0, y_max=1),
        },
    )
    notes = [
        Sentence("Select a question to see its own curves. Means are over the models that count in scores.")
    ]
    if len(sent.columns) < len(frame.columns):
        notes.append(
            Sentence(
                "A small curve a row is left out: of {number} questions they would keep the page waiting.",
                number=len(frame),
            )
        )
    markdown.caption(joined(notes))
    rows, ids = picked.selection.rows, [question.id for question in task.questions]
    held = st.session_state.get(urls.HELD["question"])
    at = rows[0] if rows else ids.index(held) if held in ids else _risen_most(frame)
    if at is not None:
        if rows:
            question_view.show_selected(task, [task.questions[at].id], "one_by_one", view.models)
        else:
            question_view.show_question(task.questions[at])
        _question(task.questions[at], measurements, view)


def _sent(frame: pd.DataFrame) -> pd.DataFrame:
    """The table as the browser gets it: without the small curves if they have too many points."""
    curves = [name for name in frame if str(name).endswith("_curve")]
    points = sum(len(of) for name in curves for of in frame[name].head(1) if of is not None)
    return frame.drop(columns=curves) if points * len(frame) > MAX_POINTS else frame


def _pick(task: TaskSet) -> None:
    """Remember the selected question for links and other places."""
    for row in st.session_state["curves_question"].selection.rows[:1]:
        st.session_state[urls.HELD["question"]] = task.questions[row].id


def _risen_most(frame: pd.DataFrame) -> int | None:
    """Index of the question drawn before one is selected: the largest rise of norm_prob; None without one."""
    rise = frame["norm_prob_last"] - frame["norm_prob_first"] if "norm_prob_first" in frame else None
    return None if rise is None or rise.isna().all() else int(rise.argmax())


def _question(question: Question, measurements: Measurements, view: View) -> None:
    if not measurements.has_curve:
        widgets.empty_state(curve_words.NO_CURVE)
        return
    # The accuracy of one question is 0 or 1, so the probability is more informative.
    metric = "norm_prob" if view.metric in SHARES else view.metric
    frame, axis = view.on_axis(tables.question_frame(measurements, question.id, metric), measurements)
    widgets.chart(
        curve_charts.learning_curves(
            curve_charts.CurvePlot(
                frame,
                view.models,
                metric,
                session.current_theme(),
                chance=1 / len(question.choices) if metric == "norm_prob" else None,
                height=340,
                narrow=viewport.is_narrow(),
                axis=axis,
                looks=view.looks,
            )
        ),
        "curves_one",
        language.translate("{metric} of question {id}", metric=metric, id=question.id),
    )
