"""What two authors changed of one question: what merges, and what clashes, decided from what each of them saw.

Values in, values out: nothing is read or written here; `authoring.merge_edits` saves what merges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import Question, Record, TaskSet

Edits = Mapping[str, Mapping[str, Any]]  # {question id: {field: value}}
_ABSENT = object()  # unlike any value: what a list or an object does not have


class Clash(Record):
    """A field of a question that two authors changed to different values; nothing was overwritten.

    `seen` is what the author had before them, `theirs` what the set holds, `mine` what the author wants. The
    field "choices" is a tuple of texts, "answer" a number, "extra" an object, any other text or None.
    """

    question: str
    field: str
    seen: Any
    theirs: Any
    mine: Any


class Saved(Record):
    """A set as it was saved, and what was left out of it because another had changed the same."""

    task: TaskSet
    clashes: tuple[Clash, ...] = ()


class Gone(TaskError):
    """A question or a whole set that another has deleted or renamed, with what the author could not save.

    `unsaved` is `{question id: {field: value}}`; `renamed` is the set's new name where it has one; `saved` is
    what of the same edit was saved, None where nothing was.
    """

    def __init__(
        self, sentence: str, unsaved: Edits, saved: Saved | None = None, renamed: str | None = None
    ) -> None:
        super().__init__(sentence)
        self.unsaved = {identity: dict(fields) for identity, fields in unsaved.items()}
        self.saved, self.renamed = saved, renamed


class Merged(NamedTuple):
    """The fields of a question to be written, and those that clash."""

    fields: dict[str, Any]
    clashes: tuple[Clash, ...]


def merge(present: Question, mine: Mapping[str, Any], seen: Mapping[str, Any]) -> Merged:
    """Those of the fields in `mine` that may be written over `present`, by what their author saw.

    A field that the author did not say to have seen is written as it is. A field that only one has changed is
    theirs who changed it; the same value from both is no clash. Choices are merged choice by choice, and
    `extra` column by column, where no single one was changed by both. The gold index does not merge with
    choices that were put in another order or taken out: it would point at another text.
    """
    fields: dict[str, Any] = {}
    clashes: dict[str, Clash] = {}
    for field, value in mine.items():
        if field not in Question.model_fields:
            fields[field] = value  # whoever writes it refuses it
            continue
        wanted, holds = plain(field, value), getattr(present, field)
        was = plain(field, seen[field]) if field in seen else holds
        if wanted in (holds, was):
            continue
        merged = wanted if holds == was else _parts_merged(was, holds, wanted)
        if merged is not _ABSENT:
            fields[field] = merged
        if merged is _ABSENT or _points_elsewhere(field, present, mine, seen):
            clashes[field] = Clash(question=present.id, field=field, seen=was, theirs=holds, mine=wanted)
    if clashes.keys() & {"choices", "answer"} and _moves(present, mine, seen):
        for field in fields.keys() & {"choices", "answer"} - clashes.keys():  # they hold together
            holds, was = getattr(present, field), seen.get(field, getattr(present, field))
            clashes[field] = Clash(
                question=present.id, field=field, seen=plain(field, was), theirs=holds, mine=fields[field]
            )
    written = {field: value for field, value in fields.items() if field not in clashes}
    return Merged(written, tuple(clashes.values()))


def plain(field: str, value: Any) -> Any:
    """A field's value as records hold it: choices as a tuple of texts."""
    return tuple(str(choice) for choice in value) if field == "choices" else value


def _parts_merged(was: Any, theirs: Any, mine: Any) -> Any:
    """A list or an object in which each part was changed by one of them at most; `_ABSENT` where there is none."""
    if all(isinstance(value, tuple) for value in (was, theirs, mine)):
        parts = _merged_by_key(*(dict(enumerate(value)) for value in (was, theirs, mine)))
        if parts is None or set(parts) != set(range(len(parts))):
            return _ABSENT
        return tuple(parts[place] for place in range(len(parts)))
    if all(isinstance(value, dict) for value in (was, theirs, mine)):
        parts = _merged_by_key(was, theirs, mine)
        return _ABSENT if parts is None else parts
    return _ABSENT


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


def _points_elsewhere(
    field: str, present: Question, mine: Mapping[str, Any], seen: Mapping[str, Any]
) -> bool:
    """Whether one of them moved the choices and the other the gold index, which counts them."""
    if field == "answer":
        return _moved(plain("choices", seen.get("choices", present.choices)), present.choices)
    if field == "choices":
        return seen.get("answer", present.answer) != present.answer and _moves(present, mine, seen)
    return False


def _moves(present: Question, mine: Mapping[str, Any], seen: Mapping[str, Any]) -> bool:
    """Whether the author's own edit moves the choices."""
    before = plain("choices", seen.get("choices", present.choices))
    return _moved(before, plain("choices", mine.get("choices", before)))


def _moved(before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether choices were taken out or stand elsewhere; one that was reworded or added has not moved."""
    if len(after) < len(before):
        return True
    return any(text in before and before[place : place + 1] != (text,) for place, text in enumerate(after))
