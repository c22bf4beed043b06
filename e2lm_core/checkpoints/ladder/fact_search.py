"""Search in the ladder's training facts: by words, the nearest fact of a question, a question about a fact."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from e2lm_core.base.records import Record
from e2lm_core.checkpoints.ladder.training_facts import (
    TrainingFact,
    TrainingFacts,
    forms_of,
    open_facts,
    words_of,
)

CHOICES = 4
ARTICLES = ("a", "an")
# Words of every question, which say nothing of what is asked.
COMMON = frozenset(
    [
        "which",
        "who",
        "whom",
        "what",
        "where",
        "when",
        "why",
        "how",
        "is",
        "are",
        "was",
        "were",
        "be",
        "do",
        "does",
        "did",
        "has",
        "have",
        "had",
        "can",
        "the",
        "of",
        "in",
        "on",
        "at",
        "to",
        "for",
        "from",
        "by",
        "with",
        "and",
        "or",
        "not",
        "it",
        "its",
        "that",
        "this",
        "these",
        "those",
        "there",
        "one",
        "name",
        "called",
    ]
)
_REMEMBERED = 4096  # entries: texts while they are typed


class KnownAnswer(NamedTuple):
    """Fact that answers a question, or the nearest one.

    Attributes:
        known: Whether `fact` answers the question.
        fact: The fact; None if no fact shares a word with the question.
    """

    known: bool
    fact: TrainingFact | None


class FactQuestion(Record):
    """Question about a training fact, as a new question of a set.

    Attributes:
        question: Text by which the models learned the fact.
        choices: The right answer and answers of the same relation.
        answer: Index of the right answer.
        subject: Field of knowledge; None if the relation is unknown.
    """

    question: str
    choices: tuple[str, ...]
    answer: int
    subject: str | None


class FactIndex:
    """Index of training facts by their words."""

    def __init__(self, facts: TrainingFacts) -> None:
        self.facts = facts
        self._texts = [" ".join(sorted(self._words_of_fact(fact))) for fact in facts.facts]
        self._order = {fact.subject: place for place, fact in reversed(list(enumerate(facts.facts)))}
        self._subjects = [frozenset(_singulars(fact.subject)) for fact in facts.facts]
        self._by_word: dict[str, list[int]] = {}
        for place, fact in enumerate(facts.facts):
            for word in self._words_of_fact(fact):
                self._by_word.setdefault(word, []).append(place)
        # An edit asks for one text, and a table draws the same ones again.
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self._nearest)

    def find(
        self, text: str = "", relation: str | None = None, field: str | None = None
    ) -> list[TrainingFact]:
        """Facts whose words begin with the words of a text; those of one subject stand together.

        Args:
            text: Words to look for in subject, answer, question and topic; "" for all facts.
            relation: Name of a relation that the facts must have; None for any.
            field: Field of knowledge that they must have; None for any.
        """
        wanted = [f" {word}" for word in _singulars(text) if word not in ARTICLES]
        found = [
            fact
            for fact, words in zip(self.facts.facts, self._texts, strict=True)
            if relation in (None, fact.relation)
            and field in (None, self.field_of(fact))
            and all(word in f" {words}" for word in wanted)
        ]
        return sorted(found, key=lambda fact: self._order[fact.subject])

    def field_of(self, fact: TrainingFact) -> str | None:
        """Field of knowledge of a fact; None if its relation is not described."""
        relation = self.facts.relations.get(fact.relation)
        return relation.field if relation else None

    def about(self, fact: TrainingFact) -> str:
        """Topic of a fact, such as "food of animals"."""
        relation = self.facts.relations.get(fact.relation)
        return relation.about if relation else fact.relation.replace("_", " ")

    def fact_for(self, text: str, answer: str) -> KnownAnswer:
        """The fact that answers a question, else the fact that shares most words with it.

        A shared word counts ln(facts / facts with the word), so that rare words decide, and twice if it is
        of the fact's subject; words of every question, such as "which", and single letters count nothing. The
        first fact of the file wins a tie.

        Args:
            text: Text of the question.
            answer: Its right answer; "" if there is none yet.
        """
        return self._remembered(text, answer)

    def _nearest(self, text: str, answer: str) -> KnownAnswer:
        if (fact := self.facts.fact_answering(text, answer)) is not None:
            return KnownAnswer(True, fact)
        shared: dict[int, float] = {}
        for word in dict.fromkeys((*_content_words(text), *_content_words(answer))):
            places = self._by_word.get(word, ())
            for place in places:
                weight = 2.0 if word in self._subjects[place] else 1.0
                rarity = math.log(len(self.facts.facts) / len(places))
                shared[place] = shared.get(place, 0.0) + weight * rarity
        if not shared:
            return KnownAnswer(False, None)
        best = min(shared, key=lambda place: (-shared[place], place))
        return KnownAnswer(False, self.facts.facts[best])

    def question_about(self, fact: TrainingFact) -> FactQuestion:
        """A question about a fact in the models' own wording, with wrong answers of the same relation.

        The wrong answers are the next different ones in the file. The right answer's letter follows from the
        fact, so that a set of such questions has no favourite letter.
        """
        others: list[str] = []
        for answer in self._answers_after(fact):
            if len(others) < CHOICES - 1 and all(_differ(answer, other) for other in (fact.answer, *others)):
                others.append(answer)
        place = zlib.crc32(f"{fact.relation} {fact.subject}".encode()) % (len(others) + 1)
        return FactQuestion(
            question=fact.question or f"{fact.subject}: {self.about(fact)}?",
            choices=(*others[:place], fact.answer, *others[place:]),
            answer=place,
            subject=self.field_of(fact),
        )

    def _answers_after(self, fact: TrainingFact) -> Iterator[str]:
        same = [one for one in self.facts.facts if one.relation == fact.relation]
        start = same.index(fact)
        yield from (one.answer for one in (*same[start + 1 :], *same[:start]))

    def _words_of_fact(self, fact: TrainingFact) -> set[str]:
        texts = (fact.subject, fact.answer, fact.question, self.about(fact))
        return {word for text in texts for word in _singulars(text)}


def open_index(taught_file: Path | None) -> FactIndex | None:
    """Index of a file's training facts; None without a file.

    Raises:
        CheckpointError: The file cannot be read.
    """
    facts = open_facts(taught_file)
    return None if facts is None else _index(facts)


@lru_cache(maxsize=4)
def _index(facts: TrainingFacts) -> FactIndex:
    return FactIndex(facts)


def _singulars(text: str) -> list[str]:
    """The words of a text, each in its shortest form."""
    return [min(forms_of([word]), key=len) for word in words_of(text)]


def _content_words(text: str) -> list[str]:
    return _singulars(" ".join(word for word in words_of(text) if word not in COMMON and len(word) > 1))


def _differ(one: str, other: str) -> bool:
    """Whether two answers cannot be taken for each other: neither contains all words of the other."""
    first, second = set(_singulars(one)), set(_singulars(other))
    return not first <= second and not second <= first
