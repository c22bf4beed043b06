"""Conflict panel.

Until its author has chosen, the text in conflict is a draft, which survives a reload.

Tested in tests/pages/writing/test_writers.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Question, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.sets import authoring
from e2lm_core.sets.conflicts import (
    CHOICES_AND_ANSWER,
    EditConflict,
    KeyedChoices,
    SaveResult,
    conflict_fields,
    conflict_text,
    merge,
)
from e2lm_core.sets.editing import drafts, save_edits
from e2lm_core.sets.editing.drafts import Draft
from e2lm_core.ui import session
from e2lm_core.ui.base import language, markdown
from e2lm_core.ui.editor import last_edit
from e2lm_core.ui.editor.drafts import autosave, forms

MAX_SHOWN = 5
AREA = "clash_area"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FREE_CHOICES = 2
_NAMES = {"question": Sentence("text"), CHOICES_AND_ANSWER: Sentence("choices or the right answer")}
_EDITED = "edited "  # prefix of a field's name in the draft: the text that replaces both versions
_KINDS = {"num_fewshot": "number", "choices": "lines", "answer": "place", "subject": "maybe", "note": "maybe"}
Settle = Callable[[str, EditConflict, authoring.Keep, Any], SaveResult]


def question_conflicts(task: TaskSet, question: Question) -> bool:
    """Draw the conflicts of the person's text of a question with later saves; False without any."""
    draft = drafts.find_draft(session.studio().settings, task.address, drafts.question_place(question.id))
    clashes = _clashes(question, draft)
    for clash in clashes:
        conflict_panel(task.address, drafts.question_place(question.id), clash, _settle_question)
    return bool(clashes)


def conflicts_in_set(task: TaskSet) -> None:
    """Draw the conflicts of all questions of a set, a few at a time."""
    found = load_conflicts(task)
    for clash in found[:MAX_SHOWN]:
        conflict_panel(task.address, drafts.question_place(clash.question), clash, _settle_question)
    if len(found) > MAX_SHOWN:
        markdown.caption(markdown.fill_template("{more} more conflicts.", more=str(len(found) - MAX_SHOWN)))


def load_conflicts(task: TaskSet) -> list[EditConflict]:
    """Conflicts of the person's drafts with later saves, for all questions of a set."""
    here = {question.id: question for question in task.questions}
    return [
        clash
        for draft in drafts.list_drafts(session.studio().settings, task.address)
        if (identity := drafts.question_id_of(draft.place)) in here
        for clash in _clashes(here[identity], draft)
    ]


def places(task: TaskSet) -> list[str]:
    """Places of the drafts that `conflicts_in_set` shows."""
    return [drafts.question_place(clash.question) for clash in load_conflicts(task)[:MAX_SHOWN]]


def conflict_panel(name: str, place: str, conflict: EditConflict, resolve: Settle) -> None:
    """Draw one conflict: both texts and the buttons that resolve it.

    Args:
        name: Address of the set.
        place: Place of the person's draft.
        conflict: The conflict.
        resolve: Saves the chosen text.
    """
    key = f"{drafts.digest(place)}_{conflict.field.replace(' ', '_')}"
    of, field = conflict.question or Sentence("The prompt"), _name(conflict.field)
    with st.container(border=True, key=f"clash_{key}"):
        st.markdown(
            markdown.fill_template(
                "**Conflict in {of}:** the {field} was changed elsewhere while you were editing. Choose "
                "which version to keep.",
                field=field,
                of=of,
            )
        )
        theirs, mine = (
            language.translate(conflict_text(conflict.field, value))
            for value in (conflict.theirs, conflict.mine)
        )
        left, right = st.columns(2, gap="small")
        with left:
            _side(Sentence("Theirs, saved"), theirs, mine)
        with right:
            _side(Sentence("Yours, not saved yet"), mine, theirs)
        if st.session_state.get("clash_edited") == key:
            _edit(name, place, conflict, resolve, key)
        else:
            _buttons(name, place, conflict, resolve, key)


def _buttons(name: str, place: str, clash: EditConflict, settle: Settle, key: str) -> None:
    with st.container(horizontal=True, gap="small"):
        for keep, label in (("mine", Sentence("Keep mine")), ("theirs", Sentence("Keep theirs"))):
            st.button(
                markdown.escape(label),
                key=f"clash_{keep}_{key}",
                on_click=_choose,
                args=(name, place, clash, settle, keep, None),
            )
        st.button(
            language.translate("Edit"),
            key=f"clash_edit_{key}",
            icon=":material/edit:",
            on_click=_open_edit,
            args=(key,),
        )


