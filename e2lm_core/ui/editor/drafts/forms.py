"""Forms with drafts.

A form has a name of its own, which does not change during typing: with a key made from the content, a
colleague's save would invalidate the button that was just pressed.

Tested in tests/pages/writing/test_drafts.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.sentences import Sentence
from e2lm_core.sets.conflicts import PAIR
from e2lm_core.sets.editing import drafts
from e2lm_core.sets.editing.drafts import Draft
from e2lm_core.sets.editing.save_edits import SaveOutcome
from e2lm_core.ui import session
from e2lm_core.ui.app import recovery
from e2lm_core.ui.base import language, markdown
from e2lm_core.ui.editor import last_edit
from e2lm_core.ui.editor.drafts import autosave

SAVED_SHOWN_S = 600.0
NOTE_S = 15.0


@dataclass(frozen=True)
class Form:
    """A form at a place of a set.

    Attributes:
        task: Address of the set.
        place: Place of the form, see `Draft.place`.
        name: Name of the form.
        seen: Values of the fields as the author saw them.
        values: Values that the form shows.
        typed_at: Time of typing, in seconds since 1970; None without typed text.
        restored: Whether the form began with a saved draft.
        moved: Fields without typed text that were saved again since the form was last drawn.
    """

    task: str
    place: str
    name: str
    seen: dict[str, Any]
    values: dict[str, Any]
    typed_at: float | None = None
    restored: bool = False
    moved: frozenset[str] = frozenset()

    def key(self, field: str) -> str:
        """Key of a field's widget."""
        return f"field_{self.name}_{field}"

    def entered(self, field: str) -> Any:
        """Value of a field's widget, for the callback of a button."""
        return st.session_state.get(self.key(field))

    def follow(self, field: str, **shown: Any) -> None:
        """Set a field's widgets to the saved values if these have changed; called before they are drawn.

        Args:
            field: Name of the field.
            **shown: Saved values by name of the widget.
        """
        if field in self.moved:
            st.session_state.update({self.key(name): value for name, value in shown.items()})

    def changes(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values that differ from those that the author saw."""
        return {field: value for field, value in values.items() if value != self.seen.get(field)}


def open_form(task: str, place: str, present: dict[str, Any]) -> Form:
    """The session's form at a place of a set.

    The form stays the same while there is text in it; fields without typed text follow the saved values.
    Without any typed text the whole form does. Text typed earlier (in another session, window or page) is
    restored.

    Args:
        task: Address of the set.
        place: Place of the form.
        present: Saved values by field.
    """
    forms: dict[tuple[str, str], Form] = st.session_state.setdefault("forms", {})
    held = forms.get((task, place))
    draft = drafts.find_draft(session.studio().settings, task, place)
    if draft is None:
        same = held is not None and held.seen == present and held.typed_at is None
        form = held if held is not None and same else Form(task, place, drafts.new_form(), present, present)
    else:
        known = held is not None and held.name == draft.form and _drawn(draft.form)
        seen = {field: _alike(value, draft.seen.get(field, value)) for field, value in present.items()}
        fields = {field: _alike(value, draft.fields.get(field, value)) for field, value in present.items()}
        typed = {field for field in present if fields[field] != seen[field]}
        if not typed.isdisjoint(PAIR):  # the right answer refers to the choices that the author saw
            typed.update(PAIR)
        moved: set[str] = set()
        if held is not None and known:
            moved = {field for field in present.keys() - typed if held.values[field] != present[field]}
        form = Form(
            task,
            place,
            draft.form,
            present | {field: seen[field] for field in typed},
            present | {field: fields[field] for field in typed},
            typed_at=draft.at,
            restored=held.restored if held is not None and known else True,
            moved=frozenset(moved),
        )
    forms[task, place] = form
    return form


def autosave_form(form: Form, area: str, fields: Sequence[autosave.Field]) -> None:
    """Save typed text of a form as a draft, see `autosave.autosave`; redraw the page for late text."""
    if autosave.autosave(form.task, form.place, form.name, area, fields, form.values, form.seen):
        forget(form.task, form.place)
        st.rerun()


def close(form: Form) -> None:
    """Mark a form's text as saved: the next form begins with the saved values."""
    drafts.mark_saved(session.studio().settings, form.task, form.place, form.name)
    forget(form.task, form.place)


def finish(task: str, place: str, outcome: SaveOutcome) -> None:
    """Show the outcome of saving the form at a place, and run what was saved."""
    forget_notes()
    if outcome.refused:
        queue_error(outcome.refused, place)
    if outcome.task is None:
        return
    forget(task, place)
    last_edit.forget_last_edit()
    if not outcome.clashes:
        show_saved(place)
    last_edit.after_save(outcome.task)


def forget(task: str, place: str) -> None:
    """Drop the form at a place: the next one is new."""
    st.session_state.get("forms", {}).pop((task, place), None)


def save_draft(form: Form, values: dict[str, Any], revision: int = 0) -> None:
    """Save a form's values as a draft, unless the browser has sent a later revision already.

    Args:
        form: The form.
        values: Its values.
        revision: Order among the form's requests, as `Draft.turn`.
    """
    draft = Draft(
        task=form.task,
        place=form.place,
        form=form.name,
        at=time.time(),
        turn=revision,
        fields=values,
        seen=form.seen,
    )
    try:
        drafts.save_draft(session.studio().settings, draft)
    except StudioError as error:
        queue_error(
            Sentence("{problem} What you typed is still in the form.", problem=error.sentence), form.place
        )


def draft_notice(form: Form) -> None:
    """Draw a notice that a form shows unsaved text, or an offer to restore the text last discarded."""
    if form.restored and form.typed_at is not None:
        markdown.info(
            Sentence("Unsaved changes, {typed}.", typed=recovery.typed_ago(form.typed_at)),
            icon=":material/edit_note:",
        )
    elif st.session_state.get("discarded") == (form.task, form.place) and drafts.has_discarded(
        session.studio().settings, form.task, form.place
    ):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(language.translate("Changes discarded."), width="content")
            st.button(
                language.translate("Bring it back"),
                key="draft_back",
                icon=":material/undo:",
                on_click=bring_back,
                args=(form.task, form.place),
            )


def form_buttons(
    form: Form, label: str, readonly: bool, save: Callable[..., None], arguments: tuple[Any, ...]
) -> None:
    """Draw a form's buttons: save, discard if there is text, and the note that it was saved.

    Args:
        form: The form.
        label: Label of the save button.
        readonly: Disable saving.
        save: Callback of the save button.
        arguments: Arguments of the callback.
    """
    save_key, discard_key = autosave.ending_buttons(form.name)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        # A callback runs before anything is drawn, with the form's values at the time of the click.
        st.form_submit_button(
            markdown.escape(label),
            type="primary",
            disabled=readonly,
            on_click=save,
            args=arguments,
            key=save_key,
        )
        if form.typed_at is not None:
            st.form_submit_button(
                language.translate("Discard"), on_click=discard, args=(form.task, form.place), key=discard_key
            )
        saved_note(form.place)
    for note in _notes():
        if note.is_error and note.place == form.place:  # again: a page's head may lie above the window
            markdown.error(note.sentence, icon=":material/error:")


def show_saved(place: str) -> None:
    """Show beside the form at a place that it is saved."""
    st.session_state["acknowledged"] = (place, time.time())


def saved_note(place: str) -> None:
    """Draw the note beside what was saved at a place a moment ago, for example: Saved 14:03:05."""
    of, at = st.session_state.get("acknowledged", ("", 0.0))
    if of == place and time.time() - at < SAVED_SHOWN_S:
        st.caption(markdown.fill_template(":material/check: Saved {at}", at=clock(at)), width="content")


def clock(at: float) -> str:
    """Time in the visitor's time zone: hours to seconds today, date and minutes on other days."""
    try:
        zone = ZoneInfo(st.context.timezone or "UTC")
    except (KeyError, ValueError, OSError):
        zone = ZoneInfo("UTC")
    then = datetime.fromtimestamp(at, zone)
    today = datetime.now(zone).date()
    if then.date() == today:
        return then.strftime("%H:%M:%S")
    return language.translate(
        "{year}-{month}-{day} {time}",
        year=then.strftime("%Y"),
        month=then.strftime("%m"),
        day=then.strftime("%d"),
        time=then.strftime("%H:%M"),
    )


def discard(task: str, place: str) -> None:
    """Discard the draft at a place; it can be restored once."""
    drafts.discard_draft(session.studio().settings, task, place)
    forget(task, place)
    st.session_state["discarded"] = (task, place)


def bring_back(task: str, place: str) -> None:
    """Restore the discarded draft at a place."""
    st.session_state.pop("discarded", None)
    try:
        drafts.restore_draft(session.studio().settings, task, place)
    except StudioError as error:
        queue_error(error)
    forget(task, place)


@dataclass
class _Note:
    """A sentence on what a button did: queued until `drawn_at`, and drawn for `NOTE_S` from then on."""

    sentence: str
    is_error: bool
    task: str | None
    place: str = ""
    drawn_at: float | None = None


def queue_error(sentence: object, place: str = "") -> None:
    """Queue a button's error for the next drawing of the editor; that of a form, with its place, stands in both."""
    _queue(sentence, is_error=True, place=place)


def queue_notice(sentence: object) -> None:
    """Queue a note on an unexpected effect of a button for the next drawing of the editor."""
    _queue(sentence, is_error=False)


def _queue(of: object, is_error: bool, place: str = "") -> None:
    sentence = of.sentence if isinstance(of, StudioError) else of if isinstance(of, str) else str(of)
    queued = [note for note in _notes() if note.drawn_at is None]
    note = _Note(sentence, is_error, st.session_state.get("set"), place)
    st.session_state["author_notes"] = [*queued, note]


def forget_notes() -> None:
    """Drop the notes and errors of the actions before this one."""
    st.session_state.pop("author_notes", None)


def show_queued() -> None:
    """Draw the queued notes and errors, again for some seconds: the results of an edit redraw the page at once."""
    now, here = time.time(), st.session_state.get("set")
    shown = [n for n in _notes() if n.task == here and (n.drawn_at is None or now - n.drawn_at < NOTE_S)]
    st.session_state["author_notes"] = shown
    for note in sorted(shown, key=lambda note: note.is_error):
        note.drawn_at = note.drawn_at or now
        draw, icon = (markdown.error, "error") if note.is_error else (markdown.info, "info")
        draw(note.sentence, icon=f":material/{icon}:")


def _notes() -> list[_Note]:
    notes: list[_Note] = st.session_state.get("author_notes", [])
    return notes


def _drawn(name: str) -> bool:
    """Whether the page's last drawing had the form: Streamlit drops the widgets of any other."""
    return any(str(key).startswith(f"field_{name}_") for key in st.session_state)


def _alike(model: Any, value: Any) -> Any:
    """A draft's value if it has the type of the field's value, else the field's value."""
    if isinstance(model, tuple):
        return tuple(str(v) for v in value) if isinstance(value, list | tuple) else model
    if isinstance(model, int):
        return value if isinstance(value, int) and not isinstance(value, bool) else model
    return value if value is None or isinstance(value, str) else model
