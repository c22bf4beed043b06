"""What was typed and could not be saved, as text that can be copied; and what is said of a set that is gone.

Tested in tests/pages/writing/test_drafts.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import streamlit as st

from e2lm_core.base import phrasing
from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection
from e2lm_core.sets.desk import drafts
from e2lm_core.sets.desk.drafts import Draft
from e2lm_core.ui.frame import say

JUST_NOW_S = 20.0


def gone_set(settings: Settings, name: str, choose: Callable[[str], None]) -> None:
    """Say that a set is no longer here, where it is now if it was renamed, and what of the person's is not saved."""
    renamed = collection.renamed_to(settings, name)
    if renamed is not None:
        say.warning(
            f"The set {name} is no longer here: somebody has renamed it to {renamed}.",
            icon=":material/folder_off:",
        )
        st.button(say.filled("Open {name}", name=renamed), key="gone_open", on_click=choose, args=(renamed,))
    else:
        say.warning(
            f"The set {name} is no longer here: somebody has deleted or renamed it, or shares it no longer. "
            "Choose another one above; a deleted set is brought back on Sets.",
            icon=":material/folder_off:",
        )
    for draft in drafts.list_drafts(settings, name):
        say.caption(f"{what(draft).capitalize()}, {ago(draft.at)} and not saved:")
        text(draft)


def text(draft: Draft) -> None:
    """What was typed, with a button that copies it."""
    typed = {field: value for field, value in draft.fields.items() if value != draft.seen.get(field)}
    lines: list[str] = []
    for field, value in typed.items():
        lines += _lines(field, value)
    st.code("\n".join(lines), language=None, wrap_lines=True)


def what(draft: Draft) -> str:
    """What a draft is of: question q3, a new question, the prompt."""
    identity = drafts.question_of(draft.place)
    if identity is not None:
        return f"question {identity}"
    return "the prompt" if draft.place == drafts.PROMPT else "a new question"


def ago(at: float) -> str:
    """Typed about 3 min ago."""
    seconds = time.time() - at
    return "typed just now" if seconds < JUST_NOW_S else f"typed {phrasing.duration(seconds)} ago"


def _lines(field: str, value: Any) -> list[str]:
    if isinstance(value, list | tuple):
        return [f"choice {i}: {choice}" for i, choice in enumerate(value)]
    return [f"{field}: {'' if value is None else value}"]
