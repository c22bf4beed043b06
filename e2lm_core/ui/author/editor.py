"""The table editor of a set: its sheet stays fixed while its user types, and every edit is saved at once.

Tested in tests/pages/test_pages.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Question, TaskSet
from e2lm_core.sets import authoring, locks
from e2lm_core.sets.desk import drafts, sheet
from e2lm_core.ui import session
from e2lm_core.ui.author import after
from e2lm_core.ui.author.unsaved import saving
from e2lm_core.ui.frame import say
from e2lm_core.ui.remembered import results
from e2lm_core.ui.remembered.keep import Kept

Edits = dict[str, dict[str, Any]]  # {question id: {field: value}}
# One sheet of a set's version is the same for all who edit it: their edits are apart.
_SHEETS = Kept("sheets")
FIELDS = ("question", "choices", "answer", "subject", "note")
_NONE = object()  # unlike any value of a field

CHOICE_PX = 130


def table(task: TaskSet) -> None:
    """Edit in place. A refused edit stays in its cell, with the sentence that says why, until it is mended."""
    key = f"editor_{task.address}_{after.epoch()}"
    frame = _sheet(task, key)
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


def _sheet(task: TaskSet, key: str) -> pd.DataFrame:
    """The questions as they were when the sheet was made: one that changed would take the cursor from its user.

    It follows what others have saved when it is asked to (`refresh`), which is while nobody types.
    """
    mark = (task.address, after.epoch())
    made_for, frame, _ = st.session_state.get("editor_sheet", (None, None, None))
    if made_for != mark or key not in st.session_state:  # Streamlit forgets an editor that was not drawn
        st.session_state["editor_saved"] = {}  # of this sheet: another set may have the same questions
        return _made(mark, task)
    return frame


def _made(mark: tuple[str, int], task: TaskSet) -> pd.DataFrame:
    frame = _SHEETS.made_of((task,), "", lambda: sheet.to_frame(task.questions, results.taught_answers(task)))
    st.session_state["editor_sheet"] = (mark, frame, {q.id: q for q in task.questions})
    return frame


def refresh(task: TaskSet) -> None:
    """Show what others have saved: in place, so that cursor and scrolling stay, else in a new sheet.

    A new one where rows came or went, and where a cell that was edited in this sheet has changed since: the
    browser would go on showing what was typed there.
    """
    if in_place(task):
        _made((task.address, after.epoch()), task)
    else:
        after.reset()


def in_place(task: TaskSet) -> bool:
    """Whether the sheet can show the set as it is now without being a new one."""
    made_for, frame, shown = st.session_state.get("editor_sheet", (None, None, {}))
    if made_for != (task.address, after.epoch()) or list(shown) != [q.id for q in task.questions]:
        return False
    same_columns = sheet.choice_columns(task.questions) == [c for c in frame if c.startswith("choice ")]
    return same_columns and not authoring.unsaved(task, st.session_state.get("editor_saved", {}))


def seen(name: str) -> Mapping[str, Question]:
    """The questions of a set as the sheet shows them, by id; none where there is no sheet of it."""
    made_for, _, questions = st.session_state.get("editor_sheet", (("", 0), None, {}))
    return questions if made_for[0] == name else {}


def _apply(name: str, key: str) -> None:
    if "editor_sheet" not in st.session_state:
        return
    _, frame, _ = st.session_state["editor_sheet"]
    edits = _since_last(sheet.changes(frame, st.session_state[key]["edited_rows"]))
    try:
        # From reading to saving, so that what is saved is what was read and the edit, nothing older.
        with locks.writing(session.studio().settings, name):
            saved, refused = _save_each(name, edits)
    except StudioError as error:
        saved, refused = None, [f"{error} Not saved yet."]
        for identity, fields in edits.items():
            saving.keep_fields(name, drafts.of_question(identity), fields, _as_seen(name, identity))
    st.session_state["editor_refused"] = refused
    if saved:
        after.edited(saved)


def _since_last(edits: Edits) -> Edits:
    """The edits that were not saved from this sheet before: the browser sends all since it was made each time.

    What was saved stays saved by whoever wrote last: sent again, it would take back a colleague's change.
    """
    saved: Edits = st.session_state.get("editor_saved", {})
    return {identity: fields for identity, fields in edits.items() if saved.get(identity) != fields}


def _save_each(name: str, edits: Edits) -> tuple[TaskSet | None, list[str]]:
    """The set as it was saved, None where nothing was, and what was refused.

    One at a time, so that a question that is wrong does not hold the others back; of a question only the
    fields that changed since its last save. What is not saved, since it is wrong or another was faster,
    stays a draft.
    """
    done: Edits = st.session_state.setdefault("editor_saved", {})
    saved, refused = None, []
    for identity, fields in edits.items():
        before, place = done.get(identity, {}), drafts.of_question(identity)
        changed = {field: value for field, value in fields.items() if before.get(field, _NONE) != value}
        was = _as_seen(name, identity)
        task, clashes, sentence = saving.save_fields(name, identity, changed, was)
        if sentence:
            refused.append(sentence)
            saving.keep_fields(name, place, changed, was)
            continue
        saved, done[identity] = task or saved, fields
        for clash in clashes:
            saving.keep_clash(name, place, clash)
        kept = {clash.field for clash in clashes}
        drafts.drop(session.studio().settings, name, place, changed.keys() - kept)
    return saved, refused


def _as_seen(name: str, identity: str) -> dict[str, Any]:
    """A question's fields as the sheet's user saw them: as it was made, with what they have saved since."""
    shown = seen(name).get(identity)
    of_sheet = {} if shown is None else {f: getattr(shown, f) for f in FIELDS}
    return of_sheet | st.session_state.get("editor_saved", {}).get(identity, {})
