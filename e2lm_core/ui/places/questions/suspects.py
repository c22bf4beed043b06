"""Tab Suspects.

Tested in tests/pages/test_questions.py.
"""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from e2lm_core.analysis.questions.suspects import messages
from e2lm_core.analysis.questions.suspects.wrong_question_control import WrongQuestionControl
from e2lm_core.base.records import TaskSet
from e2lm_core.runs import start as run_start
from e2lm_core.runs.messages import run_status as run_words
from e2lm_core.runs.queue.progress import run_progress
from e2lm_core.runs.queue.records import Job
from e2lm_core.scores.measurements import Measurements
from e2lm_core.ui import run_launcher, session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import markdown, polling
from e2lm_core.ui.cache import questions as remembered


def suspects_tab(task: TaskSet, measurements: Measurements, head: DeltaGenerator) -> None:
    """Draw the tab: the headline in `head`, the table with the evidence, and the control."""
    found, controlled = remembered.suspects(task, measurements)
    with head:
        widgets.headline(messages.headline(found))
    if found.listed:
        number = st.column_config.NumberColumn
        widgets.table(
            lambda: remembered.suspect_frame(task, found),
            f"suspects-{task.name}",
            "questions_suspects",
            phone_columns=("id", "key", "about"),
            column_config={
                "evidence": number(format="%.2f"),
                "models": number(help="How many of them agree."),
                "key": st.column_config.TextColumn("the key says"),
                "about": st.column_config.TextColumn(
                    "in question",
                    help="What the models say instead of the key; or the choices that are alike, or that nobody takes.",
                ),
            },
            inputs=(found, task),
        )
        markdown.caption(
            "Models are no judges: they say where to look. A key that is doubted may be right and the models wrong together."
        )
    else:
        widgets.empty_state("Nothing to look at: no question stands out.")
    st.subheader("Answered without being read?", anchor=False, help=messages.CONTROL_HELP)
    _control(task, controlled)


def _control(task: TaskSet, controlled: WrongQuestionControl | None) -> None:
    job = run_start.latest_job(session.studio(), task.address, kind=run_start.CONTROL)
    if job is not None and not job.over:
        run_launcher.ensure_worker()
        st.fragment(_progress, run_every=polling.poll_interval(polling.PROGRESS_S, is_own_run=False))(task)
        return
    if controlled is not None:
        markdown.markdown(messages.control_sentence(controlled))
        widgets.table(
            lambda: messages.control_frame(controlled),
            f"unread-{task.name}",
            "questions_unread",
            percent=("asked", "others' prompts", "no question"),
            inputs=(controlled,),
        )
        return
    if job is not None and job.error:
        markdown.error(job.error, icon=":material/error:")
    markdown.caption(
        f"{messages.NO_CONTROL}: it takes a run of each model's last checkpoint under other questions' prompts."
    )
    if st.button("Run the control", icon=":material/quiz:", key="questions_control"):
        run_launcher.queue_run(task, *remembered.control_fleet(task), kind=run_start.CONTROL)


def _progress(task: TaskSet) -> None:
    job: Job | None = run_start.latest_job(session.studio(), task.address, kind=run_start.CONTROL)
    if job is None or job.over:
        st.rerun()
    run = run_progress(session.studio().jobs, job, task)
    st.progress(run.share, text=markdown.escape(run_words.progress_sentence(run)))
    run_launcher.cancel_button(
        job.id, "Cancel the control", "questions_control_cancel", icon=":material/stop:"
    )
