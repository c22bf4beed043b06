"""Saves of typed fields by three-way merge, from the table and from the card; conflicts stay drafts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.records import Question, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring
from e2lm_core.sets.conflicts import DeletedByOtherError, EditConflict, conflict_fields
from e2lm_core.sets.editing import drafts

FIELDS = ("question", "choices", "answer", "subject", "note")
NO_CHOICE = -1  # index of the right answer of a question without one


class SaveOutcome(NamedTuple):
    """Outcome of saving typed fields.

    Attributes:
        task: The set after saving; None if nothing was saved.
        clashes: Conflicts with changes of others; the author's values are kept as a draft.
        refused: Sentence with the reason why fields were not saved, or not even kept as a draft; "" without
            any.
    """

    task: TaskSet | None = None
    clashes: tuple[EditConflict, ...] = ()
    refused: str = ""


def save_question(
    settings: Settings,
    name: str,
    identity: str,
    fields: Mapping[str, Any],
    base: Mapping[str, Any],
    form: str | None = None,
    ends_form: bool = False,
    shown: Mapping[str, Any] | None = None,
) -> SaveOutcome:
    """Save fields of a question by three-way merge, and remove them from the draft.

    Args:
        settings: The caller's settings.
        name: Name of an own set, or OWNER/NAME of a shared one.
        identity: Id of the question.
        fields: Values as typed; fields that an editor cannot write are ignored.
        base: Values as the author saw them before typing.
        form: Form that the values were typed in; None if unknown.
        ends_form: Whether the form is saved as a whole and its text is a draft already: after a refusal the
            draft stays as it is, and after saving late text of the form is ignored.
        shown: Draft values that stood in the editor when typing began, which another window may have saved.

    Raises:
        TaskError: A value has the wrong type.
    """
    place, typed = drafts.question_place(identity), _known(fields)
    try:
        _require_answer(Sentence("Question {identity}", identity=identity), typed.get("answer", 0))
        saved = authoring.merge_edits(
            settings, name, {identity: typed}, {identity: dict(base)}, {identity: dict(shown or {})}
        )
    except StudioError as error:
        is_deleted = isinstance(error, DeletedByOtherError)
        sentence = Sentence(
            "{problem} What you typed is kept." if is_deleted else "{problem} Not saved yet.",
            problem=error.sentence,
        )
        return SaveOutcome(
            refused=sentence if ends_form else _keep(settings, name, place, typed, base) or sentence
        )
    if form and ends_form:
        drafts.mark_saved(settings, name, place, form)
    else:
        clashing = {field for clash in saved.clashes for field in conflict_fields(clash.field, clash.mine)}
        drafts.drop_fields(settings, name, place, typed.keys() - clashing, form, typed)
    return SaveOutcome(saved.task, saved.clashes, keep_conflicts(settings, name, place, saved.clashes))


def keep_conflicts(settings: Settings, name: str, place: str, clashes: Iterable[EditConflict]) -> str:
    """Keep the author's values in conflict as a draft: both texts are shown until the author has chosen.

    Args:
        settings: The caller's settings.
        name: Name of an own set, or OWNER/NAME of a shared one.
        place: Place of the draft.
        clashes: The conflicts.

    Returns:
        The reason why one could not be kept, else "".
    """
    for clash in clashes:
        mine, seen = (conflict_fields(clash.field, value) for value in (clash.mine, clash.seen))
        if problem := _keep(settings, name, place, mine, seen, tried=True):
            return problem
    return ""


def add_question(settings: Settings, name: str, fields: Mapping[str, Any], form: str | None = None) -> str:
    """Add a typed question to a set and return its id.

    Args:
        settings: The caller's settings.
        name: Name of an own set, or OWNER/NAME of a shared one.
        fields: Values as typed; fields that an editor cannot write are ignored.
        form: Form that the values were typed in; None if unknown.

    Raises:
        TaskError: The question is incomplete, or another window has added or discarded the text of the form;
            the draft stays.
    """
    values = _known(fields)
    question = Question.model_validate(
        {"id": "", "choices": (), "answer": NO_CHOICE, "question": "", **values}
    )
    if not question.question.strip():
        raise TaskError(Sentence("Enter the question text."))
    if len(question.choices) < 2:
        raise TaskError(Sentence("Enter at least two choices."))
    _require_answer(Sentence("The new question"), question.answer)
    if form and drafts.is_finished(settings, name, drafts.NEW, form):
        raise TaskError(Sentence("Another window has added this question already, or has discarded it."))
    saved = authoring.add_questions(settings, name, [question])
    drafts.drop_fields(settings, name, drafts.NEW, FIELDS, form, values)
    return saved.questions[-1].id


def _require_answer(question: str, answer: int) -> None:
    if answer == NO_CHOICE:
        raise TaskError(
            Sentence("{question} has no right answer: click the letter of the right one.", question=question)
        )


def _known(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that an editor may write; raises TaskError for a value of the wrong type."""
    given = {field: value for field, value in fields.items() if field in FIELDS}
    if "choices" in given:
        choices = given["choices"]
        if not isinstance(choices, list | tuple) or not all(isinstance(c, str) for c in choices):
            raise TaskError(Sentence("The choices could not be read. Reload the page and try again."))
        given["choices"] = tuple(choices)
    if given.get("answer", 0) is None:
        given["answer"] = NO_CHOICE
    if not isinstance(given.get("answer", 0), int):
        raise TaskError(Sentence("Mark the right answer first."))
    for field in ("question", "subject", "note"):
        if not isinstance(given.get(field, ""), str | None):
            raise TaskError(Sentence("The {field} is a text: reload the page.", field=field))
    return given


def _keep(
    settings: Settings,
    name: str,
    place: str,
    fields: Mapping[str, Any],
    seen: Mapping[str, Any],
    tried: bool = False,
) -> str:
    """Keep fields beside the draft's other ones; return the reason if that fails, else an empty text."""
    before = {field: seen[field] for field in fields if field in seen}
    try:
        drafts.add_fields(settings, name, place, fields, before, tried, view="Table")
    except StudioError as error:
        return str(error)
    return ""
