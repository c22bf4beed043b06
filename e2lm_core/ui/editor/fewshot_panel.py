"""Panel of the few-shot examples: shown, and chosen among the set's questions.

A choice that is not saved yet is applied to the examples that another author has saved meanwhile.

Tested in tests/pages/writing/test_fewshot.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from e2lm_core.base import formatting
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import Question, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.sets import authoring
from e2lm_core.sets.editing import drafts
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown
from e2lm_core.ui.editor import last_edit
from e2lm_core.ui.editor.drafts import forms, pending

MAX_OPTIONS = 300  # the browser draws a list of all options
PLACE = "few-shot examples"
_HELP = language.mark(
    "Questions that stand in the prompt with their right answers. A question is either an example or asked in runs. To "
    "edit an example, take it out, edit it on the card, and choose it again."
)


def fewshot_panel(task: TaskSet, readonly: bool) -> None:
    """Draw the example questions and, unless `readonly`, the choice of others."""
    st.header(language.translate("Few-shot examples"), anchor=False, help=language.translate(_HELP))
    if task.zero_shot is not None:
        markdown.caption(Sentence("The prompts of this set show no examples: {why}.", why=task.zero_shot))
        return
    key = f"fewshot_{task.address}"
    is_open = not readonly and st.session_state.get(f"{key}_open", False)
    if task.dev:
        markdown.caption(_summary(task))
        st.dataframe(
            [_row(question) for question in task.dev],
            hide_index=True,
            key=f"{key}_table",
            column_config=widgets.headings(("id", "question", "right answer")),
        )
    elif not is_open:
        widgets.empty_state(_empty(task), icon=":material/format_list_numbered:")
    if is_open:
        _choice(task, key)
    elif not readonly:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button(
                language.translate("Change the examples")
                if task.dev
                else language.translate("Choose examples"),
                icon=":material/checklist:",
                key=f"{key}_change",
                on_click=_open,
                args=(key,),
            )
            forms.saved_note(PLACE)


def _summary(task: TaskSet) -> str:
    number = formatting.count(len(task.dev), "example question")
    if task.config.fewshot_split == "test":
        return Sentence(
            "{examples}. The prompt takes its examples from the test questions instead.", examples=number
        )
    if not task.config.num_fewshot:
        return Sentence("{examples}. The prompt shows none of them: set num_fewshot above.", examples=number)
    return Sentence(
        "{examples}. The prompt shows {shown} of them.", examples=number, shown=task.config.num_fewshot
    )


def _empty(task: TaskSet) -> str:
    if task.config.fewshot_split == "test" and task.config.num_fewshot:
        number = formatting.count(task.config.num_fewshot, "example")
        return Sentence(
            "The prompt takes {examples} from the test questions. Examples that you choose take their place.",
            examples=number,
        )
    return Sentence("This set has no examples yet. An example stands in the prompt with its right answer.")


def _row(question: Question) -> dict[str, str]:
    answer = question.choices[question.answer] if 0 <= question.answer < len(question.choices) else ""
    return {"id": question.id, "question": question.question, "right answer": answer}


def _choice(task: TaskSet, key: str) -> None:
    """Draw the choice of the examples and the buttons that save or cancel it."""
    base = [question.id for question in task.dev]
    texts = {question.id: question.question for question in (*task.dev, *task.questions)}
    _follow(key, base, texts)
    if st.session_state.get(f"{key}_merged"):
        st.info(
            language.translate(
                "Somebody else changed the examples meanwhile. Your choice is applied to theirs: look at it, then save."
            ),
            icon=":material/history:",
        )
    chosen: list[str] = st.session_state[f"{key}_chosen"]
    st.multiselect(
        language.translate("Example questions"),
        list(dict.fromkeys([*chosen, *_listed(texts, key)])),
        format_func=lambda identity: f"{identity}: {' '.join(texts[identity].split())[:80]}",
        key=f"{key}_chosen",
        placeholder=language.translate("Choose questions"),
        select_all=False,  # one question has to stay outside
        persist_state="session",
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            language.translate("Save the examples"),
            type="primary",
            key=f"{key}_save",
            on_click=_save,
            args=(task.address, key, base),
        )
        st.button(language.translate("Cancel"), key=f"{key}_cancel", on_click=_close, args=(key,))
        st.button(
            language.translate("Write a new question"),
            icon=":material/add:",
            type="tertiary",
            key=f"{key}_new",
            on_click=pending.open_place,
            args=(drafts.NEW,),
        )


def _follow(key: str, base: list[str], texts: dict[str, str]) -> None:
    """Apply the visitor's choice to the saved examples `base`, which may have changed since."""
    state = st.session_state
    seen = state.setdefault(f"{key}_base", base)
    chosen = [identity for identity in state.get(f"{key}_chosen", base) if identity in texts]
    if seen != base:
        chosen = merge_choice(seen, base, chosen)
        state[f"{key}_base"] = base
        state[f"{key}_merged"] = chosen != base
    state[f"{key}_chosen"] = chosen


def merge_choice(seen: Sequence[str], saved: Sequence[str], chosen: Sequence[str]) -> list[str]:
    """Ids of the examples `saved` by another, with what the visitor added to and took from `seen`."""
    kept = [identity for identity in saved if identity in chosen or identity not in seen]
    return kept + [identity for identity in chosen if identity not in seen and identity not in saved]


def _listed(texts: dict[str, str], key: str) -> list[str]:
    """Ids of the questions to choose among; of a large set those that hold a typed word."""
    if len(texts) <= MAX_OPTIONS:
        return list(texts)
    word = st.text_input(
        language.translate("Find questions"),
        key=f"{key}_find",
        placeholder=language.translate("A word of the question, or an id"),
    )
    found = [
        identity for identity, text in texts.items() if word.casefold() in f"{identity} {text}".casefold()
    ]
    if len(found) > MAX_OPTIONS:
        markdown.caption(
            Sentence("The first {most} of {all} questions are listed.", most=MAX_OPTIONS, all=len(found))
        )
    return found[:MAX_OPTIONS]


def _open(key: str) -> None:
    st.session_state[f"{key}_open"] = True


def _close(key: str) -> None:
    for part in ("open", "base", "chosen", "merged", "find"):
        st.session_state.pop(f"{key}_{part}", None)


def _save(name: str, key: str, base: list[str]) -> None:
    """Save the chosen examples; the button's callback, before anything is drawn."""
    chosen = st.session_state[f"{key}_chosen"]
    try:
        saved = authoring.set_fewshot_examples(session.studio().settings, name, chosen, base)
    except StudioError as error:
        forms.queue_error(Sentence("{problem} Not saved.", problem=error.sentence))
        return
    _close(key)
    forms.show_saved(PLACE)
    last_edit.forget_last_edit()
    last_edit.after_save(saved)
