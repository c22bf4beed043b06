"""Trials of variants of a set: queued for the worker, waited for, and kept in the session.

Tested in tests/pages/test_alternatives.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Checkpoint, TaskSet
from e2lm_core.runs import evaluate
from e2lm_core.runs import start as run_start
from e2lm_core.runs.messages import run_status as run_words
from e2lm_core.runs.queue import permissions
from e2lm_core.runs.queue.progress import run_progress
from e2lm_core.runs.trials.trial import FEW_TOGETHER, Trial, take_results
from e2lm_core.ui import run_launcher, session
from e2lm_core.ui.base import language, markdown, polling

T = TypeVar("T")
WAIT_S = 3.0  # a trial of one question is over by then, and its results are drawn at once
LOOK_S = 0.01
_STATE = "trial_{}"


def start(
    task: TaskSet,
    trial: Trial,
    checkpoints: Sequence[Checkpoint],
    num_fewshot: int | None,
    key: str,
    of: Hashable,
    wait_s: float = WAIT_S,
) -> None:
    """Queue a trial, and wait a moment for its end; a refusal is shown.

    Args:
        task: The set.
        trial: The trial.
        checkpoints: Checkpoints to run on.
        num_fewshot: Number of few-shot examples; None for the set's own.
        key: Name of the trial in the session.
        of: What the trial is of; results of anything else are not shown.
        wait_s: Seconds to wait.
    """
    priority = evaluate.INTERACTIVE if len(trial.prompts()) <= FEW_TOGETHER else evaluate.SWEEP
    try:
        job = run_start.submit_run(
            session.studio(),
            task,
            checkpoints,
            num_fewshot,
            priority,
            run_launcher.browser_owner(),
            run_start.TRIAL,
            variants=trial.variants,
        )
    except StudioError as error:
        markdown.error(error, icon=":material/error:")
        return
    run_launcher.ensure_worker()
    st.session_state[_STATE.format(key)] = {"job": job, "of": of}
    until = time.monotonic() + wait_s
    while time.monotonic() < until and not permissions.get_visible_run(session.studio(), job).over:
        time.sleep(polling.poll_interval(LOOK_S, is_own_run=True))


def results(key: str, of: Hashable, trial: Callable[[], Trial], judge: Callable[[Trial], T]) -> T | None:
    """Judged results of the session's last trial, kept in the session; None while there are none.

    Draws the progress of one that goes on, and the error of one that failed.

    Args:
        key: Name of the trial in the session.
        of: What the results must be of.
        trial: Makes the trial that was submitted.
        judge: Judges its results.
    """
    if not is_kept(key, of):
        return None
    kept: dict[str, Any] = st.session_state[_STATE.format(key)]
    if "found" not in kept:
        studio = session.studio()
        try:
            job = permissions.get_visible_run(studio, kept["job"])
            if not job.over:
                run_launcher.ensure_worker()
                st.fragment(_progress, run_every=polling.poll_interval(polling.EDIT_S, is_own_run=True))(
                    trial, key, kept["job"]
                )
                return None
            computed = trial()
            if not take_results(studio, kept["job"], computed):
                sentence = job.error or language.mark(
                    "The trial was cancelled, or its results are gone: try again."
                )
                markdown.error(sentence, icon=":material/error:")
                return None
            kept["found"] = judge(computed)
        except StudioError as error:
            markdown.error(error, icon=":material/error:")
            return None
    found: T = kept["found"]
    return found


def is_kept(key: str, of: Hashable) -> bool:
    """Whether the session's last trial of this name is of this.

    Args:
        key: Name of the trial in the session.
        of: What it must be of.
    """
    kept = st.session_state.get(_STATE.format(key))
    return kept is not None and kept["of"] == of


def forget(key: str) -> None:
    """Drop the session's results of a trial."""
    st.session_state.pop(_STATE.format(key), None)


def _progress(trial: Callable[[], Trial], key: str, job_id: int) -> None:
    studio = session.studio()
    job = permissions.get_visible_run(studio, job_id)
    if job.over:
        polling.redraw_page()
        return
    run = run_progress(studio.jobs, job, trial().task)
    st.progress(run.share, text=markdown.escape(run_words.progress_sentence(run)))
    run_launcher.cancel_button(
        job_id, language.translate("Cancel the trial"), f"{key}_cancel", icon=":material/stop:"
    )
