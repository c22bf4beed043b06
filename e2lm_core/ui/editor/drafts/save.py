"""Saves a form by three-way merge.

Tested in tests/pages/writing/test_drafts.py and tests/pages/writing/test_writers.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.sets import authoring
from e2lm_core.sets.conflicts import DeletedByOtherError, EditConflict, conflict_fields
from e2lm_core.sets.editing import drafts
from e2lm_core.ui import session
from e2lm_core.ui.editor import last_edit
from e2lm_core.ui.editor.drafts import forms
from e2lm_core.ui.editor.drafts.forms import Form


def save_question(form: Form, identity: str, changes: Mapping[str, Any]) -> None:
    """Save a form's changes of a question by three-way merge; the page shows the conflicts.

    Args:
        form: The form, which holds the values that the author saw.
        identity: Id of the question.
        changes: New values by field.
    """
    saved, clashes, refused = save_fields(form.task, identity, changes, form.seen)
    if refused:
        forms.queue_error(refused)
        return
    forms.close(form)
    last_edit.forget_last_edit()
    for clash in clashes:
        draft_conflict(form.task, form.place, clash)
    if not clashes:
        forms.show_saved(form.place)
    if saved is not None:
        last_edit.after_save(saved)


def save_fields(
    name: str, identity: str, changes: Mapping[str, Any], base: Mapping[str, Any]
) -> tuple[TaskSet | None, tuple[EditConflict, ...], str]:
    """Save changed fields of a question by three-way merge.

    Args:
        name: Address of the set.
        identity: Id of the question.
        changes: New values by field.
        base: Values that the author saw, by field.

    Returns:
        The set after saving, None if it was refused; the conflicts; the reason of a refusal, else "". The
        caller keeps the refused or conflicting text.
    """
    try:
        saved = authoring.merge_edits(session.studio().settings, name, {identity: changes}, {identity: base})
    except DeletedByOtherError as error:
        return None, (), f"{error} What you typed is kept below."
    except StudioError as error:
        return None, (), f"{error} Not saved yet."
    return saved.task, saved.clashes, ""


def draft_conflict(name: str, place: str, clash: EditConflict) -> None:
    """Save the text in conflict as a draft: both texts are shown until the author has chosen."""
    mine, seen = (conflict_fields(clash.field, value) for value in (clash.mine, clash.seen))
    draft_fields(name, place, mine, seen, tried=True)


def draft_fields(
    name: str, place: str, fields: Mapping[str, Any], seen: Mapping[str, Any], tried: bool = False
) -> None:
    """Save fields as a draft, beside text that is typed at the place already.

    Args:
        name: Address of the set.
        place: Place of the draft.
        fields: Values by field.
        seen: Values that the author saw, by field.
        tried: Whether saving has met another author's change.
    """
    before = {field: seen[field] for field in fields if field in seen}
    try:
        drafts.add_fields(session.studio().settings, name, place, fields, before, tried)
    except StudioError as error:
        forms.queue_error(error)
