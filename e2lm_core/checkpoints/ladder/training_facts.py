"""Training facts of the ladder: whether a question's answer is in the training text.

A flat curve on a question without a training fact says nothing about the question.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from e2lm_core.base.errors import CheckpointError
from e2lm_core.base.records import Question, Record, TaskSet
from e2lm_core.base.sentences import Sentence
from e2lm_core.base.untrusted import safejson

_WORD = re.compile(r"\w+(?:['’]\w+)*")
_REMEMBERED = 40_000  # entries: the questions of two sets of the largest size
_SHORTEST_SINGULAR = 3  # "gas" is not the plural of "ga"
_SLOT = re.compile(r"\{\w\}")
_UNSEEN = 0.05  # share of a relation's wordings that has a word which none of them has
# Log-odds of another relation from which it is asked for. Judged by the other wordings, no held-out question of the
# built-in sets about a taught fact goes so far against its own relation.
_OTHER_RELATION = 2.0


class TrainingFact(Record):
    """Fact of the training text: subject and answer under a relation.

    Attributes:
        subject: Subject of the fact.
        answer: The one right answer.
        relation: Name of the relation, as `FactRelation.name`.
        domain: "science" or "general".
        question: Question by which the models learned it; "" if the file has none.
    """

    subject: str
    answer: str
    relation: str
    domain: str
    question: str = ""


class FactRelation(Record):
    """Relation between the subjects of one kind and their answers.

    Attributes:
        name: Name in files.
        about: Topic, such as "food of animals".
        field: Field of knowledge, such as "biology".
        wordings: Sentences and questions that tell it or ask for it, with {s} and {a} for subject and answer; none in
            the file of an older ladder.
    """

    name: str
    about: str
    field: str
    wordings: tuple[str, ...] = ()


class TrainingFacts:
    """Facts of the ladder's training text, by subject.

    A question counts as known if it names a subject (as whole words, in any case, the longest name
    first), its gold choice is that subject's answer, and its words do not ask for another relation of the
    subject; articles and a plural s make no difference.
    """

    def __init__(self, facts: Iterable[TrainingFact], relations: Iterable[FactRelation] = ()) -> None:
        self.facts = tuple(facts)
        self.relations = {relation.name: relation for relation in relations}
        self._evidence = {r.name: _evidence_of(r) for r in self.relations.values() if r.wordings}
        # An edit changes one question, and every page looks up all of them.
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self._fact_for)
        self._by_subject: dict[str, list[tuple[TrainingFact, frozenset[str]]]] = {}
        self._longest = 0
        for fact in self.facts:
            words = words_of(fact.subject)
            self._longest = max(self._longest, len(words))
            entry = (fact, frozenset(forms_of(words_of(fact.answer))))
            for form in forms_of(words):
                self._by_subject.setdefault(form, []).append(entry)

    @classmethod
    def from_file(cls, path: Path) -> TrainingFacts:
        """Read `facts.json`.

        Raises:
            CheckpointError: The file is missing or has other content.
        """
        try:
            data = safejson.loads(path.read_text(encoding="utf-8"))
            required = ("subject", "answer", "relation", "domain")
            facts = [
                TrainingFact(**{key: fact[key] for key in required}, question=fact.get("question", ""))
                for fact in data["facts"]
            ]
            relations = [
                FactRelation(**{key: one[key] for key in FactRelation.model_fields if key in one})
                for one in data.get("relations", ())
            ]
            return cls(facts, relations)
        except OSError as error:
            raise CheckpointError(
                Sentence(
                    "The list of taught facts {path} cannot be read ({strerror}): get the ladder's files again.",
                    path=path,
                    strerror=error.strerror,
                )
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
            raise CheckpointError(
                Sentence(
                    "{path} is not a list of taught facts (subject, answer, relation and domain each): get the "
                    "ladder's files again.",
                    path=path,
                )
            ) from error

    def is_known(self, question: Question) -> bool:
        """Whether a training fact answers the question."""
        return self.fact_for(question) is not None

    def mentions_any_choice(self, question: Question) -> bool:
        """Whether a training fact answers the question with any of its choices."""
        return any(self.fact_answering(question.question, choice) is not None for choice in question.choices)

    def fact_for(self, question: Question) -> TrainingFact | None:
        """The fact that answers the question; None if there is none or its gold is out of range."""
        if not 0 <= question.answer < len(question.choices):
            return None
        return self.fact_answering(question.question, question.choices[question.answer])

    def fact_answering(self, text: str, answer: str) -> TrainingFact | None:
        """The fact whose subject a text names, whose relation it asks for and whose answer is given; None without one.

        Where the words do not tell the relation, any relation of the subject will do.
        """
        return self._remembered(text, answer)

    def _fact_for(self, text: str, answer: str) -> TrainingFact | None:
        gold, words = forms_of(words_of(answer)), words_of(text)
        for entries in self._named(words):
            facts = [fact for fact, answers in entries if not answers.isdisjoint(gold)]
            if facts and (fact := self._fact_asked_for(words, facts, entries)) is not None:
                return fact
        return None

    def _fact_asked_for(
        self,
        words: Sequence[str],
        facts: Sequence[TrainingFact],
        entries: Sequence[tuple[TrainingFact, frozenset[str]]],
    ) -> TrainingFact | None:
        """The one of these facts whose relation the words fit best; None if another of the subject's fits far better."""
        if any(fact.relation not in self._evidence for fact in facts):
            return facts[0]
        asked = {_stem(word) for word in words}
        fits = {
            name: sum(self._evidence[name].get(word, 0.0) for word in asked)
            for name in {fact.relation for fact, _ in entries if fact.relation in self._evidence}
        }
        best = max(facts, key=lambda fact: fits[fact.relation])
        return best if max(fits.values()) - fits[best.relation] < _OTHER_RELATION else None

    def _named(self, words: list[str]) -> Iterator[list[tuple[TrainingFact, frozenset[str]]]]:
        """The facts about each subject named, longest names first; no word serves two names."""
        free = [True] * len(words)
        for length in range(min(self._longest, len(words)), 0, -1):
            for start in range(len(words) - length + 1):
                span = slice(start, start + length)
                if not all(free[span]):
                    continue
                entries = [e for form in forms_of(words[span]) for e in self._by_subject.get(form, ())]
                if entries:
                    free[span] = [False] * length
                    yield entries


