"""Saving what was typed: what merges is saved, what clashes or is refused stays its author's draft.

Tested in tests/pages/writing/test_drafts.py and tests/pages/writing/test_writers.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import TaskSet
from e2lm_core.sets import authoring
from e2lm_core.sets.conflicts import Clash, Gone, fields_of
from e2lm_core.sets.desk import drafts
from e2lm_core.ui import session
from e2lm_core.ui.author import after
from e2lm_core.ui.author.unsaved import forms
from e2lm_core.ui.author.unsaved.forms import Form


def save_question(form: Form, identity: str, changes: Mapping[str, Any]) -> None:
    """Save what a form has changed of a question, by what its author saw; what clashes is shown by the page."""
    saved, clashes, refused = save_fields(form.task, identity, changes, form.seen)
    if refused:
        forms.refuse(refused)
        return
    forms.close(form)
    after.reset()
    for clash in clashes:
        keep_clash(form.task, form.place, clash)
    if not clashes:
        forms.acknowledge(form.place)
    if saved is not None:
        after.edited(saved)


def save_fields(
    name: str, identity: str, changes: Mapping[str, Any], seen: Mapping[str, Any]
) -> tuple[TaskSet | None, tuple[Clash, ...], str]:
    """(the set as it is now, what clashes, the sentence that says why nothing was saved).

    What was refused and what clashes is its caller's to keep.
    """
    try:
        saved = authoring.merge_edits(session.studio().settings, name, {identity: changes}, {identity: seen})
    except Gone as error:
        return None, (), f"{error} What you typed is kept below."
    except StudioError as error:
        return None, (), f"{error} Not saved yet."
    return saved.task, saved.clashes, ""


def keep_clash(name: str, place: str, clash: Clash) -> None:
    """Keep what clashes as a draft: both texts are shown until its author has chosen."""
    mine, seen = (fields_of(clash.field, value) for value in (clash.mine, clash.seen))
    keep_fields(name, place, mine, seen, tried=True)


def keep_fields(
    name: str, place: str, fields: Mapping[str, Any], seen: Mapping[str, Any], tried: bool = False
) -> None:
    """Keep fields as a draft, beside what is typed at the place already."""
    before = {field: seen[field] for field in fields if field in seen}
    try:
        drafts.add(session.studio().settings, name, place, fields, before, tried)
    except StudioError as error:
        forms.refuse(error)
