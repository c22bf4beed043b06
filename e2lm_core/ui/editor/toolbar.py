"""Toolbar: copy, delete, undo, redo, history.

Tested in tests/pages/test_pages.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.settings import Settings
from e2lm_core.base.titles import MAX_TITLE_CHARS
from e2lm_core.runs import fleets
from e2lm_core.sets import collection, versions
from e2lm_core.ui import session
from e2lm_core.ui.app import widgets
from e2lm_core.ui.base import language, markdown, urls
from e2lm_core.ui.cache import results
from e2lm_core.ui.editor import last_edit, restore_dialog, version_words
from e2lm_core.ui.editor.drafts import forms

MAX_LISTED = 200  # latest versions in the list; older ones are listed if they have a name


def copy_popover(name: str) -> None:
    """Draw a popover that copies the set under a title and selects the copy."""
    # The keys contain the set's name: once the copy is selected, the popover is closed and proposes a new
    # name.
    with st.popover(language.translate("Copy this set"), icon=":material/content_copy:", key=f"copy_{name}"):
        wish = st.text_input(
            language.translate("Title of the copy"),
            proposed_copy(name),
            key=f"copy_name_{name}",
            max_chars=MAX_TITLE_CHARS,
        )
        if st.button(language.translate("Copy"), type="primary", key="copy_go"):
            copy_titled(name, wish)


def proposed_copy(address: str) -> str:
    """Title of a copy, or a free name where the set has no title."""
    settings = session.studio().settings
    if title := collection.find_set(settings, address).title:
        return language.translate("Copy of {title}", title=title)[:MAX_TITLE_CHARS]
    return collection.free_name(settings, f"my_{address}")


def copy_titled(source: str, wish: str) -> None:
    """Copy a set with its model group, and select the copy; a refusal is shown.

    Args:
        source: Address of the set.
        wish: Title of the copy, which its name is made from; a name that is free has no title beside it.
    """
    settings = session.studio().settings
    name = collection.free_name(settings, wish)

    def copied() -> None:
        collection.copy_set(settings, source, name, title="" if wish == name else wish)
        fleets.copy_choice(settings, source, name)

    run_action(copied, name)


def delete_popover(name: str) -> None:
    """Draw a popover that asks before a set is moved to the trash."""
    with st.popover(language.translate("Delete set"), icon=":material/delete:"):
        markdown.markdown(
            markdown.fill_template(
                "Move **{name}** to the trash? You can restore it under *Sets*.", name=session.set_label(name)
            )
        )
        if st.button(language.translate("Delete this set"), type="primary", key="delete_go"):
            try:
                move_to_trash(name)
            except StudioError as error:
                markdown.error(error)
            else:
                urls.go("sets")


def move_to_trash(name: str) -> None:
    """Move a set to the trash, and select another if it was selected.

    Raises:
        StudioError: The set is an example or another person's, or the disk refuses.
    """
    collection.delete_set(session.studio().settings, name)
    results.let_go(name)
    if st.session_state.get("set") == name:
        st.session_state.pop("set", None)
        st.query_params.pop("set", None)
    last_edit.forget_last_edit()


def undo_redo_buttons(name: str) -> None:
    """Draw the buttons that undo or redo the caller's last change and run the changed questions."""
    settings = session.studio().settings
    back, forward = versions.available_undo(settings, name)
    kept = session.versions_of_set(name)
    nothing = language.translate("Nothing to undo"), language.translate("Nothing to redo")
    _step(
        language.translate("Undo"),
        ":material/undo:",
        _hint(kept, back, settings) or nothing[0],
        back is None,
        "Ctrl+Z",
        versions.undo_with_note,
        name,
        "undo",
    )
    _step(
        language.translate("Redo"),
        ":material/redo:",
        _hint(kept, forward, settings) or nothing[1],
        forward is None,
        "Ctrl+Shift+Z",
        versions.redo_with_note,
        name,
        "redo",
    )


def last_change(name: str) -> str:
    """Sentence on the author and the time of the set's last change; "" if it was never edited."""
    settings = session.studio().settings
    kept = session.versions_of_set(name)
    if len(kept) < 2:
        return ""
    last = kept[-1]
    return language.translate(
        "Last change {when} by {author}: {action}",
        when=_when(last),
        author=_whose(last, settings),
        action=version_words.action_words(last.action),
    )


