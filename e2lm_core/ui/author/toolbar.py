"""The buttons above a set: copy it, delete it, undo and redo, and whether edits run at once.

Tested in tests/pages/test_pages.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection, versions
from e2lm_core.ui import session
from e2lm_core.ui.author import after, presence
from e2lm_core.ui.author.unsaved import forms
from e2lm_core.ui.frame import addresses, say


def copy(name: str) -> None:
    """A popover that copies the set under a new name and takes it in hand."""
    settings = session.studio().settings
    with st.popover("Copy this set", icon=":material/content_copy:"):
        wish = st.text_input(
            "Name of the copy", collection.free_name(settings, f"my_{name}"), key="copy_name"
        )
        if st.button("Copy", type="primary", key="copy_go"):
            do(lambda: collection.copy_set(settings, name, wish), wish)


def delete(name: str) -> None:
    """A popover that asks before a set is put aside."""
    with st.popover("Delete set", icon=":material/delete:"):
        say.markdown(say.filled("Put **{name}** aside? *Sets* can restore it.", name=name))
        if st.button("Delete this set", type="primary", key="delete_go"):
            try:
                collection.delete_set(session.studio().settings, name)
            except StudioError as error:
                say.error(error)
            else:
                st.session_state.pop("set", None)
                st.query_params.pop("set", None)
                after.reset()
                addresses.go("sets")


def undo_and_redo(name: str) -> None:
    """Take back or make again one's own last change of the set, which runs what that changes."""
    settings = session.studio().settings
    back, forward = versions.undoable(settings, name)
    kept = versions.list_versions(settings, name)
    _step("Undo", ":material/undo:", _hint(kept, back, settings), "Ctrl+Z", versions.step_back, name)
    _step(
        "Redo", ":material/redo:", _hint(kept, forward, settings), "Ctrl+Shift+Z", versions.step_forth, name
    )


def last_change(name: str) -> str:
    """Whose the set's last change is and when it was made; "" where it was never edited."""
    settings = session.studio().settings
    kept = versions.list_versions(settings, name)
    if len(kept) < 2:
        return ""
    last = kept[-1]
    return f"Last change {_when(last)} by {_whose(last, settings)}: {last.action}"


def _hint(kept: Sequence[versions.Version], action: str | None, settings: Settings) -> str | None:
    """What a button would take back or make again, whose and when; None where there is nothing."""
    if action is None:
        return None
    mine = [v for v in kept if v.action == action and v.who == settings.author]
    said = f"{action} (yours, {_when(mine[-1])})" if mine else action
    if kept and kept[-1].who not in ("", settings.author):
        said += f". The set's last change, by {_whose(kept[-1], settings)}, stays as it is."
    return said


def _whose(version: versions.Version, settings: Settings) -> str:
    if version.who == settings.author:
        return "you"
    return presence.named(version.who) if version.who else "the command line"


def _when(version: versions.Version) -> str:
    return forms.clock(datetime.fromisoformat(version.at).timestamp()) if version.at else "some time ago"


def _step(
    label: str,
    icon: str,
    hint: str | None,
    shortcut: str,
    move: Callable[[Settings, str], versions.Moved],
    name: str,
) -> None:
    if not st.button(
        say.plain(label),
        icon=icon,
        disabled=hint is None,
        help=say.plain(hint or f"nothing of yours to {label.lower()}"),
        shortcut=shortcut,
    ):
        return
    try:
        moved = move(session.studio().settings, name)
    except StudioError as error:
        say.error(error)
    else:
        if moved.sentence:
            forms.tell(moved.sentence)
        after.reset()
        after.edited(moved.task)
        st.rerun()


def run_edits() -> None:
    """The switch that `after.edited` obeys."""
    st.toggle(
        "Run edits at once",
        value=True,
        key="run_edits",
        help="Where the set has results, an edit runs the edited questions alone.",
    )


def do(action: Callable[[], object], name: str) -> None:
    """Take the set in hand that an action has made; a refusal is shown."""
    try:
        action()
    except StudioError as error:
        say.error(error, icon=":material/error:")
    else:
        session.choose_set(name)
        after.reset()
        st.rerun()
