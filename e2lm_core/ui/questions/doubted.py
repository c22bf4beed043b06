"""The questions to look at, with the evidence, and whether the set can be answered unread: the wrong-question control.

Tested in tests/pages/test_questions.py.
"""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from e2lm_core.analysis.questions.suspects import words
from e2lm_core.analysis.questions.suspects.control import WrongQuestionControl
from e2lm_core.base.records import TaskSet
from e2lm_core.runs import start as run_start
from e2lm_core.runs.queue.progress import run_progress
from e2lm_core.runs.queue.records import Job
from e2lm_core.runs.said import words as run_words
from e2lm_core.scores.measurements import Measurements
from e2lm_core.ui import session
from e2lm_core.ui.frame import parts, polling, say
from e2lm_core.ui.remembered import questions as remembered
from e2lm_core.ui.runs import starting


def suspects_tab(task: TaskSet, measurements: Measurements, head: DeltaGenerator) -> None:
    """The finding in `head`, the table with the evidence, and the control."""
    found, controlled = remembered.suspects(task, measurements)
    with head:
        parts.headline(words.headline(found))
    if found.listed:
        number = st.column_config.NumberColumn
        parts.table(
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
        say.caption(
            "Models are no judges: they say where to look. A key that is doubted may be right and the models wrong together."
        )
    else:
        parts.empty_state("Nothing to look at: no question stands out.")
    st.subheader("Answered without being read?", anchor=False, help=words.CONTROL_HELP)
    _control(task, controlled)


def _control(task: TaskSet, controlled: WrongQuestionControl | None) -> None:
    job = run_start.latest_job(session.studio(), task.address, kind=run_start.CONTROL)
    if job is not None and not job.over:
        starting.ensure_worker()
        st.fragment(_progress, run_every=polling.poll_interval(polling.PROGRESS_S, is_own_run=False))(task)
        return
    if controlled is not None:
        say.markdown(words.control_sentence(controlled))
        parts.table(
            lambda: words.control_frame(controlled),
            f"unread-{task.name}",
            "questions_unread",
            percent=("asked", "others' prompts", "no question"),
            inputs=(controlled,),
        )
        return
    if job is not None and job.error:
        say.error(job.error, icon=":material/error:")
    say.caption(
        f"{words.NO_CONTROL}: it takes a run of each model's last checkpoint under other questions' prompts."
    )
    if st.button("Run the control", icon=":material/quiz:", key="questions_control"):
        starting.queue_run(task, *remembered.control_fleet(task), kind=run_start.CONTROL)


def _progress(task: TaskSet) -> None:
    job: Job | None = run_start.latest_job(session.studio(), task.address, kind=run_start.CONTROL)
    if job is None or job.over:
        st.rerun()
    run = run_progress(session.studio().jobs, job, task)
    st.progress(run.share, text=say.escape(run_words.progress_sentence(run)))
    starting.cancel_button(job.id, "Cancel the control", "questions_control_cancel", icon=":material/stop:")
