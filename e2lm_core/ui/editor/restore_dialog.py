"""Dialog before a version is restored: the questions that differ, text beside text.

Tested in tests/pages/test_pages.py.
"""

from __future__ import annotations

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.sentences import Sentence, joined
from e2lm_core.sets import versions
from e2lm_core.sets.history.field_diff import Difference
from e2lm_core.sets.history.restore_preview import field_label, field_texts
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown, viewport
from e2lm_core.ui.editor import last_edit

MAX_SHOWN = 40  # differences drawn; further ones are counted
_ASKED, _ROUND = "restore_asked", "restore_round"


def open_dialog(name: str, number: int) -> None:
    """Open the dialog with the next drawing of the page."""
    st.session_state[_ASKED] = (name, number)
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
    st.rerun()


def popover_key(name: str) -> str:
    """Key of the popover that opens the dialog: a new one closes it, as it would lie over the dialog."""
    return f"history_{name}_{st.session_state.get(_ROUND, 0)}"


def draw(name: str) -> None:
    """Draw the dialog if it was opened for this set."""
    asked = st.session_state.get(_ASKED)
    if asked is not None and asked[0] == name:
        dialog = st.dialog(language.translate("Restore this version?"), width="large", on_dismiss=_closed)
        dialog(_dialog)(*asked)


def _closed() -> None:
    st.session_state.pop(_ASKED, None)


def _dialog(name: str, number: int) -> None:
    settings = session.studio().settings
    try:
        found = versions.preview_restore(settings, name, number)
    except StudioError as error:
        markdown.error(error, icon=":material/error:")
        return
    markdown.markdown(joined((found.sentence, Sentence("You can undo it."))))
    with st.container(horizontal=True, gap="small"):
        if st.button(
            language.translate("Restore it"), type="primary", key="history_go", icon=":material/history:"
        ):
            _closed()
            widgets.perform_action(
                lambda: last_edit.after_save(versions.restore_version(settings, name, number)),
                last_edit.forget_last_edit,
            )
        if st.button(language.translate("Cancel"), key="history_cancel"):
            _closed()
            st.rerun()
    shown = found.differences[:MAX_SHOWN]
    heads = (Sentence("Now"), Sentence("Version {version}", version=str(number)))
    if shown and not viewport.is_narrow():
        for cell, head in zip(st.columns(2), heads, strict=True):
            with cell:
                markdown.markdown(markdown.fill_template("**{head}**", head=head))
    texts = {q.id: q.question for q in session.read_set(name).questions}
    last = None
    for one in shown:
        if one.question is not None and one.field not in (None, "question") and one.question != last:
            markdown.caption(texts.get(one.question, ""))
        last = one.question
        _difference(one, heads if viewport.is_narrow() else ("", ""))
    if left := len(found.differences) - len(shown):
        markdown.caption(Sentence("{left} more differences. `version diff` lists all of them.", left=left))


def _difference(one: Difference, heads: tuple[str, str]) -> None:
    """Draw the text now beside that of the version, with the words that differ marked.

    Args:
        one: The difference.
        heads: Names of both texts, drawn above each where they stand one below the other; "" for none.
    """
    whole = Sentence("comes back") if one.before is None else Sentence("is removed")
    markdown.caption(joined(filter(None, (one.question, field_label(one) or whole)), " · "))
    before, after = field_texts(one)
    texts = ((before, after), (after, before))
    for cell, (text, other), head in zip(st.columns(2), texts, heads, strict=True):
        with cell:
            if head:
                markdown.caption(head)
            st.html(markdown.html(text, other))
