"""Two authors' texts of one field side by side: nothing is overwritten before one of them has chosen.

What clashes is a draft of its author until then, so that it outlives a reload.
Tested in tests/pages/writing/test_writers.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Question, TaskSet
from e2lm_core.sets import authoring
from e2lm_core.sets.conflicts import CHOICES_AND_ANSWER, Clash, Pair, Saved, as_text, fields_of, merge
from e2lm_core.sets.desk import drafts
from e2lm_core.sets.desk.drafts import Draft
from e2lm_core.ui import session
from e2lm_core.ui.author import after
from e2lm_core.ui.author.unsaved import forms, listening, saving
from e2lm_core.ui.frame import say

MOST_SHOWN = 5
AREA = "clash_area"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FREE_CHOICES = 2
_NAMES = {"question": "text", CHOICES_AND_ANSWER: "choices or the right answer"}
_EDITED = "edited "  # before a field's name: the text that is to stand in the place of both
_KINDS = {"num_fewshot": "number", "choices": "lines", "answer": "place", "subject": "maybe", "note": "maybe"}
Settle = Callable[[str, Clash, authoring.Keep, Any], Saved]


def of_question(task: TaskSet, question: Question) -> bool:
    """Show where the person's text of a question clashes with what was saved meanwhile; False where it does not."""
    draft = drafts.find(session.studio().settings, task.address, drafts.of_question(question.id))
    clashes = _clashes(question, draft)
    for clash in clashes:
        show(task.address, drafts.of_question(question.id), clash, _settle_question)
    return bool(clashes)


def of_set(task: TaskSet) -> None:
    """The same for all questions of a set."""
    found = in_set(task)
    for clash in found[:MOST_SHOWN]:
        show(task.address, drafts.of_question(clash.question), clash, _settle_question)
    if len(found) > MOST_SHOWN:
        say.caption(f"{len(found) - MOST_SHOWN} more come when these are settled.")


def in_set(task: TaskSet) -> list[Clash]:
    """Where the person's texts clash with what was saved meanwhile."""
    here = {question.id: question for question in task.questions}
    return [
        clash
        for draft in drafts.list_drafts(session.studio().settings, task.address)
        if (identity := drafts.question_of(draft.place)) in here
        for clash in _clashes(here[identity], draft)
    ]


def places(task: TaskSet) -> list[str]:
    """The places whose texts `of_set` shows."""
    return [drafts.of_question(clash.question) for clash in in_set(task)[:MOST_SHOWN]]


def show(name: str, place: str, clash: Clash, settle: Settle) -> None:
    """One clash: both texts, and what may be done about it."""
    key = f"{drafts.digest(place)}_{clash.field.replace(' ', '_')}"
    of, field = clash.question or "The prompt", _NAMES.get(clash.field, clash.field)
    with st.container(border=True, key=f"clash_{key}"):
        st.markdown(
            say.filled(
                "**{of}: somebody else changed the {field} while you wrote.** Nothing is overwritten: choose what "
                "stays.",
                field=field,
                of=of,
            )
        )
        theirs, mine = (as_text(clash.field, value) for value in (clash.theirs, clash.mine))
        left, right = st.columns(2, gap="small")
        with left:
            _side("Theirs, saved", theirs, mine)
        with right:
            _side("Yours, not saved yet", mine, theirs)
        if st.session_state.get("clash_edited") == key:
            _edit(name, place, clash, settle, key)
        else:
            _buttons(name, place, clash, settle, key)


def _buttons(name: str, place: str, clash: Clash, settle: Settle, key: str) -> None:
    with st.container(horizontal=True, gap="small"):
        for keep, label in (("mine", "Keep mine"), ("theirs", "Keep theirs")):
            st.button(
                say.plain(label),
                key=f"clash_{keep}_{key}",
                on_click=_choose,
                args=(name, place, clash, settle, keep, None),
            )
        st.button(
            "Edit",
            key=f"clash_edit_{key}",
            icon=":material/edit:",
            on_click=_open_edit,
            args=(key,),
        )


