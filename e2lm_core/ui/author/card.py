"""One question as a card: a form with room for long text, for phones and for careful writing.

Tested in tests/pages/test_pages.py and tests/pages/test_live.py.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Question, TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring
from e2lm_core.sets.prompts import render
from e2lm_core.ui import session
from e2lm_core.ui.author import editor, live
from e2lm_core.ui.frame import say

FREE_CHOICES = 2


def card(task: TaskSet, readonly: bool) -> None:
    """Step through the questions; edit, add and delete."""
    ids = [q.id for q in task.questions]
    if not ids:
        st.info("No question yet. Add the first one.", icon=":material/edit_note:")
        if not readonly:
            _add(task)
        return
    at = _steps(task, ids, readonly)
    question = task.questions[at]
    form, results = st.columns([8, 5], gap="medium")
    with form:
        _form(task, question, readonly)
    with results:
        live.question(task, question)
    with st.expander("What a model reads", icon=":material/visibility:"):
        _reading(task, question)


def _steps(task: TaskSet, ids: list[str], readonly: bool) -> int:
    """The place of the question that is shown, with the controls that go to another."""
    shown = st.session_state.get("card_id")
    at = ids.index(shown) if shown in ids else 0
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        _arrow("card_back", "Previous question", ":material/chevron_left:", "Alt+Left", ids[:at][-1:])
        picked = st.selectbox(
            "Question",
            ids,
            index=at,
            key=f"card_pick_{ids[at]}_{len(ids)}",
            width=320,
            label_visibility="collapsed",
            format_func=lambda i: f"{ids.index(i) + 1} of {len(ids)} · {i}",
        )
        if picked != ids[at]:
            _go(picked)
        _arrow("card_next", "Next question", ":material/chevron_right:", "Alt+Right", ids[at + 1 :][:1])
        if not readonly:
            _add(task)
    return at


def _arrow(key: str, name: str, icon: str, shortcut: str, to: list[str]) -> None:
    """A button that goes to a question; disabled where there is none."""
    if st.button("", icon=icon, key=key, disabled=not to, help=say.plain(name), shortcut=shortcut):
        _go(to[0])


def _reading(task: TaskSet, question: Question) -> None:
    try:
        doc = render.render(task.config, question, ())
    except StudioError as error:
        say.error(error)
        return
    st.code(
        doc.context + "▁".join(["", doc.continuations[doc.gold].lstrip()]),
        language=None,
        wrap_lines=True,
    )
    st.caption("Zero-shot, with the gold choice behind ▁; each choice is scored in its place.")


def _form(task: TaskSet, question: Question, readonly: bool) -> None:
    with st.form(
        f"card_{task.address}_{question.id}_{hash(question.model_dump_json())}", enter_to_submit=False
    ):
        text = st.text_area("Question", question.question, height=100, disabled=readonly)
        choices = _choices(question, readonly)
        left, right = st.columns(2, gap="small")
        gold = left.number_input("gold (index from 0)", 0, 25, max(question.answer, 0), disabled=readonly)
        subject = right.text_input("subject", question.subject or "", disabled=readonly)
        if st.form_submit_button("Save", type="primary", disabled=readonly):
            fields = {"question": text, "choices": choices, "answer": int(gold), "subject": subject or None}
            edit = {question.id: fields}
            if saved := _saved(
                lambda s: authoring.update_questions(s, task.address, edit, session.read_set(task.address))
            ):
                editor.edited(saved)
                st.rerun()
    if not readonly:
        _delete(task, question)


def _choices(question: Question, readonly: bool) -> list[str]:
    """The choices as they are written, without the empty ones behind the last; some are free for more."""
    width = len(question.choices)
    slots = width if readonly else max(width + FREE_CHOICES, 4)
    # Row by row, so that a phone, where columns are stacked, keeps the order.
    cells = [cell for _ in range(0, slots, 2) for cell in st.columns(2, gap="small")]
    choices = [
        cells[i].text_input(
            say.plain(f"choice {i}" + (" (gold)" if i == question.answer else "")),
            question.choices[i] if i < width else "",
            disabled=readonly,
        )
        for i in range(slots)
    ]
    while choices and not choices[-1].strip():
        choices.pop()
    return choices


def _delete(task: TaskSet, question: Question) -> None:
    with st.popover("Delete question", icon=":material/delete:"):
        say.markdown(say.filled("Delete **{id}**? *Undo* brings it back.", id=question.id))
        if st.button("Delete", type="primary", key="card_delete") and _saved(
            lambda s: authoring.delete_questions(s, task.address, [question.id])
        ):
            st.rerun()


def _add(task: TaskSet) -> None:
    if st.button("Add a question", icon=":material/add:", key="card_add"):
        example = Question(
            id="",
            question="Which gas do plants take from the air?",
            choices=("carbon dioxide", "helium", "neon", "argon"),
            answer=0,
        )
        if saved := _saved(lambda s: authoring.add_questions(s, task.address, [example])):
            editor.edited(saved)
            _go(saved.questions[-1].id)


def _saved(edit: Callable[[Settings], TaskSet]) -> TaskSet | None:
    """The set after an edit; None, with the sentence that says why, where it was refused."""
    try:
        saved = edit(session.studio().settings)
    except StudioError as error:
        say.error(error, icon=":material/error:")
        return None
    editor.reset()
    return saved


def _go(identity: str) -> None:
    st.session_state["card_id"] = identity
    st.rerun()
