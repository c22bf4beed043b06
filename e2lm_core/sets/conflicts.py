"""Three-way merge of edits to one question.

Values in, values out: nothing is read or written here; `authoring.merge_edits` saves what merges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import Question, Record, TaskSet
from e2lm_core.base.sentences import Sentence, joined

Edits = Mapping[str, Mapping[str, Any]]  # {question id: {field: value}}
# The right answer is an index into the choices, so an edit of one of the two is an edit of the pair.
PAIR = ("choices", "answer")
CHOICES_AND_ANSWER = "choices and answer"  # the pair as the field of a conflict
_ABSENT = object()  # equal to no value: marks a missing part of a list or an object


class KeyedChoices(NamedTuple):
    """The choices of a question with the index of the right answer."""

    choices: tuple[str, ...]
    answer: int


class EditConflict(Record):
    """A field of a question that two authors changed to different values; nothing was overwritten.

    Attributes:
        question: Id of the question.
        field: The field; "choices and answer" for the pair of both, whose values are `KeyedChoices`. The
            values of "extra" are objects, those of any other field texts or None.
        seen: The value that the author saw before editing.
        theirs: The value that the set holds.
        mine: The value that the author wants.
    """

    question: str
    field: str
    seen: Any
    theirs: Any
    mine: Any


class SaveResult(Record):
    """A set as it was saved, with the edits that were left out.

    Attributes:
        task: The saved set.
        clashes: Conflicts with changes of others to the same fields.
    """

    task: TaskSet
    clashes: tuple[EditConflict, ...] = ()


class DeletedByOtherError(TaskError):
    """Raised when another person has deleted or renamed the question or set being edited.

    Attributes:
        unsaved: `{question id: {field: value}}` that could not be saved.
        renamed: The set's new name; None if it has none.
        saved: The part of the same edit that was saved; None if nothing was.
    """

    def __init__(
        self, sentence: str, unsaved: Edits, saved: SaveResult | None = None, renamed: str | None = None
    ) -> None:
        super().__init__(sentence)
        self.unsaved = {identity: dict(fields) for identity, fields in unsaved.items()}
        self.saved, self.renamed = saved, renamed


class MergedFields(NamedTuple):
    """Fields of a question to be written, and the conflicts."""

    fields: dict[str, Any]
    clashes: tuple[EditConflict, ...]


def require_pair(identity: str, mine: Mapping[str, Any], seen: Mapping[str, Any]) -> None:
    """Refuse an edit of choices or right answer without the base values of both.

    Args:
        identity: The question's id, for the sentence.
        mine: Edited fields of the question.
        seen: The fields as their author saw them before editing.

    Raises:
        TaskError: `mine` holds one of the pair, and `seen` lacks one of it.
    """
    edited = [field for field in PAIR if field in mine]
    lacking = [field for field in PAIR if field not in seen]
    if edited and lacking:
        names = {"choices": "choices", "answer": "right answer"}
        raise TaskError(
            Sentence(
                "Question {identity}: the {names} came without the {names2} that you saw, so another "
                "text could be marked; reload the page, and change it once more.",
                identity=f"{identity!r}",
                names=names[edited[-1]],
                names2=names[lacking[0]],
            )
        )


def merge(
    present: Question,
    mine: Mapping[str, Any],
    base: Mapping[str, Any],
    shown: Mapping[str, Any] | None = None,
) -> MergedFields:
    """Three-way merge of edited fields into the current question.

    A field without a base value is written as it is. A field that only one author has changed takes that
    author's value; the same value from both is no conflict. `extra` is merged column by column, unless both
    changed one column. Choices and right answer are one value, see `_pairs_merged`.

    Args:
        present: The question as the set holds it.
        mine: Edited fields.
        base: The fields as their author saw them before editing.
        shown: Draft values that stood in the author's editor when editing began. A field that holds its value
            is no conflict: another window of the author has saved that draft.

    Returns:
        The fields to write over `present`, and the conflicts.
    """
    fields: dict[str, Any] = {}
    clashes: list[EditConflict] = []
    for field in dict.fromkeys(CHOICES_AND_ANSWER if field in PAIR else field for field in mine):
        if field not in Question.model_fields and field != CHOICES_AND_ANSWER:
            fields[field] = mine[field]  # the save that follows refuses it
            continue
        holds = field_value(present, field)
        was = _value_in(base, field, holds)
        if _value_in(shown or {}, field, was) == holds:
            was = holds
        wanted = _value_in(mine, field, was)
        if wanted in (holds, was):
            continue
        merged = wanted if holds == was else _parts_merged(was, holds, wanted)
        if merged is _ABSENT:
            clashes.append(
                EditConflict(question=present.id, field=field, seen=was, theirs=holds, mine=wanted)
            )
        else:
            new = conflict_fields(field, merged)
            fields |= {name: value for name, value in new.items() if value != getattr(present, name)}
    return MergedFields(fields, tuple(clashes))


def field_value(question: Question, field: str) -> Any:
    """The value of a conflict's field in a question."""
    pair = KeyedChoices(question.choices, question.answer)
    return pair if field == CHOICES_AND_ANSWER else getattr(question, field)


