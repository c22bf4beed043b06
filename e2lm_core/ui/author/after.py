"""What follows a change of a set: the table editor's new sheet, and a run of what was edited.

Tested in tests/pages/test_pages.py and tests/pages/test_live.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.runs import evaluate, start
from e2lm_core.ui import session
from e2lm_core.ui.remembered import results
from e2lm_core.ui.runs import starting


def reset() -> None:
    """Give the editor a new sheet: after an undo, an import, or anything that it did not do itself."""
    st.session_state["editor_epoch"] = epoch() + 1
    st.session_state.pop("editor_sheet", None)
    st.session_state.pop("editor_refused", None)
    st.session_state.pop("editor_saved", None)


def epoch() -> int:
    """Which sheet the editor shows: grows with each new one."""
    return st.session_state.get("editor_epoch", 0)


def edited(task: TaskSet) -> None:
    """After a saved edit: run what changed at once, where the set has results and the visitor wants it."""
    if st.session_state.get("run_edits", True) and _has_results(task):
        try:
            starting.start_run(task, priority=evaluate.INTERACTIVE)
        except StudioError as error:
            st.session_state["editor_refused"] = [str(error)]


def _has_results(task: TaskSet) -> bool:
    """Whether it was run, or holds questions that were: those of a copy, or of a run on the command line."""
    return bool(start.latest_job(session.studio(), task.address)) or results.measurements(task).measured > 0
