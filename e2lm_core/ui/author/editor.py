"""The table editor of a set: its sheet stays fixed while its user types, and every edit is saved at once.

Tested in tests/pages/test_pages.py.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.runs import evaluate, start
from e2lm_core.sets import authoring, locks, sheet
from e2lm_core.ui import session
from e2lm_core.ui.frame import say
from e2lm_core.ui.remembered import results
from e2lm_core.ui.remembered.keep import Kept
from e2lm_core.ui.runs import starting

Edits = dict[str, dict[str, Any]]  # {question id: {field: value}}
# One sheet of a set's version is the same for all who edit it: their edits are apart.
_SHEETS = Kept("sheets")
_NONE = object()  # unlike any value of a field

CHOICE_PX = 130


def table(task: TaskSet) -> None:
    """Edit in place. A refused edit stays in its cell, with the sentence that says why, until it is mended."""
    frame = _sheet(task)
    key = f"editor_{task.address}_{_epoch()}"
    choices = [c for c in frame.columns if c.startswith("choice ")]
    st.data_editor(
        frame,
        key=key,
        hide_index=True,
        num_rows="fixed",
        placeholder="",
        column_order=["id", "question", "gold", *choices, "subject", "note", "taught"],
        column_config=_columns(choices),
        height=min(560, 38 + 35 * max(len(frame), 3)),
        on_change=_apply,
        args=(task.address, key),
    )
    for sentence in st.session_state.get("editor_refused", ()):
        say.error(sentence, icon=":material/error:")


def _columns(choices: list[str]) -> dict:
    text = st.column_config.TextColumn
    return {
        "id": text("id", disabled=True, width="small"),
        "question": text("question", width="large", required=True),
        **{c: text(c, width=CHOICE_PX) for c in choices},
        "gold": st.column_config.NumberColumn(
            "gold",
            min_value=0,
            max_value=len(choices) - 1,
            step=1,
            width="small",
            required=True,
            help="The index of the right choice, from 0.",
        ),
        "subject": text("subject", width="small"),
        "note": text("note", width="small"),
        "taught": st.column_config.CheckboxColumn(
            "taught",
            disabled=True,
            width="small",
            help="Whether the embedded models were told this answer. If not, their curves say nothing of it.",
        ),
    }


def reset() -> None:
    """Give the editor a new sheet: after an undo, an import, or anything that it did not do itself."""
    st.session_state["editor_epoch"] = _epoch() + 1
    st.session_state.pop("editor_sheet", None)
    st.session_state.pop("editor_refused", None)
    st.session_state.pop("editor_saved", None)


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


def _epoch() -> int:
    return st.session_state.get("editor_epoch", 0)


def _sheet(task: TaskSet) -> pd.DataFrame:
    """The questions as they were when the sheet was made: one that changed would take the cursor from its user."""
    mark = (task.address, _epoch())
    made_for, frame = st.session_state.get("editor_sheet", (None, None))
    if made_for != mark:
        frame = _SHEETS.made_of((task,), "", lambda: _made(task))
        st.session_state["editor_sheet"] = (mark, frame)
        st.session_state["editor_saved"] = {}  # of this sheet: another set may have the same questions
    return frame


def _made(task: TaskSet) -> pd.DataFrame:
    told = results.taught_answers(task)
    return sheet.to_frame(task.questions, told)


def _apply(name: str, key: str) -> None:
    if "editor_sheet" not in st.session_state:
        return
    _, frame = st.session_state["editor_sheet"]
    edits = _since_last(sheet.changes(frame, st.session_state[key]["edited_rows"]))
    try:
        # From reading to saving, so that what is saved is what was read and the edit, nothing older.
        with locks.writing(session.studio().settings, name):
            saved, refused = _save_each(name, edits)
    except StudioError as error:
        saved, refused = None, [f"{error} Not saved yet."]
    st.session_state["editor_refused"] = refused
    if saved:
        edited(saved)


def _since_last(edits: Edits) -> Edits:
    """The edits that were not saved from this sheet before: the browser sends all since it was made each time.

    What was saved stays saved by whoever wrote last: sent again, it would take back a colleague's change.
    """
    saved: Edits = st.session_state.get("editor_saved", {})
    return {identity: fields for identity, fields in edits.items() if saved.get(identity) != fields}


def _save_each(name: str, edits: Edits) -> tuple[TaskSet | None, list[str]]:
    """The set as it was saved, None where nothing was, and what was refused.

    One at a time, so that a question that is wrong does not hold the others back; of a question only the
    fields that changed since its last save.
    """
    settings = session.studio().settings
    done: Edits = st.session_state.setdefault("editor_saved", {})
    task, saved, refused = session.read_set(name), None, []
    for identity, fields in edits.items():
        before = done.get(identity, {})
        changed = {field: value for field, value in fields.items() if before.get(field, _NONE) != value}
        if authoring.unsaved(task, {identity: changed}):
            try:
                task = saved = authoring.update_questions(settings, name, {identity: changed}, task)
            except StudioError as error:
                refused.append(f"{error} Not saved yet.")
                continue
        done[identity] = fields
    return saved, refused