def _hint(kept: Sequence[versions.Version], action: str | None, settings: Settings) -> str | None:
    """Hint of a button: the change to undo or redo, its author and time; None if there is nothing."""
    if action is None:
        return None
    mine = [v for v in kept if v.action == action and v.who == settings.author]
    words = version_words.action_words(action)
    said = (
        language.translate("{action} (yours, {when})", action=words, when=_when(mine[-1])) if mine else words
    )
    if kept and kept[-1].who not in ("", settings.author):
        said += ". " + language.translate(
            "The last change was made by {author} and is not affected.", author=_whose(kept[-1], settings)
        )
    return said


def _whose(version: versions.Version, settings: Settings) -> str:
    if version.who == settings.author:
        return language.translate("you")
    return (
        language.translate(versions.display_name(version.who))
        if version.who
        else language.translate("the command line")
    )


def _when(version: versions.Version) -> str:
    return forms.clock(datetime.fromisoformat(version.at).timestamp())


def _step(
    label: str,
    icon: str,
    hint: str,
    is_disabled: bool,
    shortcut: str,
    move: Callable[[Settings, str], versions.UndoResult],
    name: str,
    key: str,
) -> None:
    # A callback runs before anything is drawn: a page that is redrawn meanwhile would lose the click.
    st.button(
        markdown.escape(label),
        icon=icon,
        disabled=is_disabled,
        help=markdown.escape(hint),
        shortcut=shortcut,
        key=key,  # its hint changes with each change, and a click on a button of the former hint would be lost
        on_click=_turn,
        args=(move, name),
    )


def _turn(move: Callable[[Settings, str], versions.UndoResult], name: str) -> None:
    """Undo or redo, and run the changed questions."""
    forms.forget_notes()
    try:
        moved = move(session.studio().settings, name)
    except StudioError as error:
        forms.queue_error(error)
    else:
        if moved.sentence:
            forms.queue_notice(moved.sentence)
        last_edit.forget_last_edit()
        last_edit.after_save(moved.task)


def history_popover(name: str) -> None:
    """Draw a popover with the set's versions: to name one, which keeps it, and to restore one."""
    settings = session.studio().settings
    kept = session.versions_of_set(name)
    if lost := versions.history_damage(settings, name):
        markdown.warning(lost, icon=":material/history:")
    listed = {v.number: v for at, v in enumerate(reversed(kept)) if at < MAX_LISTED or v.name}
    with st.popover(
        language.translate("History"),
        icon=":material/history:",
        disabled=len(kept) < 2,
        key=restore_dialog.popover_key(name),
    ):
        if len(kept) < 2:
            return
        number = st.selectbox(
            language.translate("Version"),
            list(listed),
            format_func=lambda n: markdown.escape(_version_said(listed[n], settings)),
            key=f"history_version_{kept[-1].number}",  # selects the newest again after an edit
        )
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            called = st.text_input(
                language.translate("Its name"),
                listed[number].name or "",
                key=f"history_name_{number}",
                max_chars=versions.NAME_CHARS,
                help=language.translate("Named versions are never deleted."),
            )
            if st.button(language.translate("Name it"), key="history_call"):
                widgets.perform_action(
                    lambda: versions.name_version(settings, name, number, called), last_edit.forget_last_edit
                )
        if not listed[number].shown:
            _restore(name, number, settings)
    restore_dialog.draw(name)


def _version_said(version: versions.Version, settings: Settings) -> str:
    said = [
        version.name,
        _when(version),
        version_words.action_words(version.action),
        # Version 0 is the set as it was found at its first change: whoever wrote it is not recorded.
        _whose(version, settings) if version.number else "",
    ]
    return " · ".join(part for part in said if part) + (
        f", {language.translate('now')}" if version.shown else ""
    )


def _restore(name: str, number: int, settings: Settings) -> None:
    """Draw what a restore would change, in a few words, and the button that opens it whole."""
    markdown.caption(markdown.escape(versions.preview_restore(settings, name, number).sentence))
    if st.button(language.translate("Restore …"), key="history_restore", icon=":material/history:"):
        restore_dialog.open_dialog(name, number)


def auto_run_switch() -> None:
    """Draw the switch that `last_edit.after_save` reads."""
    st.toggle(
        language.translate("Test every edit"),
        value=True,
        key="run_edits",
        help=language.translate("After an edit, only the edited question is run again."),
    )


def run_action(action: Callable[[], object], name: str) -> None:
    """Perform an action and select the set that it has made; a refusal is shown."""

    def chosen() -> None:
        session.choose_set(name)
        last_edit.forget_last_edit()

    widgets.perform_action(action, chosen)
