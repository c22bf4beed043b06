"""The prompt of a set: its style or its own templates, the description, and how many examples stand in it.

Tested in tests/pages/test_pages.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import (
    CLOZE_CHOICE,
    CLOZE_TEXT,
    LETTERS_CHOICE,
    LETTERS_TEXT,
    PromptStyle,
    TaskSet,
)
from e2lm_core.sets import authoring
from e2lm_core.ui import session
from e2lm_core.ui.author import editor
from e2lm_core.ui.frame import say

_STYLES = {"Cloze": (CLOZE_TEXT, CLOZE_CHOICE), "Letters": (LETTERS_TEXT, LETTERS_CHOICE)}
_NAMES = {PromptStyle.CLOZE: "Cloze", PromptStyle.LETTERS: "Letters"}
_CUSTOM = "Custom"


def prompt(task: TaskSet, readonly: bool) -> None:
    """A form, for a change of the prompt makes every result stale."""
    with st.form("prompt"):
        style = _style(task, readonly)
        text = st.text_area(
            "doc_to_text (Jinja2, used with Custom)", task.config.doc_to_text, height=110, disabled=readonly
        )
        description = st.text_area(
            "description (before every prompt)", task.config.description, height=70, disabled=readonly
        )
        shots = _num_fewshot(task, readonly)
        if st.form_submit_button("Save the prompt", type="primary", disabled=readonly):
            doc_to_text, doc_to_choice = _STYLES.get(style, (text, task.config.doc_to_choice))
            _save(
                task,
                doc_to_text=doc_to_text,
                doc_to_choice=doc_to_choice,
                description=description,
                num_fewshot=int(shots),
            )


def _style(task: TaskSet, readonly: bool) -> str:
    styles = [*_STYLES, _CUSTOM]
    return st.radio(
        "Style",
        styles,
        format_func=say.plain,
        index=styles.index(_NAMES.get(task.config.style, _CUSTOM)),
        horizontal=True,
        disabled=readonly,
        help="Cloze scores each choice's own text, which shows a signal earliest; letters lists the choices and scores the letter.",
    )


def _num_fewshot(task: TaskSet, readonly: bool) -> int:
    return st.number_input(
        "num_fewshot",
        0,
        min(session.studio().settings.limits.max_fewshot, len(task.dev)),
        min(task.config.num_fewshot, len(task.dev)),
        disabled=readonly,
        help=say.plain(f"Examples in the prompt, from the set's {len(task.dev)} dev questions."),
    )


def _save(task: TaskSet, **values: str | int | tuple[str, ...]) -> None:
    try:
        saved = authoring.update_config(session.studio().settings, task.address, **values)
    except StudioError as error:
        say.error(error, icon=":material/error:")
    else:
        editor.edited(saved)
        st.rerun()
