"""The last edit and its run.

Tested in tests/pages/test_pages.py and tests/pages/test_live.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.sets import versions
from e2lm_core.ui import run_launcher, session
from e2lm_core.ui.cache import results
from e2lm_core.ui.cache import scores as remembered
from e2lm_core.ui.editor import edit_run as edits

# One's own last edit is what one wants to see for so long, whatever others have edited since.
OWN = timedelta(minutes=30)


def forget_last_edit() -> None:
    """Forget what was said of the edit before."""
    st.session_state.pop("editor_refused", None)


def auto_run_token() -> str:
    """Whose run an edit begins as soon as it is saved, see `requests.pass_for`; "" where the visitor wants none."""
    return run_launcher.browser_owner() if st.session_state.get("run_edits", True) else ""


def after_save(task: TaskSet) -> None:
    """After a saved edit: run what changed at once, where the set has results and the visitor wants it."""
    if visitor := auto_run_token():
        try:
            if edits.start_edit_run(session.studio(), task, visitor) is not None:
                run_launcher.ensure_worker()
        except StudioError as error:
            st.session_state["editor_refused"] = [str(error)]


@dataclass(frozen=True)
class LastEdit:
    """The set after an edit and before it, None where that is not kept."""

    after: TaskSet
    before: TaskSet | None = None
    mine: bool = False


def last_edit(task: TaskSet) -> LastEdit:
    """The visitor's own last edit where it is recent, else the last of which pages show figures; as the history has them."""
    if session.is_example(task.address):
        return LastEdit(task)
    kept = versions.list_versions(session.studio().settings, task.address)
    own = next((n for n in reversed(range(len(kept))) if _is_own(kept[n])), None)
    if own is None:
        here = results.shown(task)
        at = next((n for n, version in enumerate(kept) if version.number == here.number), 0)
        edit = LastEdit(here.task)
    else:
        at, edit = own, LastEdit(task, mine=True)
    if not at:
        return edit
    try:
        if own is not None and not kept[at].shown:
            edit = replace(edit, after=remembered.version(task.address, kept[at].number))
        return replace(edit, before=remembered.version(task.address, kept[at - 1].number))
    except StudioError:
        # A snapshot is gone, or damaged: Undo says so, and here it is not missed.
        return edit


def _is_own(version: versions.Version) -> bool:
    if version.who != session.studio().settings.author or version.at is None:
        return False
    return datetime.now(UTC) - datetime.fromisoformat(version.at) < OWN
