"""Pending drafts of a set.

Tested in tests/pages/writing/test_drafts.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from e2lm_core.base.records import TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.sets.editing import drafts
from e2lm_core.sets.editing.drafts import Draft
from e2lm_core.ui import session
from e2lm_core.ui.app import recovery
from e2lm_core.ui.base import language, markdown
from e2lm_core.ui.editor.drafts import forms

MAX_SHOWN = 5


def first_view(task: TaskSet, narrow: bool) -> str:
    """The view that a visit of the page begins with: the view of the latest unsaved text, if any."""
    found = drafts.list_drafts(session.studio().settings, task.address)
    here = _places(task)
    last = next((draft for draft in reversed(found) if draft.place in here), None)
    if last is None or last.tried:
        return "Card" if narrow else "Table"
    return last.view or _view(last.place)


def pending_sentence(task: TaskSet, readonly: bool) -> str:
    """Sentence for the headline on the number of unsaved texts; "" without any."""
    number = 0 if readonly else len(drafts.list_drafts(session.studio().settings, task.address))
    if not number:
        return ""
    return Sentence(
        " **{number} text** of yours is not saved yet.",
        " **{number} texts** of yours are not saved yet.",
        number=number,
    )


def other_drafts_panel(task: TaskSet, shown: Sequence[str]) -> None:
    """Draw the person's drafts of a set except those at shown places, each with a button that opens it.

    Those of deleted questions are not among them, see `lost_drafts_panel`.
    """
    places = _places(task).difference(shown)
    found = [d for d in drafts.list_drafts(session.studio().settings, task.address) if d.place in places]
    for draft in found[:MAX_SHOWN]:
        _line(draft)
    if (more := len(found) - MAX_SHOWN) > 0:
        markdown.caption(
            Sentence("{number} more text not saved yet.", "{number} more texts not saved yet.", number=more)
        )


def lost_drafts_panel(task: TaskSet) -> None:
    """Draw the person's drafts of questions that somebody else has deleted, above the view, as a conflict is."""
    here = _places(task)
    found = drafts.list_drafts(session.studio().settings, task.address)
    for draft in [d for d in found if d.place not in here]:
        markdown.warning(
            markdown.fill_template(
                "{of} was deleted elsewhere. Your unsaved text is below.",
                of=language.translate(recovery.draft_label(draft)).capitalize(),
            ),
            icon=":material/edit_off:",
        )
        recovery.copyable_text(draft)
        _discard(draft)


def _places(task: TaskSet) -> set[str]:
    """Places of a set at which something can be typed."""
    return {drafts.question_place(q.id) for q in task.questions} | {drafts.NEW, drafts.PROMPT}


def _line(draft: Draft) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            markdown.fill_template(
                ":material/edit_note: Not saved yet: **{of}**, {ago}.",
                of=recovery.draft_label(draft),
                ago=recovery.typed_ago(draft.at),
            ),
            width="content",
        )
        st.button(
            language.translate("Open"), key=f"open_{draft.form}", on_click=open_place, args=(draft.place,)
        )
        _discard(draft)


def _discard(draft: Draft) -> None:
    st.button(
        language.translate("Discard"),
        key=f"drop_{draft.form}",
        on_click=forms.discard,
        args=(draft.task, draft.place),
    )


def open_place(place: str) -> None:
    """Switch to the view of the form at a place; a button's callback, before the control of views is drawn."""
    st.session_state["author_view"] = _view(place)


def _view(place: str) -> str:
    """The view with the form at a place, set to show it."""
    st.session_state["card_new"] = place == drafts.NEW
    if (identity := drafts.question_id_of(place)) is not None:
        st.session_state["card_id"] = identity
    return "Prompt" if place == drafts.PROMPT else "Card"
