"""Recovery of unsaved text when a set is gone.

Tested in tests/pages/writing/test_drafts.py.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import streamlit as st

from e2lm_core.base import formatting
from e2lm_core.base.errors import StudioError
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.people import access
from e2lm_core.runs import fleets
from e2lm_core.sets import collection
from e2lm_core.sets.editing import drafts, ignored_problems
from e2lm_core.sets.editing.drafts import Draft
from e2lm_core.ui.base import markdown

JUST_NOW_S = 20.0


def missing_set_page(settings: Settings, name: str, choose: Callable[[str], None]) -> None:
    """Draw the page of a missing set: the reason, its new name if it was renamed, and unsaved text.

    Args:
        settings: The caller's settings.
        name: Address of the missing set.
        choose: Selects the set under its new name.
    """
    renamed = collection.find_renamed(settings, name)
    moved = Sentence(
        "There is no set {name}: it was renamed to {renamed}.", name=formatting.quote(name), renamed=renamed
    )
    markdown.warning(moved if renamed else _missing(settings, name), icon=":material/folder_off:")
    if renamed:
        st.button(
            markdown.fill_template("Open {name}", name=renamed),
            key="gone_open",
            on_click=_open_renamed,
            args=(settings, name, renamed, choose),
        )
    for draft in drafts.list_drafts(settings, name):
        markdown.caption(
            Sentence("Unsaved {draft}, {typed}:", draft=draft_label(draft), typed=typed_ago(draft.at))
        )
        copyable_text(draft)


def _open_renamed(settings: Settings, name: str, renamed: str, choose: Callable[[str], None]) -> None:
    """Select a set under its new name, with the caller's unsaved text, ignored problems and model group."""
    with contextlib.suppress(OSError, StudioError):  # what cannot be moved stays in this page
        for rename in (fleets.rename_set, drafts.rename_set, ignored_problems.rename_set):
            rename(settings, name, renamed)
    choose(renamed)


def _missing(settings: Settings, name: str) -> str:
    """Reason why a set that was not renamed is missing."""
    if access.ADDRESS.fullmatch(name) and "key" in st.query_params:  # a guest's: sign-in follows the link
        return Sentence("This link shares the set {name}: sign in to open it.", name=name)
    try:
        if problem := collection.find_set(settings, name).problem:
            return Sentence("{address} cannot be opened: {problem}", address=name, problem=problem)
    except StudioError as error:
        if access.ADDRESS.fullmatch(name):  # another person's set: its owner can be asked
            return error.sentence
    return Sentence(
        "There is no set {name}: it was deleted or renamed, it is no longer shared with you, or the link is mistyped. "
        "Choose another above; a deleted set is restored on Sets.",
        name=formatting.quote(name),
    )


def copyable_text(draft: Draft) -> None:
    """Draw the typed text of a draft, with a button that copies it."""
    lines: list[str] = []
    for field, value in draft.changes.items():
        choices = draft.fields.get("choices") if field == "answer" else None
        marked = choices[value] if isinstance(choices, list) and value in range(len(choices)) else value
        lines += _lines(field, marked)
    st.code("\n".join(lines), language=None, wrap_lines=True)


def draft_label(draft: Draft) -> str:
    """Name of a draft's place, for example: question q3, a new question, the prompt."""
    identity = drafts.question_id_of(draft.place)
    if identity is not None:
        return Sentence("question {id}", id=identity)
    return Sentence("the prompt") if draft.place == drafts.PROMPT else Sentence("a new question")


def typed_ago(at: float) -> str:
    """Time since typing as text, for example: typed about 3 min ago."""
    seconds = time.time() - at
    if seconds < JUST_NOW_S:
        return Sentence("typed just now")
    return Sentence("typed {time} ago", time=formatting.duration(seconds))


def _lines(field: str, value: Any) -> list[str]:
    if isinstance(value, list | tuple):
        return [f"choice {i}: {choice}" for i, choice in enumerate(value)]
    return [f"{field}: {'' if value is None else value}"]
