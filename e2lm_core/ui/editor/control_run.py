"""The run of a set's wording control, or of the words that an edit added: its button and its progress.

Tested in tests/pages/test_questions.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from e2lm_core.base.records import Checkpoint, TaskSet
from e2lm_core.runs import start as run_start
from e2lm_core.runs.messages import run_status as run_words
from e2lm_core.runs.queue.progress import run_progress
from e2lm_core.runs.queue.records import Job
from e2lm_core.ui import run_launcher, session
from e2lm_core.ui.base import language, markdown, polling


def progress_or_error(task: TaskSet, key: str, kind: str = run_start.CONTROL) -> bool:
    """Draw the progress of the control's run, or the error of the last one; whether a run goes on.

    Args:
        task: The set.
        key: Start of the widgets' keys.
        kind: Kind of the run.
    """
    job = _latest_job(task, kind)
    if job is not None and not job.over:
        run_launcher.ensure_worker()
        st.fragment(_progress, run_every=polling.poll_interval(polling.PROGRESS_S, is_own_run=False))(
            task, key, kind
        )
        return True
    if job is not None and job.error:
        markdown.error(job.error, icon=":material/error:")
    return False


def run_button(
    task: TaskSet, checkpoints: Sequence[Checkpoint], num_fewshot: int | None, label: str, key: str
) -> None:
    """Draw the button that queues a run of the control; what is stored already is not computed again.

    Args:
        task: The set.
        checkpoints: Checkpoints to run on.
        num_fewshot: Number of few-shot examples; None for the set's own.
        label: The button's label.
        key: Key of the widget.
    """
    if st.button(markdown.escape(label), icon=":material/quiz:", key=key):
        run_launcher.queue_run(task, checkpoints, num_fewshot, kind=run_start.CONTROL)


def _latest_job(task: TaskSet, kind: str) -> Job | None:
    return run_start.latest_job(session.studio(), task.address, kind=kind)


def _progress(task: TaskSet, key: str, kind: str) -> None:
    job = _latest_job(task, kind)
    if job is None or job.over:
        polling.redraw_page()
        return
    run = run_progress(session.studio().jobs, job, task)
    st.progress(run.share, text=markdown.escape(run_words.progress_sentence(run)))
    run_launcher.cancel_button(
        job.id, language.translate("Cancel the control"), f"{key}_cancel", icon=":material/stop:"
    )
