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

# The visitor's own last edit is shown for this time, whatever others have edited since.
OWN = timedelta(minutes=30)


def forget_last_edit() -> None:
    """Drop the errors of the previous edit's run."""
    st.session_state.pop("editor_refused", None)


def auto_run_token() -> str:
    """Owner of the run that a saved edit starts, see `issue_token`; "" if switched off."""
    return run_launcher.browser_owner() if st.session_state.get("run_edits", True) else ""


def after_save(task: TaskSet) -> None:
    """Run the edited questions after a save, if the set has results and the switch is on."""
    if visitor := auto_run_token():
        try:
            if edits.start_edit_run(session.studio(), task, visitor) is not None:
                run_launcher.ensure_worker()
        except StudioError as error:
            st.session_state["editor_refused"] = [error.sentence]


@dataclass(frozen=True)
class LastEdit:
    """The last edit of a set.

    Attributes:
        after: The set after the edit.
        before: The set before the edit; None if it is not kept.
        mine: Whether the edit is the visitor's own.
    """

    after: TaskSet
    before: TaskSet | None = None
    mine: bool = False


def last_edit(task: TaskSet) -> LastEdit:
    """The visitor's own last edit if it is recent, else the last edit whose results pages show."""
    if session.is_example(task.address):
        return LastEdit(task)
    kept = session.versions_of_set(task.address)
    own = next((n for n in reversed(range(len(kept))) if _is_own(kept[n])), None)
    if own is None:
        here = results.shown_results(task)
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
        # A version is missing or damaged: Undo reports it; here the edit is shown without its before.
        return edit


def _is_own(version: versions.Version) -> bool:
    is_recent = datetime.now(UTC) - datetime.fromisoformat(version.at) < OWN
    return version.who == session.studio().settings.author and is_recent
