"""Queues runs and keeps a worker alive.

Tested in tests/pages/test_pages.py.
"""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Checkpoint, TaskSet
from e2lm_core.runs import evaluate, worker
from e2lm_core.runs import start as run_start
from e2lm_core.runs import state as run_state
from e2lm_core.runs.queue import permissions
from e2lm_core.ui.base import markdown
from e2lm_core.ui.session import studio

# Two starts of a worker are at least these seconds apart, in case workers die at their start.
RESPAWN_S = 15.0


# The value is {process, started} of the worker that this server started last.
@st.cache_resource(show_spinner=False)
def _workers() -> dict:
    return {}


def queue_run(
    task: TaskSet,
    checkpoints: Sequence[Checkpoint] | None = None,
    num_fewshot: int | None = None,
    priority: int = evaluate.SWEEP,
    kind: str = run_start.KIND,
    rolling: bool = False,
    anew: bool = False,
    words: Mapping[str, str] | None = None,
) -> None:
    """Queue a run and redraw the page; a refusal is shown as an error. Arguments as in `start_run`."""
    try:
        start_run(task, checkpoints, num_fewshot, priority, kind, rolling, anew, words)
    except StudioError as error:
        markdown.error(error, icon=":material/error:")
    else:
        st.rerun()


def start_run(
    task: TaskSet,
    checkpoints: Sequence[Checkpoint] | None = None,
    num_fewshot: int | None = None,
    priority: int = evaluate.SWEEP,
    kind: str = run_start.KIND,
    rolling: bool = False,
    anew: bool = False,
    words: Mapping[str, str] | None = None,
) -> None:
    """Queue a run of a set, and start a worker unless one lives.

    Args:
        task: The set.
        checkpoints: Checkpoints to run on; None for those of the set's last run that are on this computer.
        num_fewshot: Number of few-shot examples; ignored if `checkpoints` is None.
        priority: Priority in the queue, `evaluate.SWEEP` or `evaluate.INTERACTIVE`.
        kind: Kind of the job.
        rolling: Download one checkpoint at a time and evict it afterwards.
        anew: Compute results again that are stored already.
        words: For a run of words alone, the word by the question's id.

    Raises:
        StudioError: The run is refused.
    """
    fleet: Sequence[Checkpoint] = ()
    if checkpoints is None:
        checkpoints, fleet, num_fewshot = run_state.next_fleet(studio(), task.address)
    run_start.submit_run(
        studio(),
        task,
        checkpoints,
        num_fewshot,
        priority,
        browser_owner(),
        kind,
        rolling=rolling,
        fleet=fleet,
        recompute=anew,
        words=words,
    )
    ensure_worker()


def cancel_button(job: int | None, label: str, key: str, **look: Any) -> None:
    """Draw a button that cancels a run, if the caller may cancel it."""
    try:
        may = job is not None and permissions.may_cancel(
            studio().settings, permissions.get_visible_run(studio(), job)
        )
    except StudioError:  # the run now belongs to another set
        return
    if not may or job is None or not st.button(markdown.escape(label), key=key, **look):
        return
    try:
        permissions.cancel_run(studio(), job)
    except StudioError as error:
        markdown.error(error, icon=":material/error:")
    else:
        st.rerun()


def is_own_run(state: run_state.SetState) -> bool:
    """Whether this session started the run; a run from the command line counts for every session."""
    return state.owner in ("", browser_owner())


def browser_owner() -> str:
    """Owner of this session's runs, for a fair queue: a random name of the session."""
    return st.session_state.setdefault("visitor", uuid.uuid4().hex)


def ensure_worker() -> None:
    """Start the worker process unless the one that this app started last still lives.

    Pages call it while a run goes on, so a dead worker is replaced; see `RESPAWN_S`.
    """
    last = _workers()
    dead = last.get("process") is None or last["process"].poll() is not None
    if dead and time.monotonic() - last.get("started", -math.inf) > RESPAWN_S:
        last["process"] = worker.spawn_worker()
        last["started"] = time.monotonic()
