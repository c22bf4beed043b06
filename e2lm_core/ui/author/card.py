"""One question as a card: a form with room for long text, for phones and for careful writing."""

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

FREE_CHOICES = 2


def card(task: TaskSet, readonly: bool) -> None:
    """Step through the questions; edit, add and delete."""
    ids = [q.id for q in task.questions]
    if not ids:
        st.info("No question yet. Add the first one.", icon=":material/edit_note:")
        if not readonly:
            _add(task)
        return
    held = st.session_state.get("card_id")
    at = ids.index(held) if held in ids else 0
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if st.button(
            "",
            icon=":material/chevron_left:",
            key="card_back",
            disabled=at == 0,
            help="Previous question",
            shortcut="Alt+Left",
        ):
            _go(ids[at - 1])
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
        if st.button(
            "",
            icon=":material/chevron_right:",
            key="card_next",
            disabled=at == len(ids) - 1,
            help="Next question",
            shortcut="Alt+Right",
        ):
            _go(ids[at + 1])
        if not readonly:
            _add(task)
    question = task.questions[at]
    form, results = st.columns([8, 5], gap="medium")
    with form:
        _form(task, question, readonly)
    with results:
        live.question(task, question)
    with st.expander("What a model reads", icon=":material/visibility:"):
        try:
            doc = render.render(task.config, question, ())
        except StudioError as error:
            st.error(str(error))
        else:
            st.code(
                doc.context + "▁".join(["", doc.continuations[doc.gold].lstrip()]),
                language=None,
                wrap_lines=True,
            )
            st.caption("Zero-shot, with the gold choice behind ▁; each choice is scored in its place.")


def _form(task: TaskSet, question: Question, readonly: bool) -> None:
    width = len(question.choices)
    with st.form(f"card_{task.name}_{question.id}_{hash(question.model_dump_json())}", enter_to_submit=False):
        text = st.text_area("Question", question.question, height=100, disabled=readonly)
        slots = width if readonly else max(width + FREE_CHOICES, 4)
        # Row by row, so that a phone, where columns are stacked, keeps the order.
        cells = [cell for _ in range(0, slots, 2) for cell in st.columns(2, gap="small")]
        choices = [
            cells[i].text_input(
                f"choice {i}" + (" (gold)" if i == question.answer else ""),
                question.choices[i] if i < width else "",
                disabled=readonly,
            )
            for i in range(slots)
        ]
        left, right = st.columns(2, gap="small")
        gold = left.number_input("gold (index from 0)", 0, 25, max(question.answer, 0), disabled=readonly)
        subject = right.text_input("subject", question.subject or "", disabled=readonly)
        if st.form_submit_button("Save", type="primary", disabled=readonly):
            while choices and not choices[-1].strip():
                choices.pop()
            fields = {"question": text, "choices": choices, "answer": int(gold), "subject": subject or None}
            edit = {question.id: fields}
            if saved := _saved(
                lambda s: authoring.update_questions(s, task.name, edit, session.read_set(task.name))
            ):
                editor.edited(saved)
                st.rerun()
    if not readonly:
        with st.popover("Delete question", icon=":material/delete:"):
            st.markdown(f"Delete **{question.id}**? *Undo* brings it back.")
            if st.button("Delete", type="primary", key="card_delete") and _saved(
                lambda s: authoring.delete_questions(s, task.name, [question.id])
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
        if saved := _saved(lambda s: authoring.add_questions(s, task.name, [example])):
            editor.edited(saved)
            _go(saved.questions[-1].id)


def _saved(edit: Callable[[Settings], TaskSet]) -> TaskSet | None:
    """The set after an edit; None, with the sentence that says why, where it was refused."""
    try:
        saved = edit(session.studio().settings)
    except StudioError as error:
        st.error(str(error), icon=":material/error:")
        return None
    editor.reset()
    return saved


def _go(identity: str) -> None:
    st.session_state["card_id"] = identity
    st.rerun()
