"""Saves table edits by three-way merge; conflicts stay drafts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.records import Question
from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring
from e2lm_core.sets.conflicts import DeletedByOtherError, EditConflict, conflict_fields
from e2lm_core.sets.editing import drafts

FIELDS = ("question", "choices", "answer", "subject", "note")
NO_CHOICE = -1  # the gold index of a question whose right choice nobody has named


class SaveOutcome(NamedTuple):
    """`clashes` are kept as a draft, and so is everything where `refused` says why nothing was saved."""

    clashes: tuple[EditConflict, ...] = ()
    refused: str = ""


def save_question(
    settings: Settings,
    name: str,
    identity: str,
    fields: Mapping[str, Any],
    base: Mapping[str, Any],
    form: str | None = None,
) -> SaveOutcome:
    """Save fields of a question, by what their author saw of them; what is saved is no draft of its `form` any more."""
    place, typed = drafts.question_place(identity), _known(fields)
    try:
        _require_answer(f"Question {identity}", typed.get("answer", 0))
        saved = authoring.merge_edits(settings, name, {identity: typed}, {identity: dict(base)})
    except StudioError as error:
        kept = _keep(settings, name, place, typed, base)
        sentence = (
            f"{error} What you typed is kept."
            if isinstance(error, DeletedByOtherError)
            else f"{error} Not saved yet."
        )
        return SaveOutcome(refused=kept or sentence)
    clashing = {field for clash in saved.clashes for field in conflict_fields(clash.field, clash.mine)}
    drafts.drop_fields(settings, name, place, typed.keys() - clashing, form, typed)
    for clash in saved.clashes:
        mine, before = (conflict_fields(clash.field, value) for value in (clash.mine, clash.seen))
        _keep(settings, name, place, mine, before, tried=True)
    return SaveOutcome(saved.clashes)


def add_question(settings: Settings, name: str, fields: Mapping[str, Any], form: str | None = None) -> str:
    """Add the question that was typed; its id.

    Raises TaskError, and leaves the draft, where it is incomplete, or where another window has added or discarded what
    was typed in the form.
    """
    values = _known(fields)
    question = Question.model_validate(
        {"id": "", "choices": (), "answer": NO_CHOICE, "question": "", **values}
    )
    if not question.question.strip():
        raise TaskError("The new question has no text yet: write what is asked.")
    if len(question.choices) < 2:
        raise TaskError("The new question needs two choices at least: write them.")
    _require_answer("The new question", question.answer)
    if form and drafts.is_finished(settings, name, drafts.NEW, form):
        raise TaskError("Another window has added this question already, or has discarded it.")
    saved = authoring.add_questions(settings, name, [question])
    drafts.drop_fields(settings, name, drafts.NEW, FIELDS, form, values)
    return saved.questions[-1].id


def _require_answer(question: str, answer: int) -> None:
    if answer == NO_CHOICE:
        raise TaskError(f"{question} has no right answer: click the letter of the right one.")


def _known(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that a table may write, of the kind that a question has. Raises TaskError for another kind."""
    given = {field: value for field, value in fields.items() if field in FIELDS}
    if "choices" in given:
        choices = given["choices"]
        if not isinstance(choices, list | tuple) or not all(isinstance(c, str) for c in choices):
            raise TaskError("Choices are a list of texts: load the page again.")
        given["choices"] = tuple(choices)
    if given.get("answer", 0) is None:
        given["answer"] = NO_CHOICE
    if not isinstance(given.get("answer", 0), int):
        raise TaskError("The right choice is a number: load the page again.")
    for field in ("question", "subject", "note"):
        if not isinstance(given.get(field, ""), str | None):
            raise TaskError(f"The {field} is a text: load the page again.")
    return given


def _keep(
    settings: Settings,
    name: str,
    place: str,
    fields: Mapping[str, Any],
    seen: Mapping[str, Any],
    tried: bool = False,
) -> str:
    """Keep fields as a draft; the sentence that says why they are not kept either, "" where they are."""
    before = {field: seen[field] for field in fields if field in seen}
    try:
        drafts.add_fields(settings, name, place, fields, before, tried, view="Table")
    except StudioError as error:
        return str(error)
    return ""