def words_of(text: str) -> list[str]:
    """Lower-case words without "the" and without an article in front ("vitamin a" keeps its a)."""
    words = [word.removesuffix("'s").removesuffix("’s") for word in _WORD.findall(text.casefold())]
    words = [word for word in words if word != "the"] or words
    return words[1:] if len(words) > 1 and words[0] in ("a", "an") else words


def forms_of(words: list[str]) -> list[str]:
    """The phrase, and its forms with the last word in the singular, if that can be one."""
    if not words:
        return []
    last = words[-1]
    singulars = [last]
    if last.endswith("ies"):
        singulars.append(f"{last[:-3]}y")
    if last.endswith("es"):
        singulars.append(last[:-2])
    if last.endswith("s") and not last.endswith("ss"):
        singulars.append(last[:-1])
    head = " ".join(words[:-1])
    return [f"{head} {form}".strip() for form in singulars if form is last or len(form) >= _SHORTEST_SINGULAR]


def _evidence_of(relation: FactRelation) -> Mapping[str, float]:
    """{word: log-odds by which it speaks for the relation} of the words of its wordings."""
    wordings = [_SLOT.sub(" ", text) for text in (relation.about, *relation.wordings)]
    counts = Counter(word for text in wordings for word in {_stem(word) for word in words_of(text)})
    return {word: math.log(1 + n / len(wordings) / _UNSEEN) for word, n in counts.items()}


def _stem(word: str) -> str:
    return forms_of([word])[-1]


def known_answers(taught_file: Path | None, task: TaskSet) -> dict[str, bool] | None:
    """Question id → whether its answer is a training fact of the mini models; None without a facts file.

    Raises:
        CheckpointError: The file cannot be read.
    """
    facts = open_facts(taught_file)
    return None if facts is None else {question.id: facts.is_known(question) for question in task.questions}


def mentioned_choices(taught_file: Path | None, task: TaskSet) -> dict[str, bool] | None:
    """Question id → whether any of its choices is a training fact, right or not; None without a file.

    Unlike `known_answers` it does not depend on the answer key, which may be wrong.

    Raises:
        CheckpointError: The file cannot be read.
    """
    facts = open_facts(taught_file)
    return (
        None
        if facts is None
        else {question.id: facts.mentions_any_choice(question) for question in task.questions}
    )


def open_facts(taught_file: Path | None) -> TrainingFacts | None:
    """Training facts of a file, read again once it has changed; None without a file.

    Raises:
        CheckpointError: The file cannot be read.
    """
    if taught_file is None:
        return None
    return _read(taught_file, taught_file.stat().st_mtime_ns if taught_file.exists() else None)


@lru_cache(maxsize=4)
def _read(path: Path, stamp: int | None) -> TrainingFacts:
    return TrainingFacts.from_file(path)