def _edit(name: str, place: str, clash: Clash, settle: Settle, key: str) -> None:
    """A third text in the place of both; what is typed is kept beside them."""
    draft = drafts.find(session.studio().settings, name, place)
    if draft is None:
        return
    typed = {
        field: draft.fields.get(f"{_EDITED}{field}", value)
        for field, value in fields_of(clash.field, clash.mine).items()
    }
    widgets = {field: f"field_{draft.form}_{field}" for field in typed}
    with st.container(key=AREA), st.form(f"clash_form_{key}", enter_to_submit=False):
        for field, value in typed.items():
            if field == "num_fewshot":
                st.number_input(say.plain(field), 0, 32, min(max(int(value), 0), 32), key=widgets[field])
            elif field == "choices":
                st.text_area("choices, one a line", "\n".join(value), height=130, key=widgets[field])
            elif field == "answer":
                slots = max(len(clash.mine[0]), len(clash.theirs[0])) + FREE_CHOICES
                at = value if isinstance(value, int) and 0 <= value < min(slots, len(LETTERS)) else None
                st.radio(
                    "The right choice", list(LETTERS[:slots]), index=at, horizontal=True, key=widgets[field]
                )
            else:
                st.text_area(say.plain(_NAMES.get(field, field)), value or "", height=100, key=widgets[field])
        with st.container(horizontal=True, gap="small"):
            st.form_submit_button(
                "Save this",
                type="primary",
                key=f"clash_save_{key}",
                on_click=_save_text,
                args=(name, place, clash, settle, widgets),
            )
            st.form_submit_button("Back", key=f"clash_back_{key}", on_click=_close_edit)
    fields = [
        listening.Field(f"{_EDITED}{field}", [key], _KINDS.get(field, "text"))
        for field, key in widgets.items()
    ]
    shown = {f"{_EDITED}{field}": list(v) if isinstance(v, tuple) else v for field, v in typed.items()}
    listening.listen(name, place, draft.form, AREA, fields, shown, draft.seen, others=draft.fields)


def _save_text(name: str, place: str, clash: Clash, settle: Settle, widgets: dict[str, str]) -> None:
    typed = {field: st.session_state.get(widget) for field, widget in widgets.items()}
    if clash.field == CHOICES_AND_ANSWER:
        lines = (line.strip() for line in str(typed["choices"] or "").splitlines())
        right = LETTERS.index(typed["answer"]) if typed["answer"] else clash.mine[1]
        text: Any = Pair(tuple(line for line in lines if line), right)
    else:
        text = typed[clash.field] or None if clash.field in ("subject", "note") else typed[clash.field]
    _choose(name, place, clash, settle, "text", text)


def _choose(name: str, place: str, clash: Clash, settle: Settle, keep: authoring.Keep, text: Any) -> None:
    """What a button does, before anything is drawn."""
    _close_edit()
    try:
        saved = settle(name, clash, keep, text)
    except StudioError as error:
        forms.refuse(f"{error} Not saved yet.")
        return
    settings = session.studio().settings
    if saved.clashes:  # somebody was faster once more: both texts of today are shown
        again = saved.clashes[0]
        saving.keep_clash(name, place, again)
    else:
        over = fields_of(clash.field, clash.mine)
        drafts.drop(settings, name, place, [*over, *(f"{_EDITED}{field}" for field in over)])
        forms.acknowledge(place)
    forms.forget(name, place)
    after.reset()
    if keep != "theirs":
        after.edited(saved.task)


def _settle_question(name: str, clash: Clash, keep: authoring.Keep, text: Any) -> Saved:
    return authoring.settle(session.studio().settings, name, clash, keep, text)


def _open_edit(key: str) -> None:
    st.session_state["clash_edited"] = key


def _close_edit() -> None:
    st.session_state.pop("clash_edited", None)


def _clashes(question: Question, draft: Draft | None) -> tuple[Clash, ...]:
    """Of a draft that was to be saved, the fields that another has changed too."""
    if draft is None or not draft.tried:
        return ()
    typed = {
        field: value
        for field, value in draft.fields.items()
        if field in Question.model_fields and value != draft.seen.get(field)
    }
    return merge(question, typed, draft.seen).clashes


def _side(title: str, text: str, other: str) -> None:
    say.caption(title)
    st.html(say.html(text, other))
