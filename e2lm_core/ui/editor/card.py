"""Question editor as a card.

Typed text is a draft until it is saved, for existing questions and for a new one.

Tested in tests/pages/test_pages.py and tests/pages/writing/test_drafts.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import streamlit as st

from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.records import Question, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.checkpoints.ladder.fact_search import open_index
from e2lm_core.runs.messages import doors
from e2lm_core.sets import authoring, locks
from e2lm_core.sets.editing import drafts, save_edits
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown, urls
from e2lm_core.ui.cache import results
from e2lm_core.ui.editor import last_edit, live_results, prompt_preview
from e2lm_core.ui.editor.drafts import autosave, conflicts, forms
from e2lm_core.ui.editor.drafts.autosave import Field
from e2lm_core.ui.editor.drafts.conflicts import FREE_CHOICES, LETTERS
from e2lm_core.ui.editor.drafts.forms import Form

NEW_CHOICES = 4
AREA = "card_area"
_BLANK = Question(id="", question="", choices=(), answer=save_edits.NO_CHOICE)


def card(task: TaskSet, readonly: bool) -> None:
    """Draw the card editor: step through the questions; edit, add and delete."""
    ids = [q.id for q in task.questions]
    if not readonly and (not ids or st.session_state.get("card_new")):
        _new(task)
        return
    if not ids:
        st.info(language.translate("No question yet."), icon=":material/edit_note:")
        return
    at = _steps(task, ids, readonly)
    question = task.questions[at]
    left, right = st.columns([8, 5], gap="medium")
    with left:
        _question(task, question, readonly)
    with right:
        live_results.question_results(task, question)
        urls.link("alternatives", "Try other choices", ":material/science:")
    prompt_preview.prompt_preview(task, question)


def question_form(task: TaskSet, question: Question) -> None:
    """Draw one question's form with its curves beside it, outside of the card."""
    left, right = st.columns([8, 5], gap="medium")
    with left:
        if not conflicts.question_conflicts(task, question):
            _form(task, drafts.question_place(question.id), question, False, _save, question.id)
    with right:
        live_results.question_results(task, question)


def open_places(task: TaskSet) -> list[str]:
    """Place of the form that the card shows, as a list of one."""
    ids = [q.id for q in task.questions]
    if not ids or st.session_state.get("card_new"):
        return [drafts.NEW]
    return [drafts.question_place(ids[_at(ids)])]


def show_question(identity: str) -> None:
    """Select the question that the card shows from the next drawing on."""
    st.session_state["card_id"] = identity
    st.session_state.pop("card_new", None)


def _steps(task: TaskSet, ids: list[str], readonly: bool) -> int:
    """Index of the shown question, with the controls that go to another."""
    at = _at(ids)
    with st.container(key="steps", horizontal=True, vertical_alignment="bottom", gap="small"):
        _arrow(
            "card_back", language.translate("Previous"), ":material/chevron_left:", "Alt+Left", ids[:at][-1:]
        )
        widgets.selector(
            language.translate("Question"),
            ids,
            ids[at],
            show_question,
            key="card_pick",
            format_func=lambda i: language.translate(
                "{number} of {all} · {id}", number=ids.index(i) + 1, all=len(ids), id=i
            ),
            width=320,
        )
        _arrow(
            "card_next",
            language.translate("Next"),
            ":material/chevron_right:",
            "Alt+Right",
            ids[at + 1 :][:1],
        )
        if not readonly:
            st.button(
                language.translate("Add a question"), icon=":material/add:", key="card_add", on_click=_add
            )
    return at


def _at(ids: list[str]) -> int:
    shown = st.session_state.get("card_id")
    return ids.index(shown) if shown in ids else 0


def _arrow(key: str, name: str, icon: str, shortcut: str, to: list[str]) -> None:
    """Draw a button that goes to a question; disabled if there is none."""
    st.button(
        markdown.escape(name),
        icon=icon,
        key=key,
        disabled=not to,
        shortcut=shortcut,
        on_click=show_question,
        args=tuple(to),
    )


def _add() -> None:
    st.session_state["card_new"] = True


def _question(task: TaskSet, question: Question, readonly: bool) -> None:
    if not readonly and conflicts.question_conflicts(task, question):
        return
    _form(task, drafts.question_place(question.id), question, readonly, _save, question.id)
    if not readonly:
        _delete(task, question)


def _new(task: TaskSet) -> None:
    """Draw the form of a new question, which is added to the set only when it is saved."""
    st.header(language.translate("A new question"), anchor=False)
    _form(task, drafts.NEW, _BLANK, False, _save_new)
    if task.questions:
        st.button(
            language.translate("Back to the questions"),
            icon=":material/arrow_back:",
            key="card_old",
            on_click=_leave_new,
        )


