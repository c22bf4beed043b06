"""Candidates for a wrong answer: texts of the set's own answers of that kind, and a list of the author's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from e2lm_core.base.errors import TaskError
from e2lm_core.base.records import Question, TaskSet
from e2lm_core.base.sentences import Sentence

MAX_CANDIDATES = 20
MAX_OWN, MAX_CHARS = 20, 500
OWN_LIST, THIS_SET = "your list", "this set"
_MIN_KIND = 3  # questions of one source, from which it tells a kind


def own_candidates(texts: Sequence[str]) -> list[str]:
    """An author's list of candidates, each once, without empty lines.

    Raises:
        TaskError: There are too many, or one is too long.
    """
    found = list(dict.fromkeys(" ".join(text.split()) for text in texts if text.strip()))
    if len(found) > MAX_OWN:
        raise TaskError(
            Sentence(
                "Your list has {number} answers: try at most {most} at once.",
                number=str(len(found)),
                most=MAX_OWN,
            )
        )
    for text in found:
        if len(text) > MAX_CHARS:
            raise TaskError(
                Sentence(
                    "“{answer} …” is longer than {most} characters: shorten it.",
                    answer=text[:40],
                    most=MAX_CHARS,
                )
            )
    return found


def candidates_of_set(
    task: TaskSet, question: Question, place: int, max_candidates: int = MAX_CANDIDATES
) -> list[str]:
    """Answers of the set that could stand in a question's place, those of its own kind first.

    The kind of an answer is the source of the question that it answers, else its subject. First come answers of the
    question's own kind, then those of the replaced choice's kind, then other answers and choices of its subject,
    then of the set. Within each, those closest in length to the question's choices come first.

    Args:
        task: The set.
        question: The question.
        place: Index of the choice to be replaced.
        max_candidates: Largest number of candidates.
    """
    lengths = [len(text) for text in question.choices]
    middle = sorted(lengths)[len(lengths) // 2]
    taken = {plain(text) for text in question.choices}
    found: list[str] = []
    for texts in _tiers(task, question, place):
        fresh: dict[str, str] = {}
        for text in texts:
            if text.strip() and plain(text) not in taken:
                fresh.setdefault(plain(text), text)
        taken.update(fresh)
        found += sorted(fresh.values(), key=lambda text: (abs(len(text) - middle), text))
        if len(found) >= max_candidates:
            break
    return found[:max_candidates]


def _tiers(task: TaskSet, question: Question, place: int) -> Iterator[list[str]]:
    others = [q for q in task.questions if q.id != question.id and 0 <= q.answer < len(q.choices)]
    kind = _kinds(task)
    own = kind(question)
    yield [_right(q) for q in others if kind(q) == own]
    replaced = plain(question.choices[place])
    kinds = {kind(q) for q in others if plain(_right(q)) == replaced}
    yield [_right(q) for q in others if kind(q) in kinds]
    same_subject = [q for q in others if q.subject == question.subject]
    yield [_right(q) for q in same_subject]
    yield [text for q in same_subject for text in q.choices]
    yield [text for q in others for text in q.choices]


def _kinds(task: TaskSet) -> Callable[[Question], str]:
    counts: dict[str, int] = {}
    for q in task.questions:
        counts[q.source or ""] = counts.get(q.source or "", 0) + 1
    whole = len(task.questions)

    def kind(q: Question) -> str:
        source = q.source or ""
        tells = source and _MIN_KIND <= counts[source] < whole
        return f"source {source}" if tells else f"subject {q.subject or ''}"

    return kind


def _right(question: Question) -> str:
    return question.choices[question.answer]


def plain(text: str) -> str:
    """The text without case, spaces at its ends, a full stop and an article, in which copies differ."""
    words = text.casefold().strip().rstrip(".").split()
    return " ".join(words[1:] if len(words) > 1 and words[0] in ("a", "an", "the") else words)