def conflict_fields(field: str, value: Any) -> dict[str, Any]:
    """`{field of a question: value}` for the value of a conflict's field."""
    return dict(zip(PAIR, value, strict=True)) if field == CHOICES_AND_ANSWER else {field: value}


def conflict_text(field: str, value: Any) -> str:
    """Readable text of a conflict's value.

    Choices stand one a line, each with its letter, the right answer marked; any other value as its text.
    """
    if field != CHOICES_AND_ANSWER:
        return "" if value is None else str(value)
    pair = KeyedChoices(*value)
    lines = (
        Sentence(
            "{letter}  {choice}  (right)" if place == pair.answer else "{letter}  {choice}",
            letter=chr(ord("A") + place),
            choice=choice,
        )
        for place, choice in enumerate(pair.choices)
    )
    return joined(lines, "\n")


def _value_in(values: Mapping[str, Any], field: str, otherwise: Any) -> Any:
    """Value of a conflict's field in `{field of a question: value}`; missing parts come from `otherwise`."""
    if field != CHOICES_AND_ANSWER:
        return values.get(field, otherwise)
    choices, answer = (values.get(name, part) for name, part in zip(PAIR, otherwise, strict=True))
    return KeyedChoices(tuple(str(choice) for choice in choices), answer)


def _parts_merged(was: Any, theirs: Any, mine: Any) -> Any:
    """Merge of a pair or an object whose parts have at most one author each, else `_ABSENT`."""
    if isinstance(was, KeyedChoices):
        return _pairs_merged(was, theirs, mine)
    if all(isinstance(value, dict) for value in (was, theirs, mine)):
        parts = _merged_by_key(was, theirs, mine)
        return _ABSENT if parts is None else parts
    return _ABSENT


def _pairs_merged(was: KeyedChoices, theirs: KeyedChoices, mine: KeyedChoices) -> Any:
    """Merge of choices, choice by choice, and right answer; `_ABSENT` if the two edits are incompatible.

    A right answer that one author marked stays the text that they marked: it conflicts with choices that the
    other reordered or removed, and with a new wording of that very choice.
    """
    parts = _merged_by_key(*(dict(enumerate(pair.choices)) for pair in (was, theirs, mine)))
    answers = _merged_by_key(*({0: pair.answer} for pair in (was, theirs, mine)))
    if parts is None or answers is None or set(parts) != set(range(len(parts))):
        return _ABSENT
    merged = KeyedChoices(tuple(parts[place] for place in range(len(parts))), answers[0])
    for one, other in ((mine, theirs), (theirs, mine)):
        if one.answer != was.answer and (
            _moved(was.choices, other.choices) or _marked(merged) != _marked(one)
        ):
            return _ABSENT
    return merged


def _marked(pair: KeyedChoices) -> tuple[str, ...]:
    """The text of the right answer as a tuple; empty if there is none."""
    return pair.choices[pair.answer : pair.answer + 1] if pair.answer >= 0 else ()


def _merged_by_key(
    was: Mapping[Any, Any], theirs: Mapping[Any, Any], mine: Mapping[Any, Any]
) -> dict[Any, Any] | None:
    merged = {}
    for key in dict.fromkeys((*theirs, *mine)):
        old, held, wanted = (values.get(key, _ABSENT) for values in (was, theirs, mine))
        if wanted not in (held, old) and held != old:
            return None
        value = held if wanted == old else wanted
        if value is not _ABSENT:
            merged[key] = value
    return merged


def _moved(before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether choices were removed or reordered; rewording or adding a choice does not count."""
    if len(after) < len(before):
        return True
    return any(text in before and before[place : place + 1] != (text,) for place, text in enumerate(after))