def _form(
    task: TaskSet,
    place: str,
    question: Question,
    readonly: bool,
    save: Callable[..., None],
    *arguments: str,
) -> None:
    """Draw the form at a place, with its draft, preview and buttons.

    Args:
        task: The set.
        place: Place of the form, see `Draft.place`.
        question: The question as saved.
        readonly: Disable the fields.
        save: Callback of the save button: it takes the form, its number of choices and `arguments`.
        *arguments: Further arguments of the callback.
    """
    form = forms.open_form(task.address, place, _values(question))
    slots = (
        len(question.choices) if readonly else max(len(form.values["choices"]) + FREE_CHOICES, NEW_CHOICES)
    )
    if not readonly:
        forms.draft_notice(form)
    with st.container(key=AREA), st.form(f"card_{form.name}", enter_to_submit=False):
        _fields(form, slots, readonly)
        _preview_button(form, slots, readonly)
        forms.form_buttons(form, language.translate("Save"), readonly, save, (form, slots, *arguments))
    _known(task, form.values)
    _preview(form)
    if not readonly:
        _listen(form, slots)


def _known(task: TaskSet, values: dict[str, Any]) -> None:
    """Draw whether the mini models know the question, else the nearest known fact."""
    index = open_index(session.studio().catalogue.taught_file)
    if results.taught_answers(task) is None or index is None or not values["question"]:
        return
    answer = dict(enumerate(values["choices"])).get(values["answer"], "")
    found = index.fact_for(values["question"], answer)
    said = doors.known_answer_sentence(found, bool(answer.strip()))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        markdown.caption(
            said, width="content", help=None if found.known else language.translate(doors.NEAREST_BY)
        )
        if not found.known:
            urls.link("known", doors.KNOWN.label, ":material/school:")


def _leave_new() -> None:
    st.session_state.pop("card_new", None)


def _values(question: Question) -> dict[str, Any]:
    return {
        "question": question.question,
        "choices": question.choices,
        "answer": question.answer,
        "subject": question.subject,
    }


def _fields(form: Form, slots: int, readonly: bool) -> None:
    choices, answer = form.values["choices"], form.values["answer"]
    form.follow("question", question=form.values["question"] or "")
    form.follow("choices", **{f"choice{i}": (*choices, *[""] * slots)[i] for i in range(slots)})
    form.follow("answer", answer=LETTERS[answer] if 0 <= answer < slots else None)
    form.follow("subject", subject=form.values["subject"] or "")
    st.text_area(
        language.translate("Question"),
        form.values["question"] or "",
        height=100,
        disabled=readonly,
        key=form.key("question"),
    )
    # The fields are laid out row by row: a phone stacks the columns and so keeps the order.
    cells = [cell for _ in range(0, slots, 2) for cell in st.columns(2, gap="small")]
    for i in range(slots):
        with cells[i].container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.text_input(
                markdown.fill_template("choice {letter} (right)", letter=LETTERS[i])
                if i == answer
                else markdown.fill_template("choice {letter}", letter=LETTERS[i]),
                choices[i] if i < len(choices) else "",
                disabled=readonly,
                key=form.key(f"choice{i}"),
            )
            if i and not readonly:
                st.form_submit_button(
                    "",
                    icon=":material/arrow_upward:",
                    help=markdown.fill_template(
                        "Put {letter} before {other}", letter=LETTERS[i], other=LETTERS[i - 1]
                    ),
                    key=form.key(f"up{i}"),
                    type="tertiary",
                    on_click=_move,
                    args=(form, slots, i),
                )
    left, right = st.columns(2, gap="small")
    left.radio(
        language.translate("The right answer"),
        list(LETTERS[:slots]),
        index=answer if 0 <= answer < slots else None,
        horizontal=True,
        disabled=readonly,
        key=form.key("answer"),
    )
    right.text_input(
        language.translate("subject"),
        form.values["subject"] or "",
        disabled=readonly,
        key=form.key("subject"),
    )


def _move(form: Form, slots: int, place: int) -> None:
    """Exchange a typed choice with the one before it; the right answer moves along."""
    first, second = form.key(f"choice{place - 1}"), form.key(f"choice{place}")
    state = st.session_state
    state[first], state[second] = state.get(second, ""), state.get(first, "")
    right = {LETTERS[place]: LETTERS[place - 1], LETTERS[place - 1]: LETTERS[place]}
    state[form.key("answer")] = right.get(form.entered("answer"), form.entered("answer"))
    # The later turn outranks requests that the browser sent before the move.
    turn = int(time.time() * 1000) + autosave.REST_MS
    forms.save_draft(form, _typed(form, slots), turn)


