"""Tab Suspects.

Tested in tests/pages/test_questions.py.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from e2lm_core.analysis.questions import problems
from e2lm_core.analysis.questions.suspects import messages
from e2lm_core.analysis.questions.suspects.records import SuspectList
from e2lm_core.analysis.questions.suspects.wrong_question_control import WrongQuestionControl
from e2lm_core.base.records import TaskSet
from e2lm_core.charts import questions as question_charts
from e2lm_core.scores.measurements import Measurements
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown, urls, viewport
from e2lm_core.ui.cache import questions as remembered
from e2lm_core.ui.cache import results
from e2lm_core.ui.editor import control_run, question_view


def suspects_tab(task: TaskSet, measurements: Measurements, head: DeltaGenerator) -> None:
    """Draw the tab: the headline in `head`, the table with the evidence, and the control."""
    found, controlled = remembered.suspects(task, measurements)
    with head:
        widgets.headline(messages.headline(found))
    if found.listed:
        _table(task, found)
        markdown.caption("These are hints, not verdicts: the models may all be wrong.")
        urls.link("problems", "Fix them one after the other", ":material/build:")
    else:
        widgets.empty_state("No suspicious questions.")
    st.header(
        language.translate("Can it be guessed?"), anchor=False, help=markdown.escape(messages.CONTROL_HELP)
    )
    _control(task, measurements, controlled)


def _table(task: TaskSet, found: SuspectList) -> None:
    """Draw the questions to check with text and choices; a selected one can be opened and changed."""
    by_id = {question.id: question for question in task.questions}
    questions = [by_id[suspect.question_id] for suspect in found.listed]
    frame = pd.DataFrame(
        {
            "why": [language.translate(problems.TITLES[suspect.kind]) for suspect in found.listed],
            "question": [question.question for question in questions],
            "choices": [language.translate(problems.lettered_choices(question)) for question in questions],
            "reason": [
                language.translate(problems.suspect_reason(suspect, question))
                for suspect, question in zip(found.listed, questions, strict=True)
            ],
        }
    )
    picked = st.dataframe(
        frame,
        hide_index=True,
        height=420 if len(frame) > 10 else "auto",
        on_select="rerun",
        selection_mode="multi-row",
        key=f"questions_suspects_{hash(tuple(suspect.question_id for suspect in found.listed))}",
        column_order=("why", "question") if viewport.is_narrow() else None,
        column_config={
            "why": language.translate("why"),
            "question": language.translate("question"),
            "choices": language.translate("choices"),
            "reason": language.translate("reason"),
        },
    )
    widgets.csv_button(
        lambda: remembered.suspect_frame(task, found), f"{task.name}-suspects.csv", "questions_suspects"
    )
    models = list({c.model.name: c.model for c in results.fleet(task).checkpoints}.values())
    ids = [questions[row].id for row in picked.selection.rows]
    question_view.show_selected(task, ids, "suspects", models)


def _control(task: TaskSet, measurements: Measurements, controlled: WrongQuestionControl | None) -> None:
    goes_on = control_run.progress_or_error(task, "questions_control")
    if controlled is None:
        if not goes_on:
            markdown.caption(
                language.translate(
                    "Not known yet: run each model's last checkpoint under other questions' prompts and other wordings."
                )
            )
            control_run.run_button(
                task,
                *remembered.control_fleet(task),
                language.translate("Run the control"),
                "questions_control",
            )
        return
    markdown.markdown(messages.control_sentence(controlled))
    for sentence in messages.wording_sentences(controlled):
        markdown.markdown(sentence)
    by_condition, by_question, by_model, by_checkpoint = st.tabs(
        [
            language.translate("By condition"),
            language.translate("By question"),
            language.translate("By model"),
            language.translate("Curves"),
        ]
    )
    with by_condition:
        widgets.table(
            lambda: messages.condition_frame(controlled),
            f"conditions-{task.name}",
            "questions_conditions",
            phone_columns=("condition", "accuracy", "kept"),
            percent=("accuracy", "low", "high", "kept", "kept low", "kept high"),
            column_config={
                "kept": st.column_config.NumberColumn(
                    language.translate("kept"),
                    format="%.1f%%",
                    help=language.translate("Share of the distance from chance to the accuracy as written."),
                ),
            },
            inputs=(controlled,),
        )
    with by_question:
        widgets.table(
            lambda: remembered.wordings_frame(task, measurements),
            f"wordings-{task.name}",
            "questions_wordings",
            height=320,
            phone_columns=("id", "rarest word", messages.CONDITION_LABEL["word"]),
            percent=tuple(messages.CONDITION_LABEL.values()),
            inputs=(controlled, task),
        )
    with by_model:
        widgets.table(
            lambda: messages.control_frame(controlled),
            f"unread-{task.name}",
            "questions_unread",
            percent=("asked", "others' prompts", *messages.CONDITION_LABEL.values()),
            inputs=(controlled,),
        )
    with by_checkpoint:
        _curves(task, measurements)
    if not goes_on and (controlled.left_out or controlled.condition("word") is None):
        control_run.run_button(
            task,
            *remembered.control_fleet(task),
            language.translate("Run what is missing"),
            "questions_control",
        )


def _curves(task: TaskSet, measurements: Measurements) -> None:
    """Draw the accuracy under each condition at every checkpoint, or the button that runs them."""
    frame = remembered.condition_curves(task, measurements)
    if frame is None:
        markdown.caption("The control was run at the last checkpoints alone.")
        control_run.run_button(
            task,
            *results.fleet(task).run_arguments,
            language.translate("Run the control at every checkpoint"),
            "questions_control_every",
        )
        return
    widgets.chart(
        lambda: question_charts.condition_curves(
            frame, session.current_theme(), measurements.chance, viewport.is_narrow()
        ),
        "questions_condition_curves",
        language.translate("Accuracy under each condition of the wording control against tokens seen"),
        inputs=(frame,),
    )
    widgets.table(
        frame,
        f"condition-curves-{task.name}",
        "questions_condition_curves",
        height=240,
        phone_columns=("tokens_seen", *list(messages.CONDITION_LABEL.values())[:1]),
        percent=tuple(messages.CONDITION_LABEL.values()),
    )
