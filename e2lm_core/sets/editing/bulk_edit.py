"""Bulk edits: retag, duplicate, shuffle, balance, replace.

Each edit is one version of the set. Ids that are empty or unknown are refused: an edit of no question raises
a StudioError, one of a question that the set does not have a TaskError.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from e2lm_core.base.errors import StudioError, TaskError
from e2lm_core.base.formatting import count, quote
from e2lm_core.base.records import Question, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.settings import Settings
from e2lm_core.sets import authoring
from e2lm_core.sets.collection import open_set

Questions = Sequence[Question]
TEXTS = ("question", "choices", "subject", "note")
# Choices that refer to other choices or to positions must keep their position.
_OF_PLACES = re.compile(
    r"\b(all|none|both|neither|either|any) of (the|these|those)\b|\bboth\b.+\band\b|\b[a-e] (and|or) [a-e]\b|"
    r"\b(above|below)\b",
    re.IGNORECASE,
)


class Replacement(NamedTuple):
    """A text that find and replace would change.

    Attributes:
        question: Id of the question.
        field: Field with the text.
        before: The text now.
        after: The text after the replacement.
    """

    question: str
    field: str
    before: str
    after: str


def retag(settings: Settings, name: str, question_ids: Collection[str], subject: str | None) -> TaskSet:
    """Set or clear the subject of questions."""
    given = (subject or "").strip() or None
    return _change(
        settings,
        name,
        question_ids,
        lambda q: q.model_copy(update={"subject": given}),
        lambda n: f"give {n} another subject",
    )


def duplicate(settings: Settings, name: str, question_ids: Collection[str]) -> TaskSet:
    """Insert a copy of each of these questions behind it."""

    def doubled(questions: Questions) -> list[Question]:
        _require(questions, question_ids, name)
        taken, found = {q.id for q in questions} | _dev(settings, name), []
        for question in questions:
            found.append(question)
            if question.id in question_ids:
                number = 2
                while (identity := f"{question.id}-{number}") in taken:
                    number += 1
                taken.add(identity)
                found.append(question.model_copy(update={"id": identity}))
        return found

    return authoring.change_questions(
        settings, name, doubled, f"duplicate {count(len(question_ids), 'question')}"
    )


def copy_to(settings: Settings, name: str, question_ids: Collection[str], target_set: str) -> TaskSet:
    """Append these questions to another set and return that set."""
    task = open_set(settings, name)
    _require(task.questions, question_ids, name)
    return authoring.add_questions(settings, target_set, [q for q in task.questions if q.id in question_ids])


def shuffle(settings: Settings, name: str, question_ids: Collection[str], seed: int = 0) -> TaskSet:
    """Shuffle the choices of questions; the right answer stays right.

    Choices that refer to other choices, such as *all of the above*, keep their position.
    """
    rng = random.Random(seed)

    def shuffled(question: Question) -> Question:
        free = movable_positions(question)
        order = list(range(len(question.choices)))
        drawn = rng.sample(free, len(free))
        for place, taken in zip(free, drawn, strict=True):
            order[place] = taken
        return _ordered(question, order)

    return _change(settings, name, question_ids, shuffled, lambda n: f"shuffle the choices of {n}")


def balance(settings: Settings, name: str, question_ids: Collection[str], seed: int = 0) -> TaskSet:
    """Spread right answers evenly over the positions, moving as few of them as that takes."""

    def balanced(questions: Questions) -> list[Question]:
        _require(questions, question_ids, name)
        moved = dict(_balanced([q for q in questions if q.id in question_ids], random.Random(seed)))
        return [moved.get(q.id, q) for q in questions]

    return authoring.change_questions(
        settings, name, balanced, f"balance the right answers of {count(len(question_ids), 'question')}"
    )


def find_replacements(
    questions: Questions, text: str, replacement: str, fields: Iterable[str] = TEXTS, match_case: bool = False
) -> list[Replacement]:
    """Texts that a replacement would change; nothing is saved.

    Args:
        questions: The questions to search.
        text: The text to find.
        replacement: The text to put in its place.
        fields: Fields to search, among `TEXTS`.
        match_case: Distinguish upper and lower case.

    Raises:
        StudioError: `text` is empty, or a field is not one of `TEXTS`.
    """
    turned, wanted = _replacing(text, replacement, match_case), _texts(fields)
    found = []
    for question in questions:
        for field in wanted:
            value = getattr(question, field)
            texts = value if field == "choices" else (value or "",)
            found += [
                Replacement(question.id, field, before, after)
                for before in texts
                if (after := turned(before)) != before
            ]
    return found


def replace_text(
    settings: Settings,
    name: str,
    question_ids: Collection[str],
    text: str,
    replacement: str,
    fields: Iterable[str] = TEXTS,
    match_case: bool = False,
) -> TaskSet:
    """Replace a text wherever it occurs in these fields of these questions.

    Args:
        settings: The caller's settings.
        name: Name of an own set, or OWNER/NAME of a shared one.
        question_ids: Ids of the questions to change.
        text: The text to find.
        replacement: The text to put in its place.
        fields: Fields to search, among `TEXTS`.
        match_case: Distinguish upper and lower case.

    Returns:
        The set after the edit.

    Raises:
        StudioError: No question is given, `text` is empty, or a field is not one of `TEXTS`.
        TaskError: A question is not in the set, or the set would be invalid.
    """
    turned, wanted = _replacing(text, replacement, match_case), _texts(fields)

    def replaced(question: Question) -> Question:
        update = {}
        for field in wanted:
            value = getattr(question, field)
            new = tuple(map(turned, value)) if field == "choices" else turned(value) if value else value
            if new != value:
                update[field] = new if field in ("question", "choices") else new or None
        return question.model_copy(update=update) if update else question

    return _change(settings, name, question_ids, replaced, lambda n: f"replace {quote(text)} in {n}")


def movable_positions(question: Question) -> list[int]:
    """Indices of the choices that may stand at any position."""
    return [place for place, text in enumerate(question.choices) if not _OF_PLACES.search(text)]


# --- helpers ------------------------------------------------------------------------------------------


def _change(
    settings: Settings,
    name: str,
    of: Collection[str],
    change: Callable[[Question], Question],
    action: Callable[[str], str],
) -> TaskSet:
    wanted = set(of)

    def changed(questions: Questions) -> list[Question]:
        _require(questions, wanted, name)
        return [change(q) if q.id in wanted else q for q in questions]

    return authoring.change_questions(settings, name, changed, action(count(len(wanted), "question")))


def _require(questions: Questions, of: Collection[str], name: str) -> None:
    if not of:
        raise StudioError(Sentence("No question is chosen: choose at least one."))
    if missing := set(of) - {q.id for q in questions}:
        raise TaskError(
            Sentence(
                "There is no question {missing} in {name}: it may have been deleted.",
                missing=quote(min(missing)),
                name=name,
            )
        )


def _dev(settings: Settings, name: str) -> set[str]:
    return {q.id for q in open_set(settings, name).dev}


def _ordered(question: Question, order: Sequence[int]) -> Question:
    choices = tuple(question.choices[place] for place in order)
    answer = order.index(question.answer) if question.answer in order else question.answer
    return question.model_copy(update={"choices": choices, "answer": answer})


def _balanced(questions: Questions, rng: random.Random) -> list[tuple[str, Question]]:
    """(id, question) of each right answer moved from an overfull position to one that lacks some."""
    sizes: dict[int, list[Question]] = {}
    for question in questions:
        if 0 <= question.answer < len(question.choices):
            sizes.setdefault(len(question.choices), []).append(question)
    moved = []
    for size, same in sizes.items():
        held = Counter(q.answer for q in same)
        most = sorted(range(size), key=lambda place: (-held[place], place))
        share = {place: len(same) // size + (rank < len(same) % size) for rank, place in enumerate(most)}
        for question in rng.sample(same, len(same)):
            place, free = question.answer, movable_positions(question)
            lacking = [p for p in range(size) if held[p] < share[p] and p in free]
            if held[place] <= share[place] or place not in free or not lacking:
                continue
            to = max(lacking, key=lambda p: (share[p] - held[p], -p))
            order = list(range(size))
            order[place], order[to] = to, place
            moved.append((question.id, _ordered(question, order)))
            held[place] -= 1
            held[to] += 1
    return moved


def _texts(fields: Iterable[str]) -> tuple[str, ...]:
    wanted = tuple(fields)
    if unknown := set(wanted) - set(TEXTS):
        raise StudioError(
            Sentence(
                "{unknown} is no text to replace in: use {join}.",
                unknown=quote(min(unknown)),
                join=", ".join(TEXTS),
            )
        )
    return wanted


def _replacing(text: str, by: str, exact: bool) -> Callable[[str], str]:
    if not text:
        raise StudioError(Sentence("There is no text to look for: write one."))
    pattern = re.compile(re.escape(text), 0 if exact else re.IGNORECASE)
    return lambda value: pattern.sub(lambda _: by, value)
