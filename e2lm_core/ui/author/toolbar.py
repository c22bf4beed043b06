"""The buttons above a set: copy, create, open, restore and delete sets, undo and redo, and whether edits run at once.

Tested in tests/pages/test_pages.py.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.base.settings import Settings
from e2lm_core.sets import collection, versions
from e2lm_core.sets.folder import bundle
from e2lm_core.ui import session
from e2lm_core.ui.author import after
from e2lm_core.ui.frame import say, uploaded


def copy(name: str) -> None:
    """A popover that copies the set under a new name and takes it in hand."""
    settings = session.studio().settings
    with st.popover("Copy this set", icon=":material/content_copy:"):
        wish = st.text_input(
            "Name of the copy", collection.free_name(settings, f"my_{name}"), key="copy_name"
        )
        if st.button("Copy", type="primary", key="copy_go"):
            _do(lambda: collection.copy_set(settings, name, wish), wish)


def create() -> None:
    """A popover for a set that is new, in a bundle, or was deleted."""
    settings = session.studio().settings
    with st.popover("New set", icon=":material/add:"):
        wish = st.text_input("Name", collection.free_name(settings, "my_set"), key="create_name")
        if st.button("Create", type="primary", key="create_go"):
            _do(lambda: collection.create_set(settings, wish), wish)
        upload = st.file_uploader("or open a bundle", type=["zip"], key="create_bundle")
        if upload is not None and st.button("Open the bundle", key="create_open"):
            _do(
                lambda: collection.import_set(
                    settings, bundle.unpack(uploaded.read(upload), settings.limits), wish
                ),
                wish,
            )
        for gone in collection.deleted_sets(settings):
            if st.button(
                say.plain(f"Restore {gone}"), key=f"restore_{gone}", icon=":material/restore_from_trash:"
            ):
                _do(partial(collection.restore_set, settings, gone), gone)


def delete(name: str) -> None:
    """A popover that asks before a set is put aside."""
    with st.popover("Delete set", icon=":material/delete:"):
        say.markdown(say.filled("Put **{name}** aside? *New set* can restore it.", name=name))
        if st.button("Delete this set", type="primary", key="delete_go"):
            try:
                collection.delete_set(session.studio().settings, name)
            except StudioError as error:
                say.error(error)
            else:
                st.session_state.pop("set", None)
                st.query_params.pop("set", None)
                after.reset()
                st.rerun()


def undo_and_redo(name: str) -> None:
    """One step back or forward in the set's history, which runs what the step changed."""
    back, forward = versions.undoable(session.studio().settings, name)
    _step("Undo", ":material/undo:", back, "Ctrl+Z", versions.undo, name)
    _step("Redo", ":material/redo:", forward, "Ctrl+Shift+Z", versions.redo, name)


def _step(
    label: str,
    icon: str,
    action: str | None,
    shortcut: str,
    move: Callable[[Settings, str], TaskSet],
    name: str,
) -> None:
    hint = action or f"nothing to {label.lower()}"
    if not st.button(
        say.plain(label), icon=icon, disabled=action is None, help=say.plain(hint), shortcut=shortcut
    ):
        return
    try:
        moved = move(session.studio().settings, name)
    except StudioError as error:
        say.error(error)
    else:
        after.reset()
        after.edited(moved)
        st.rerun()


def run_edits() -> None:
    """The switch that `after.edited` obeys."""
    st.toggle(
        "Run edits at once",
        value=True,
        key="run_edits",
        help="Where the set has results, an edit runs the edited questions alone.",
    )


def _do(action: Callable[[], object], name: str) -> None:
    """Take the set in hand that an action has made; a refusal is shown."""
    try:
        action()
    except StudioError as error:
        say.error(error, icon=":material/error:")
    else:
        session.choose_set(name)
        after.reset()
        st.rerun()
