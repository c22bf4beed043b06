"""Differences between two states by question, field and word.

Tested in tests/sets/history/test_versions.py.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any, Literal

from e2lm_core.base.records import Question, Record, TaskSet
from e2lm_core.base.titles import TITLE_KEY
from e2lm_core.sets.history.delta import QUESTION_FIELDS

Part = tuple[Literal["same", "out", "in"], str]
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
_MAX_WORDS = 2_000  # longer texts are compared as a whole


class Difference(Record):
    """A field that differs between two states, as texts.

    Attributes:
        question: Id of the question; None for the prompt and the readme.
        field: Name of the field, or of an entry of the metadata; "choice 2" for one choice if the number of choices
            is unchanged; "place" for a moved question; None for an added or removed question.
        before: The old text; None for an added question.
        after: The new text; None for a removed question.
        parts: Old and new text in one sequence, cut where they differ: each part is in both ("same"), only in
            the old text ("out") or only in the new one ("in").
    """

    question: str | None
    field: str | None
    before: str | None
    after: str | None
    parts: tuple[Part, ...]


def differences(before: TaskSet, after: TaskSet) -> list[Difference]:
    """Differences from `before` to `after`.

    The prompt comes first, then the questions in their order, test before dev.
    """
    found = []
    old, new = (_settings(task) for task in (before, after))
    found += [
        _difference(None, field, old.get(field), new.get(field))
        for field in dict.fromkeys((*new, *old))
        if old.get(field) != new.get(field)
    ]
    for attribute in ("questions", "dev"):
        was = {q.id: q for q in getattr(before, attribute)}
        now = {q.id: q for q in getattr(after, attribute)}
        for identity, question in now.items():
            if identity not in was:
                found.append(_difference(identity, None, None, question.question))
            elif was[identity] is not question:
                found += _of_question(was[identity], question)
        found += [_difference(i, None, q.question, None) for i, q in was.items() if i not in now]
    return found


def moved_questions(before: TaskSet, after: TaskSet) -> list[Difference]:
    """Questions that moved, the fewest that explain the order, with their places counted from 1.

    A question is in its place where those before it stayed before it: one that was added moves nobody.
    """
    found = []
    for attribute in ("questions", "dev"):
        was = {q.id: place for place, q in enumerate(getattr(before, attribute), 1)}
        now = {q.id: place for place, q in enumerate(getattr(after, attribute), 1) if q.id in was}
        in_order = set(_longest_increasing([was[identity] for identity in now]))
        found += [
            _difference(identity, "place", was[identity], place)
            for identity, place in now.items()
            if was[identity] not in in_order
        ]
    return found


def _longest_increasing(numbers: Sequence[int]) -> Iterator[int]:
    """Longest increasing subsequence of distinct numbers, from its last to its first."""
    last: list[int] = []  # smallest last number of an increasing sequence of each length
    before: dict[int, int | None] = {}
    for number in numbers:
        length = bisect_left(last, number)
        before[number] = last[length - 1] if length else None
        last[length : length + 1] = [number]
    link = last[-1] if last else None
    while link is not None:
        yield link
        link = before[link]


def _settings(task: TaskSet) -> dict[str, Any]:
    """Prompt, metadata and readme by the names of their fields."""
    metadata = {key if key == TITLE_KEY else f"metadata.{key}": v for key, v in task.config.metadata.items()}
    return metadata | task.config.model_dump(exclude={"task", "metadata"}) | {"readme": task.readme}


def _of_question(before: Question, after: Question) -> list[Difference]:
    found = []
    for field in QUESTION_FIELDS:
        old, new = getattr(before, field), getattr(after, field)
        if old == new:
            continue
        if field == "choices" and len(old) == len(new):
            pairs = enumerate(zip(old, new, strict=True))
            found += [_difference(after.id, f"choice {n}", a, b) for n, (a, b) in pairs if a != b]
        else:
            found.append(_difference(after.id, field, old, new))
    return found


def _difference(question: str | None, field: str | None, before: Any, after: Any) -> Difference:
    old, new = _text(before), _text(after)
    return Difference(
        question=question, field=field, before=old, after=new, parts=_parts(old or "", new or "")
    )


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, tuple | list):
        return "\n".join(map(str, value))
    return str(value)


def _parts(before: str, after: str) -> tuple[Part, ...]:
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if max(len(old), len(new)) > _MAX_WORDS:
        old, new = [before], [after]
    parts: list[Part] = []
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            parts.append(("same", "".join(old[a:b])))
            continue
        if a < b:
            parts.append(("out", "".join(old[a:b])))
        if c < d:
            parts.append(("in", "".join(new[c:d])))
    return tuple(parts)
