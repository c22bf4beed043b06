"""Questions as pages show them: text and choices by letter, a link to where they are written, actions on several.

Tested in tests/pages/test_problems.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from e2lm_core.base import formatting
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import ModelInfo, Question, SelectionOrigin, TaskSet
from e2lm_core.runs import fleets
from e2lm_core.sets import authoring, collection, selection_origin
from e2lm_core.sets.editing import bulk_edit, rule_trials
from e2lm_core.ui import session
from e2lm_core.ui.base import language, markdown, urls
from e2lm_core.ui.editor import last_edit, toolbar
from e2lm_core.ui.editor.drafts import forms

OPEN, ICON = language.mark("Open"), ":material/edit_note:"
_RIGHT = language.mark("**{letter}** {text} :green-badge[right]")
MAX_SHOWN = 20
IN_THE_TABLE = "rows of the table of results"  # the origin of a copy with selected rows


def show_question(question: Question, with_link: bool = True) -> None:
    """Draw a question's text, its choices by letter with the right one marked, and a link to Write."""
    markdown.markdown(markdown.fill_template("**{id}** · {text}", id=question.id, text=question.question))
    show_choices(question)
    if with_link:
        urls.link("write", OPEN, ICON, question.id)


def show_choices(question: Question) -> None:
    """Draw a question's choices by letter, one below the other, with the right one marked."""
    lines = []
    for place, choice in enumerate(question.choices):
        template = _RIGHT if place == question.answer else "{letter} {text}"
        letter = formatting.choice_letter(place)
        lines.append(markdown.fill_template(template, letter=letter, text=" ".join(choice.split())))
    markdown.markdown(markdown.line_by_line(lines))


def show_selected(task: TaskSet, ids: Sequence[str], key: str, models: Sequence[ModelInfo] = ()) -> None:
    """Draw selected questions with what can be done to them: open, tag, delete, copy, leave out.

    Args:
        task: The set.
        ids: Ids of the selected questions; those that the set no longer has are left out.
        key: Prefix of the elements' keys.
        models: Models whose results the page shows beside the questions.
    """
    chosen = [question for question in task.questions if question.id in set(ids)]
    if not chosen:
        return
    with st.container(border=True, key=f"{key}_selected"):
        if len(chosen) == 1:
            show_question(chosen[0])
        else:
            with st.expander(
                markdown.fill_count("{number} selected question", "{number} selected questions", len(chosen))
            ):
                for question in chosen[:MAX_SHOWN]:
                    show_question(question)
                if len(chosen) > MAX_SHOWN:
                    st.caption(
                        markdown.fill_template(
                            "And {number} more.", number=language.whole_number(len(chosen) - MAX_SHOWN)
                        )
                    )
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            _actions(task, [question.id for question in chosen], key, models)


def _actions(task: TaskSet, ids: list[str], key: str, models: Sequence[ModelInfo]) -> None:
    settings, name = session.studio().settings, task.address
    if not session.is_example(name):
        with st.popover(
            language.translate("Set subject"), icon=":material/label:", key=f"{key}_tag_{len(ids)}"
        ):
            subject = st.text_input(language.translate("Subject"), key=f"{key}_subject")
            _button(
                language.translate("Set it"),
                f"{key}_retag",
                lambda: _changed(bulk_edit.retag(settings, name, ids, subject)),
            )
        with st.popover(
            language.translate("Delete"), icon=":material/delete:", key=f"{key}_delete_{len(ids)}"
        ):
            st.caption(language.translate("*Undo* under Write brings them back."))
            _button(
                language.translate("Delete them"),
                f"{key}_gone",
                lambda: _changed(authoring.delete_questions(settings, name, ids)),
            )
    infos = [info for info in session.all_sets() if not info.example and not info.problem]
    if others := [i.address for i in infos if i.role != "reader" and i.address != name]:
        with st.popover(
            language.translate("Copy"), icon=":material/content_copy:", key=f"{key}_copy_{len(ids)}"
        ):
            other = st.selectbox(language.translate("To the set"), others, key=f"{key}_other")
            done = language.translate_count(
                "Copied {number} question to {set}.",
                "Copied {number} questions to {set}.",
                len(ids),
                set=other,
            )
            _button(
                language.translate("Copy them"),
                f"{key}_copied",
                lambda: bulk_edit.copy_to(settings, name, ids, other),
                done,
            )
    if rest := [question.id for question in task.questions if question.id not in set(ids)]:
        copy_selection(
            name,
            rest,
            f"{key}_without",
            partial(origin_of_rows, task, rest, models),
            language.translate("Copy without these"),
        )


def _button(label: str, key: str, act: Callable[[], object], done: str = "") -> None:
    """Draw a button whose action changes the set; a refusal is shown with the next drawing."""
    st.button(markdown.escape(label), key=key, type="primary", on_click=_perform, args=(act, done))


def _perform(act: Callable[[], object], done: str) -> None:
    try:
        act()
    except StudioError as error:
        forms.queue_error(error)
    else:
        if done:
            forms.queue_notice(done)


def _changed(task: TaskSet) -> None:
    last_edit.forget_last_edit()
    last_edit.after_save(task)


def copy_selection(
    source: str, ids: Sequence[str], key: str, origin: Callable[[], SelectionOrigin], label: str = ""
) -> None:
    """Draw a popover that copies the set with these questions only; the set itself stays unchanged.

    Args:
        source: Address of the set.
        ids: Ids of the questions.
        key: Prefix of the widgets' keys.
        origin: Makes the origin of the copy: the rule that chose the questions.
        label: Label of the popover; by default the number of questions.
    """
    settings = session.studio().settings
    with st.popover(
        markdown.escape(label)
        if label
        else markdown.fill_count(
            "Copy the set with {number} question", "Copy the set with {number} questions", len(ids)
        ),
        icon=":material/content_copy:",
    ):
        wish = st.text_input(
            language.translate("Name of the copy"),
            collection.free_name(settings, f"{source}_chosen"),
            key=f"{key}_name",
        )
        st.caption(
            language.translate(
                "The set itself stays as it is; undo in the copy brings the other questions back."
            )
        )
        if st.button(language.translate("Copy"), type="primary", key=f"{key}_go"):
            toolbar.run_action(partial(_copy, source, wish, ids, origin), wish)


def _copy(source: str, name: str, ids: Sequence[str], origin: Callable[[], SelectionOrigin]) -> None:
    settings, metadata = session.studio().settings, selection_origin.origin_metadata(origin())
    authoring.copy_with_questions(settings, source, name, ids, metadata)
    fleets.copy_choice(settings, source, name)
    markdown.toast(
        language.translate_count(
            "{set} holds {number} question.", "{set} holds {number} questions.", len(ids), set=name
        )
    )


def origin_of_rows(task: TaskSet, ids: Sequence[str], models: Sequence[ModelInfo]) -> SelectionOrigin:
    """Origin of a copy with these rows, which count as one more choice among the questions.

    Args:
        task: The set.
        ids: Ids of the questions that the copy keeps.
        models: Models whose results the page shows beside the questions.
    """
    rows = hashlib.sha256("\n".join(ids).encode()).hexdigest()[:32]
    trial = rule_trials.record_trial(
        session.studio().settings,
        task.address,
        (IN_THE_TABLE, rows, None),
        task,
        [model.name for model in models],
    )
    return selection_origin.origin_of_selection(task, IN_THE_TABLE, None, models, trial)
