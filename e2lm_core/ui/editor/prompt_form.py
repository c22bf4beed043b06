"""Prompt form.

Tested in tests/pages/test_pages.py and tests/pages/writing/test_drafts.py.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import (
    TaskConfig,
    TaskSet,
)
from e2lm_core.base.sentences import Sentence
from e2lm_core.sets import authoring, locks
from e2lm_core.sets.conflicts import EditConflict, SaveResult
from e2lm_core.sets.editing import drafts, save_edits
from e2lm_core.sets.prompts import layouts
from e2lm_core.ui import session
from e2lm_core.ui.base import language, markdown, urls
from e2lm_core.ui.editor import fewshot_panel, prompt_preview
from e2lm_core.ui.editor.drafts import conflicts, forms
from e2lm_core.ui.editor.drafts.autosave import Field
from e2lm_core.ui.editor.drafts.forms import Form

# Names of the prompt styles in the form.
_STYLES = {style.capitalize(): style for style in layouts.LAYOUTS}
_NAMES = {style: name for name, style in _STYLES.items()}
_CUSTOM = language.mark("Custom")
STYLES = (*_STYLES, _CUSTOM)
AREA = "prompt_area"


def prompt(task: TaskSet, readonly: bool) -> None:
    """Draw the prompt form. A form, since each change of the prompt makes every result stale."""
    present = _values(task.config)
    if not readonly and _clashing(task, present):
        return
    form = forms.open_form(task.address, drafts.PROMPT, present)
    if not readonly:
        forms.draft_notice(form)
    with st.container(key=AREA), st.form(f"prompt_{form.name}"):
        _fields(task, form, readonly)
        forms.form_buttons(form, language.translate("Save the prompt"), readonly, _save, (form,))
    if task.questions:
        ids = [question.id for question in task.questions]
        held = st.session_state.get(urls.HELD["question"])
        prompt_preview.prompt_preview(task, task.questions[ids.index(held) if held in ids else 0])
    fewshot_panel.fewshot_panel(task, readonly)
    if not readonly:
        fields = [
            Field("style", [form.key("style")], "option", STYLES),
            Field("doc_to_text", [form.key("doc_to_text")], "text"),
            Field("description", [form.key("description")], "text"),
            Field("num_fewshot", [form.key("num_fewshot")], "number"),
        ]
        forms.autosave_form(form, AREA, fields)


def _values(config: TaskConfig) -> dict[str, Any]:
    """Values of the prompt's fields, as the form shows them."""
    return {
        "style": _NAMES.get(config.style, _CUSTOM),
        "doc_to_text": config.doc_to_text,
        "description": config.description,
        "num_fewshot": config.num_fewshot,
    }


def _fields(task: TaskSet, form: Form, readonly: bool) -> None:
    values, most = form.values, task.max_fewshot
    style = values["style"] if values["style"] in STYLES else _CUSTOM
    num_fewshot = min(max(values["num_fewshot"], 0), most)
    form.follow("style", style=style)
    form.follow("doc_to_text", doc_to_text=values["doc_to_text"] or "")
    form.follow("description", description=values["description"] or "")
    form.follow("num_fewshot", num_fewshot=num_fewshot)
    st.radio(
        language.translate("Style"),
        STYLES,
        format_func=lambda style: markdown.escape(language.translate(style)),
        index=STYLES.index(style),
        horizontal=True,
        disabled=readonly,
        key=form.key("style"),
        help=(
            language.translate(
                "*Cloze* scores the text of each choice and works earliest in training. *Letters* lists "
                "the choices and scores the letter. *Ending* scores the question after each choice."
            )
        ),
    )
    st.text_area(
        language.translate("doc_to_text (Jinja2, used with Custom)"),
        values["doc_to_text"] or "",
        height=110,
        disabled=readonly,
        key=form.key("doc_to_text"),
    )
    st.text_area(
        language.translate("description (before every prompt)"),
        values["description"] or "",
        height=70,
        disabled=readonly,
        key=form.key("description"),
    )
    st.number_input(
        "num_fewshot",
        0,
        min(session.studio().settings.limits.max_fewshot, most),
        num_fewshot,
        disabled=readonly,
        key=form.key("num_fewshot"),
        help=markdown.fill_template(
            "Few-shot examples before each question, taken from the {most} example questions.", most=str(most)
        ),
    )


def _save(form: Form) -> None:
    """Save the prompt; the button's callback, before anything is drawn."""
    values = {
        "style": form.entered("style") or _CUSTOM,
        "doc_to_text": form.entered("doc_to_text") or "",
        "description": form.entered("description") or "",
        "num_fewshot": int(form.entered("num_fewshot") or 0),
    }
    forms.save_draft(form, values)
    try:
        saved = _merged(form.task, form.changes(values), form.seen)
    except StudioError as error:
        forms.queue_error(Sentence("{problem} Not saved yet.", problem=error.sentence), form.place)
        return
    forms.close(form)
    problem = save_edits.keep_conflicts(session.studio().settings, form.task, form.place, saved.clashes)
    forms.finish(form.task, form.place, save_edits.SaveOutcome(saved.task, saved.clashes, problem))


def _merged(name: str, changes: dict[str, Any], seen: dict[str, Any]) -> SaveResult:
    """Save the changes of fields that nobody else has changed since; the others become conflicts."""
    settings = session.studio().settings
    with locks.lock_set(settings, name):
        task = session.read_set(name)
        present = _values(task.config)
        clashing = _conflicts(changes, seen, present)
        left = {clash.field for clash in clashing}
        wanted = {field: value for field, value in changes.items() if field not in left}
        if wanted:
            task = authoring.update_config(settings, name, **_config(task.config, wanted))
        return SaveResult(task=task, clashes=clashing)


def _conflicts(
    changes: dict[str, Any], seen: dict[str, Any], present: dict[str, Any]
) -> tuple[EditConflict, ...]:
    return tuple(
        EditConflict(question="", field=field, seen=seen.get(field), theirs=present[field], mine=value)
        for field, value in changes.items()
        if present[field] not in (seen.get(field), value)
    )


def _config(config: TaskConfig, values: dict[str, Any]) -> dict[str, Any]:
    """Fields of the configuration from fields of the form."""
    wanted = {field: value for field, value in values.items() if field != "style"}
    style = values.get("style", _NAMES.get(config.style, _CUSTOM))
    if style in _STYLES:
        wanted |= layouts.layout_templates(_STYLES[style])
    return wanted


def _clashing(task: TaskSet, present: dict[str, Any]) -> bool:
    """Draw the conflicts of the person's prompt with later saves; False without any."""
    draft = drafts.find_draft(session.studio().settings, task.address, drafts.PROMPT)
    if draft is None or not draft.tried:
        return False
    changes = {field: value for field, value in draft.changes.items() if field in present}
    found = _conflicts(changes, draft.seen, present)
    for clash in found:
        conflicts.conflict_panel(task.address, drafts.PROMPT, clash, _settle)
    return bool(found)


def _settle(name: str, clash: EditConflict, keep: authoring.Keep, text: Any) -> SaveResult:
    """Resolve a conflict of the prompt, as `authoring.resolve_conflict` does for a question."""
    if keep == "theirs":
        return SaveResult(task=session.read_set(name))
    value = text if keep == "text" else clash.mine
    return _merged(name, {clash.field: value}, {clash.field: clash.theirs})