def _preview_button(form: Form, slots: int, readonly: bool) -> None:
    if not readonly:
        st.form_submit_button(
            language.translate("Preview"),
            icon=":material/visibility:",
            key=form.key("preview"),
            help=language.translate("Show Markdown and LaTeX as they will look."),
            on_click=_show_preview,
            args=(form, slots),
        )


def _show_preview(form: Form, slots: int) -> None:
    values = _typed(form, slots)
    forms.save_draft(form, values)
    st.session_state["card_preview"] = (form.name, values)


def _preview(form: Form) -> None:
    """Draw the question with its Markdown and LaTeX, as typed when the preview was requested."""
    of, values = st.session_state.get("card_preview", ("", {}))
    if of != form.name:
        values = form.values
        if not _is_marked(values):
            return
    with st.container(border=True, key="card_preview_box"):
        st.markdown(markdown.author_markdown(values["question"] or ""))
        for i, choice in enumerate(values["choices"]):
            mark = ":material/check_circle:" if i == values["answer"] else ":material/radio_button_unchecked:"
            st.markdown(
                markdown.fill_template(
                    mark + " {letter}  {text}", letter=LETTERS[i], text=markdown.author_markdown(choice)
                )
            )


def _is_marked(values: dict[str, Any]) -> bool:
    """Whether a question looks different as Markdown than as typed."""
    text = "\n".join([values["question"] or "", *values["choices"]])
    return any(mark in text for mark in ("$", "**", "`", "\n\n", "\n- ", "_{", "^{"))


def _listen(form: Form, slots: int) -> None:
    fields = [
        Field("question", [form.key("question")], "text"),
        Field("choices", [form.key(f"choice{i}") for i in range(slots)], "list"),
        Field("answer", [form.key("answer")], "place"),
        Field("subject", [form.key("subject")], "maybe"),
    ]
    forms.autosave_form(form, AREA, fields)


def _typed(form: Form, slots: int) -> dict[str, Any]:
    """Values of the form's fields; choices without empty ones at the end."""
    choices = [form.entered(f"choice{i}") or "" for i in range(slots)]
    while choices and not choices[-1].strip():
        choices.pop()
    return {
        "question": form.entered("question") or "",
        "choices": tuple(choices),
        "answer": LETTERS.index(form.entered("answer")) if form.entered("answer") else save_edits.NO_CHOICE,
        "subject": form.entered("subject") or None,
    }


def _save(form: Form, slots: int, identity: str) -> None:
    values = _typed(form, slots)
    changes = {field: value for field, value in form.changes(values).items() if field in form.seen}
    if values["answer"] == save_edits.NO_CHOICE:
        changes.pop("answer", None)  # the form cannot show an unset answer
    if not changes:
        forms.close(form)
        return
    forms.save_draft(form, values)  # a draft first, so that no failure loses the text
    settings = session.studio().settings
    outcome = save_edits.save_question(
        settings, form.task, identity, changes, form.seen, form.name, ends_form=True
    )
    forms.finish(form.task, form.place, outcome)


def _save_new(form: Form, slots: int) -> None:
    values = _typed(form, slots)
    forms.save_draft(form, values)
    settings = session.studio().settings
    try:
        made = save_edits.add_question(settings, form.task, values, form.name)
    except StudioError as error:
        forms.queue_error(Sentence("{problem} Not saved yet.", problem=error.sentence), form.place)
        return
    forms.close(form)
    show_question(made)
    outcome = save_edits.SaveOutcome(session.read_set(form.task))
    forms.finish(form.task, drafts.question_place(made), outcome)


def _delete(task: TaskSet, question: Question) -> None:
    # The key contains the question's id: a popover that stayed open would offer to delete the next question.
    with st.popover(
        language.translate("Delete question"), icon=":material/delete:", key=f"card_delete_{question.id}"
    ):
        markdown.markdown(markdown.fill_template("Delete **{id}**? *Undo* brings it back.", id=question.id))
        st.button(
            language.translate("Delete"),
            type="primary",
            key="card_delete",
            on_click=_delete_now,
            args=(task, question),
        )


def _delete_now(task: TaskSet, question: Question) -> None:
    ids, identity, settings = [q.id for q in task.questions], question.id, session.studio().settings
    try:
        with locks.lock_set(settings, task.address):
            if any(q.id == identity and q != question for q in session.read_set(task.address).questions):
                raise TaskError(
                    Sentence(
                        "Question {id} was changed after the card showed it: look again first.", id=identity
                    )
                )
            authoring.delete_questions(settings, task.address, [identity])
    except StudioError as error:
        forms.queue_error(error)
        return
    last_edit.forget_last_edit()
    at = ids.index(identity)
    if rest := [*ids[at + 1 :], *ids[:at][::-1]]:
        show_question(rest[0])
