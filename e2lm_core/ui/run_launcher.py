"""Queues runs and keeps a worker alive.

Tested in tests/pages/test_pages.py.
"""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Sequence
from typing import Any

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Checkpoint, TaskSet
from e2lm_core.runs import evaluate, worker
from e2lm_core.runs import start as run_start
from e2lm_core.runs import state as run_state
from e2lm_core.runs.queue import permissions
from e2lm_core.ui.app import markdown
from e2lm_core.ui.session import studio

# No two workers are started within this time, should they die at their start.
RESPAWN_S = 15.0


# {process, started} of the worker that this server started last.
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
) -> None:
    """Start a run and draw the page again; a refusal is shown, and nothing is lost."""
    try:
        start_run(task, checkpoints, num_fewshot, priority, kind, rolling, anew)
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
) -> None:
    """Queue a run of the set and see that a worker is there.

    Unless checkpoints are named it is on those of its last run that are on this machine. Raises `StudioError` where the
    run is refused.
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
    )
    ensure_worker()


def cancel_button(job: int | None, label: str, key: str, **look: Any) -> None:
    """A button that cancels a run, for those who may."""
    try:
        may = job is not None and permissions.may_cancel(
            studio().settings, permissions.get_visible_run(studio(), job)
        )
    except StudioError:  # another set's, meanwhile
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
    """Whether this session started the run that goes on; one from the command line is everybody's."""
    return state.owner in ("", browser_owner())


def browser_owner() -> str:
    """Whose runs these are, for a queue that is fair: this session, under a name that tells nothing."""
    return st.session_state.setdefault("visitor", uuid.uuid4().hex)


def ensure_worker() -> None:
    """Start the worker process unless the one that this app started still lives.

    Pages call it while a run is open, so a worker that died is replaced; see `RESPAWN_S`.
    """
    last = _workers()
    dead = last.get("process") is None or last["process"].poll() is not None
    if dead and time.monotonic() - last.get("started", -math.inf) > RESPAWN_S:
        last["process"] = worker.spawn_worker()
        last["started"] = time.monotonic()