def _edit(name: str, place: str, clash: EditConflict, settle: Settle, key: str) -> None:
    """Draw the form for a third text in place of both; its text is kept in the same draft."""
    draft = drafts.find_draft(session.studio().settings, name, place)
    if draft is None:
        return
    typed = {
        field: draft.fields.get(f"{_EDITED}{field}", value)
        for field, value in conflict_fields(clash.field, clash.mine).items()
    }
    widgets = {field: f"field_{draft.form}_{field}" for field in typed}
    with st.container(key=AREA), st.form(f"clash_form_{key}", enter_to_submit=False):
        for field, value in typed.items():
            if field == "num_fewshot":
                st.number_input(
                    markdown.escape(field), 0, 32, min(max(int(value), 0), 32), key=widgets[field]
                )
            elif field == "choices":
                st.text_area(
                    language.translate("choices, one a line"),
                    "\n".join(value),
                    height=130,
                    key=widgets[field],
                )
            elif field == "answer":
                slots = max(len(clash.mine[0]), len(clash.theirs[0])) + FREE_CHOICES
                at = value if isinstance(value, int) and 0 <= value < min(slots, len(LETTERS)) else None
                st.radio(
                    language.translate("The right answer"),
                    list(LETTERS[:slots]),
                    index=at,
                    horizontal=True,
                    key=widgets[field],
                )
            else:
                st.text_area(markdown.escape(_name(field)), value or "", height=100, key=widgets[field])
        with st.container(horizontal=True, gap="small"):
            st.form_submit_button(
                language.translate("Save this"),
                type="primary",
                key=f"clash_save_{key}",
                on_click=_save_text,
                args=(name, place, clash, settle, widgets),
            )
            st.form_submit_button(language.translate("Back"), key=f"clash_back_{key}", on_click=_close_edit)
    fields = [
        autosave.Field(f"{_EDITED}{field}", [key], _KINDS.get(field, "text"))
        for field, key in widgets.items()
    ]
    shown = {f"{_EDITED}{field}": list(v) if isinstance(v, tuple) else v for field, v in typed.items()}
    autosave.autosave(name, place, draft.form, AREA, fields, shown, draft.seen, others=draft.fields)


def _save_text(name: str, place: str, clash: EditConflict, settle: Settle, widgets: dict[str, str]) -> None:
    typed = {field: st.session_state.get(widget) for field, widget in widgets.items()}
    if clash.field == CHOICES_AND_ANSWER:
        lines = (line.strip() for line in str(typed["choices"] or "").splitlines())
        right = LETTERS.index(typed["answer"]) if typed["answer"] else clash.mine[1]
        text: Any = KeyedChoices(tuple(line for line in lines if line), right)
    else:
        text = typed[clash.field] or None if clash.field in ("subject", "note") else typed[clash.field]
    _choose(name, place, clash, settle, "text", text)


def _choose(
    name: str, place: str, clash: EditConflict, settle: Settle, keep: authoring.Keep, text: Any
) -> None:
    """Resolve a conflict; a button's callback, before anything is drawn."""
    _close_edit()
    try:
        saved = settle(name, clash, keep, text)
    except StudioError as error:
        forms.queue_error(Sentence("{problem} Not saved yet.", problem=error.sentence))
        return
    settings = session.studio().settings
    if saved.clashes:  # another save came first: the new conflict is shown
        if problem := save_edits.keep_conflicts(settings, name, place, saved.clashes):
            forms.queue_error(problem)
    else:
        over = conflict_fields(clash.field, clash.mine)
        drafts.drop_fields(settings, name, place, [*over, *(f"{_EDITED}{field}" for field in over)])
        forms.show_saved(place)
    forms.forget(name, place)
    last_edit.forget_last_edit()
    if keep != "theirs":
        last_edit.after_save(saved.task)


def _settle_question(name: str, clash: EditConflict, keep: authoring.Keep, text: Any) -> SaveResult:
    return authoring.resolve_conflict(session.studio().settings, name, clash, keep, text)


def _open_edit(key: str) -> None:
    st.session_state["clash_edited"] = key


def _close_edit() -> None:
    st.session_state.pop("clash_edited", None)


def _clashes(question: Question, draft: Draft | None) -> tuple[EditConflict, ...]:
    """Conflicts of a draft whose saving has met another author's change."""
    if draft is None or not draft.tried:
        return ()
    typed = {field: value for field, value in draft.changes.items() if field in Question.model_fields}
    return merge(question, typed, draft.seen).clashes


def _name(field: str) -> str:
    """Name of a field in the visitor's language; a setting has that of the file."""
    return language.translate(_NAMES.get(field, field))


def _side(title: str, text: str, other: str) -> None:
    markdown.caption(title)
    st.html(markdown.html(text, other))
