"""Proposals of a language model, in the tab Alternatives: the text that is sent, consent, and a click for each one taken.

Tested in tests/pages/test_proposals.py.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import partial
from urllib.parse import urlsplit

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from e2lm_core.assist import consent, service
from e2lm_core.assist.answers import Proposals
from e2lm_core.assist.client import Server, server_of
from e2lm_core.assist.requests import MAX_PASSAGE, Kind, Request, request_of
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Question, TaskSet
from e2lm_core.people import quotas
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown, polling
from e2lm_core.ui.editor import last_edit, toolbar

PARAPHRASES = language.mark("Other wordings")
CLOZE = language.mark("Beginning of a sentence")
PASSAGE = language.mark("Questions from a passage")
_KINDS: dict[str, Kind] = {PARAPHRASES: "paraphrases", CLOZE: "cloze", PASSAGE: "passage"}
_HELP = {
    PARAPHRASES: language.mark("The same question in other words."),
    CLOZE: language.mark(
        "Each choice completes it. It goes with the prompt {{question}}: *Questions → Write → Prompt*."
    ),
    PASSAGE: language.mark("Whole questions about a text that you paste. Check each fact before you add it."),
}
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_STATE, _AWAITED = "assist_{}", "assist_awaited_{}"
_WAITING = language.mark("Waiting for {model}, at most a minute …")
PATIENCE_S = 1.0  # before the page goes on without the answer
POLL_S = 1.0


def is_offered() -> bool:
    """Whether a language model is configured, and the visitor is signed in where people sign in."""
    return service.is_offered(session.studio().settings)


def distractors_popover(task: TaskSet, question: Question, place: int) -> dict[str, str]:
    """Draw the popover that asks for wrong answers, and return the proposed texts with the model's name.

    Args:
        task: The set.
        question: The question.
        place: Index of the wrong answer to be replaced.
    """
    if not is_offered() or session.is_example(task.address):
        return {}
    with st.popover(language.translate("Ask a language model"), icon=":material/forum:"):
        found = _ask(task, "distractors", "distractors", question, place)
        if found is not None:
            markdown.markdown(
                language.translate("These are tried beside the others. None is in the set until you take it:")
            )
            markdown.markdown(markdown.bullet_list(found.texts))
            _left_out(found)
    return {} if found is None else dict.fromkeys(found.texts, found.model)


def proposals_panel(task: TaskSet, head: DeltaGenerator, choose: Callable[[TaskSet], Question]) -> None:
    """Draw what to ask for, and the proposals with a button each.

    Args:
        task: The set.
        head: Container of the headline.
        choose: Draws the control that selects a question, and returns it.
    """
    server = server_of(session.studio().settings)
    if server is None:
        return
    with head:
        widgets.headline(
            markdown.fill_template(
                "**{model}** proposes, and you decide: nothing enters the set without your click.",
                model=server.model,
            )
        )
    if session.is_example(task.address):
        markdown.caption("An example stays as it is: copy the set to ask for proposals.")
        toolbar.copy_popover(task.address)
        return
    name = st.pills(
        language.translate("What to ask for"),
        list(_KINDS),
        default=PARAPHRASES,
        required=True,
        format_func=lambda one: markdown.escape(language.translate(one)),
        key="assist_kind",
        label_visibility="collapsed",
    )
    kind = _KINDS[name or PARAPHRASES]
    markdown.caption(_HELP[name or PARAPHRASES])
    question, passage = None, ""
    if kind == "passage":
        passage = st.text_area(
            language.translate("Passage"), key="assist_passage", height=160, max_chars=MAX_PASSAGE
        )
        if not passage.strip():
            return
    else:
        question = choose(task)
    found = _ask(task, "panel", kind, question, None, passage)
    if found is not None:
        _offer(task, kind, question, found)
    with st.container(horizontal=True, gap="small"):
        toolbar.undo_redo_buttons(task.address)


def _ask(
    task: TaskSet, key: str, kind: Kind, question: Question | None, place: int | None, passage: str = ""
) -> Proposals | None:
    """Draw the text, consent and the button, and return the session's proposals for this request.

    Args:
        task: The set.
        key: Name of the request in the session.
        kind: Kind of the proposals.
        question: The question; None for a passage.
        place: Index of the wrong answer to be replaced, for wrong answers.
        passage: The passage.
    """
    settings = session.studio().settings
    server = server_of(settings)
    if server is None:
        return None
    try:
        request = request_of(kind, question, place, passage)
    except StudioError as error:
        markdown.error(error, icon=":material/error:")
        return None
    agreed = consent.has_agreed(settings, task.address, server)
    with st.expander(language.translate("Text that is sent"), expanded=not agreed):
        st.code(request.text, language=None, wrap_lines=True)
    _destination(server, agreed)
    of = (task.address, request.text)
    if _is_awaited(key, of):
        _take_answer(key)
    label = language.translate("Ask") if agreed else language.translate("Agree and ask")
    if st.button(
        markdown.escape(label),
        type="primary",
        icon=":material/send:",
        key=f"assist_go_{key}",
        disabled=_is_awaited(key, of),
    ):
        with st.spinner(markdown.fill_template(_WAITING, model=server.model)):
            _send(task, key, request, agreed)
        if _is_awaited(key, of) or (not agreed and _found(key, of) is not None):
            st.rerun()  # with the wait, or without the question for consent
    elif _is_awaited(key, of):
        st.fragment(_await, run_every=POLL_S)(key, server)
    return _found(key, of)


def _found(key: str, of: tuple[str, str]) -> Proposals | None:
    """Proposals of the session for a set and a text."""
    kept = st.session_state.get(_STATE.format(key))
    return kept[1] if kept is not None and kept[0] == of else None


def _is_awaited(key: str, of: tuple[str, str]) -> bool:
    awaited = st.session_state.get(_AWAITED.format(key))
    return awaited is not None and awaited[0] == of


def _await(key: str, server: Server) -> None:
    """Draw that an answer is awaited, and redraw the page once it is there."""
    awaited = st.session_state.get(_AWAITED.format(key))
    if awaited is None or awaited[1].done():
        polling.redraw_page()
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        markdown.caption(markdown.fill_template(_WAITING, model=server.model), width="content")
        st.button(
            language.translate("Cancel"),
            key=f"assist_cancel_{key}",
            type="tertiary",
            icon=":material/close:",
            on_click=forget,
            args=(key,),
        )


def _destination(server: Server, agreed: bool) -> None:
    """Say where the text goes, and how often the person may ask today."""
    host = urlsplit(server.url).netloc
    if not agreed:
        markdown.markdown(
            markdown.fill_template(
                "This text goes to **{host}**, to the model **{model}**. Agree once, and texts of this set go there whenever "
                "you ask.",
                host=host,
                model=server.model,
            )
        )
    limit = quotas.quota_limit(session.studio().settings, "assist")
    if limit is not None:
        markdown.caption(
            markdown.fill_template(
                "It goes to {host}, up to {limit} times a day.", host=host, limit=f"{limit:.0f}"
            )
        )


def _send(task: TaskSet, key: str, request: Request, agreed: bool) -> None:
    """Send a request beside the page, which waits `PATIENCE_S` for its answer; a refusal is shown."""
    settings = session.studio().settings
    forget(key)
    try:
        if not agreed:
            service.agree(settings, task.address)
    except StudioError as error:
        markdown.error(error, icon=":material/error:")
        return
    answer: Future[Proposals] = Future()

    def complete() -> None:
        try:
            answer.set_result(service.propose(settings, task.address, request))
        except Exception as error:
            answer.set_exception(error)

    threading.Thread(target=complete, name="proposals", daemon=True).start()
    st.session_state[_AWAITED.format(key)] = ((task.address, request.text), answer)
    wait([answer], timeout=PATIENCE_S)
    _take_answer(key)


def _take_answer(key: str) -> None:
    """Keep the awaited proposals in the session if they are there; a refusal is shown."""
    of, answer = st.session_state[_AWAITED.format(key)]
    if not answer.done():
        return
    del st.session_state[_AWAITED.format(key)]
    try:
        st.session_state[_STATE.format(key)] = (of, answer.result())
    except StudioError as error:
        markdown.error(error, icon=":material/error:")


def _offer(task: TaskSet, kind: Kind, question: Question | None, found: Proposals) -> None:
    """Draw each proposal with the button that takes it."""
    for number, text in enumerate(found.texts):
        with st.container(border=True):
            markdown.markdown(markdown.escape(text))
            if question is not None and st.button(
                language.translate("Use this wording"), icon=":material/check:", key=f"assist_take_{number}"
            ):
                widgets.perform_action(
                    partial(_take_text, task, question, kind, text, found.model), partial(forget, "panel")
                )
    for number, one in enumerate(found.questions):
        with st.container(border=True):
            markdown.markdown(markdown.fill_template("**{question}**", question=one.question))
            markdown.markdown(markdown.line_by_line(_choices(one)))
            if st.button(
                language.translate("Add this question"), icon=":material/add:", key=f"assist_add_{number}"
            ):
                widgets.perform_action(
                    partial(_take_question, task, one, found), partial(_drop_question, task, number)
                )
    _left_out(found)


def _choices(question: Question) -> list[str]:
    marks = ("✓" if index == question.answer else " " for index in range(len(question.choices)))
    return [
        f"{LETTERS[index]}: {text} {mark}".rstrip()
        for index, (text, mark) in enumerate(zip(question.choices, marks, strict=True))
    ]


def _left_out(found: Proposals) -> None:
    if found.left_out:
        markdown.caption(
            markdown.fill_count(
                "{number} more was left out: no text, too long, or there already.",
                "{number} more were left out: no texts, too long, or there already.",
                found.left_out,
            )
        )


def _take_text(task: TaskSet, question: Question, kind: Kind, text: str, model: str) -> None:
    saved = service.take_text(session.studio().settings, task.address, question, kind, text, model)
    last_edit.after_save(saved)
    markdown.toast(language.translate("The question has the new wording. Undo takes it back."))


def _take_question(task: TaskSet, question: Question, found: Proposals) -> None:
    saved = service.take_question(session.studio().settings, task.address, question, found.model)
    last_edit.after_save(saved)
    markdown.toast(language.translate("The question is in the set. Undo takes it back."))


def _drop_question(task: TaskSet, number: int) -> None:
    """Drop a question that was added from the session's proposals; the others stay."""
    of, found = st.session_state[_STATE.format("panel")]
    rest = (*found.questions[:number], *found.questions[number + 1 :])
    st.session_state[_STATE.format("panel")] = (of, found.model_copy(update={"questions": rest}))


def forget(key: str) -> None:
    """Drop the session's proposals, those that are awaited too.

    Args:
        key: Name of the request in the session.
    """
    for name in (_STATE, _AWAITED):
        st.session_state.pop(name.format(key), None)
