"""Three-way merge of edits to one question.

Values in, values out: nothing is read or written here; `authoring.merge_edits` saves what merges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import Question, Record, TaskSet

Edits = Mapping[str, Mapping[str, Any]]  # {question id: {field: value}}
# The right answer counts the choices: whoever writes one of the two means it together with the other.
PAIR = ("choices", "answer")
CHOICES_AND_ANSWER = "choices and answer"  # the pair as the field of a clash
_ABSENT = object()  # unlike any value: what a list or an object does not have


class KeyedChoices(NamedTuple):
    """The choices of a question with the index of the right one."""

    choices: tuple[str, ...]
    answer: int


class EditConflict(Record):
    """A field of a question that two authors changed to different values; nothing was overwritten.

    `seen` is what the author had before them, `theirs` what the set holds, `mine` what the author wants. The
    field "choices and answer" is a `Pair`, "extra" an object, any other text or None.
    """

    question: str
    field: str
    seen: Any
    theirs: Any
    mine: Any


class SaveResult(Record):
    """A set as it was saved, and what was left out of it because another had changed the same."""

    task: TaskSet
    clashes: tuple[EditConflict, ...] = ()


class DeletedByOtherError(TaskError):
    """A question or a whole set that another has deleted or renamed, with what the author could not save.

    `unsaved` is `{question id: {field: value}}`; `renamed` is the set's new name where it has one; `saved` is
    what of the same edit was saved, None where nothing was.
    """

    def __init__(
        self, sentence: str, unsaved: Edits, saved: SaveResult | None = None, renamed: str | None = None
    ) -> None:
        super().__init__(sentence)
        self.unsaved = {identity: dict(fields) for identity, fields in unsaved.items()}
        self.saved, self.renamed = saved, renamed


class MergedFields(NamedTuple):
    """The fields of a question to be written, and those that clash."""

    fields: dict[str, Any]
    clashes: tuple[EditConflict, ...]


def require_pair(identity: str, mine: Mapping[str, Any], seen: Mapping[str, Any]) -> None:
    """Refuse an edit of choices or right answer whose author does not say which of both they saw.

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
            f"Question {identity!r}: the {names[edited[-1]]} came without the {names[lacking[0]]} that you saw, so "
            "another text could be marked; load the page again, and change it once more."
        )


def merge(present: Question, mine: Mapping[str, Any], base: Mapping[str, Any]) -> MergedFields:
    """Those of the fields in `mine` that may be written over `present`, by what their author saw.

    A field that the author did not say to have seen is written as it is. A field that only one has changed is
    theirs who changed it; the same value from both is no clash. `extra` is merged column by column, where no
    single one was changed by both. Choices and right answer are one value, see `_pairs_merged`.
    """
    fields: dict[str, Any] = {}
    clashes: list[EditConflict] = []
    for field in dict.fromkeys(CHOICES_AND_ANSWER if field in PAIR else field for field in mine):
        if field not in Question.model_fields and field != CHOICES_AND_ANSWER:
            fields[field] = mine[field]  # whoever writes it refuses it
            continue
        holds = field_value(present, field)
        was = _value_in(base, field, holds)
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
    """The value that a question has in the field of a clash."""
    pair = KeyedChoices(question.choices, question.answer)
    return pair if field == CHOICES_AND_ANSWER else getattr(question, field)


def conflict_fields(field: str, value: Any) -> dict[str, Any]:
    """`{field of a question: value}` for the value of a clash's field."""
    return dict(zip(PAIR, value, strict=True)) if field == CHOICES_AND_ANSWER else {field: value}


def conflict_text(field: str, value: Any) -> str:
    """The value of a clash's field as its author reads it: choices one a line, by letter, the right one marked."""
    if field != CHOICES_AND_ANSWER:
        return "" if value is None else str(value)
    pair = KeyedChoices(*value)
    return "\n".join(
        f"{chr(ord('A') + place)}  {choice}{'  (right)' if place == pair.answer else ''}"
        for place, choice in enumerate(pair.choices)
    )


def _value_in(values: Mapping[str, Any], field: str, otherwise: Any) -> Any:
    """The value of a clash's field in `{field of a question: value}`; what is lacking is taken of `otherwise`."""
    if field != CHOICES_AND_ANSWER:
        return values.get(field, otherwise)
    choices, answer = (values.get(name, part) for name, part in zip(PAIR, otherwise, strict=True))
    return KeyedChoices(tuple(str(choice) for choice in choices), answer)


def _parts_merged(was: Any, theirs: Any, mine: Any) -> Any:
    """A pair or an object in which each part was changed by one of them at most; `_ABSENT` where there is none."""
    if isinstance(was, KeyedChoices):
        return _pairs_merged(was, theirs, mine)
    if all(isinstance(value, dict) for value in (was, theirs, mine)):
        parts = _merged_by_key(was, theirs, mine)
        return _ABSENT if parts is None else parts
    return _ABSENT


def _pairs_merged(was: KeyedChoices, theirs: KeyedChoices, mine: KeyedChoices) -> Any:
    """Choices, merged choice by choice, and right answer of two authors; `_ABSENT` where they do not go together.

    An answer that one of them marked stays the text that they marked: it clashes with choices that the other
    put in another order or took out, and with another wording of that very choice.
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
    """The text of the right choice, in a tuple that is empty where there is none."""
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
    """Whether choices were taken out or stand elsewhere; one that was reworded or added has not moved."""
    if len(after) < len(before):
        return True
    return any(text in before and before[place : place + 1] != (text,) for place, text in enumerate(after))
