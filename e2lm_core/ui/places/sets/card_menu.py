"""Menu of a set's card: another title, a copy, the trash.

Tested in tests/pages/test_sets.py.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from e2lm_core.base.titles import MAX_TITLE_CHARS
from e2lm_core.sets import authoring
from e2lm_core.sets.collection import SetInfo
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language
from e2lm_core.ui.editor import last_edit, toolbar


def menu(info: SetInfo) -> None:
    """Draw the menu; its content is drawn when it is opened."""
    key = info.address.replace("/", "-")
    with st.popover(
        language.translate("Menu"),
        icon=":material/more_vert:",
        type="tertiary",
        key=f"menu_{key}",
        on_change="rerun",
    ) as box:
        if not box.open:
            return
        settings = session.studio().settings
        is_own = not (info.example or info.role == "reader" or settings.readonly)
        if is_own:
            title = st.text_input(
                language.translate("Title"), info.title, key=f"title_{key}", max_chars=MAX_TITLE_CHARS
            )
            if st.button(language.translate("Save the title"), key=f"title_go_{key}", type="primary"):
                widgets.perform_action(
                    partial(authoring.change_title, settings, info.address, title), _changed
                )
        if not settings.readonly and st.button(
            language.translate("Copy"), key=f"copy_{key}", icon=":material/content_copy:", type="tertiary"
        ):
            toolbar.copy_titled(info.address, toolbar.proposed_copy(info.address))
        if (
            is_own
            and info.owner is None
            and st.button(
                language.translate("Move to trash"),
                key=f"trash_{key}",
                icon=":material/delete:",
                type="tertiary",
            )
        ):
            widgets.perform_action(partial(toolbar.move_to_trash, info.address), _changed)


def _changed() -> None:
    session.forget_in_run("sets")
    session.forget_in_run("labels")
    last_edit.forget_last_edit()
