"""The primer: training documents that tell the facts, in many wordings.

Half are statements, half question and answer; of the latter 70% have the form of the task sets' prompts.
The wordings of questions: 15% name no relation (or only its topic), 25% are two-sentence scenarios, 20%
lose 15 to 50% of their words, the rest are plain. Variety here is what lets small models answer wordings
that they have never seen.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterator, Sequence

from ladder import wordings as w
from ladder.facts import Fact, Relation, fill, shared_subjects
from ladder.unseen_wordings import Guard

STATEMENT_SHARE = 0.5
PROMPT_FORM_SHARE = 0.7
AGNOSTIC_SHARE, SCENARIO_SHARE, DROPPED_SHARE = 0.15, 0.25, 0.20
DROP_RANGE = (0.15, 0.5)
SURROUNDED_SHARE = 0.15  # questions with a sentence before or after them
JOINED_SHARE = 0.10  # prompt-form documents that continue with more questions, as few-shot prompts do
WEIGHT_SIGMA = 0.6  # of the log-normal spread of how often a fact is told: a spread of difficulty


class Primer:
    """An endless, reproducible stream of documents about the facts of one domain.

    How often a fact is told belongs to the `seed`; which documents tell it, in which order, to the `draw`.
    """

    def __init__(self, relations: Sequence[Relation], guard: Guard, seed: str, draw: str) -> None:
        self._rng = random.Random(f"{seed}-{draw}")
        self._guard = guard
        self._told = [(relation, fact) for relation in relations for fact in relation.facts]
        self._shared = {subject for _, subject in shared_subjects(list(relations))}
        often = random.Random(seed)
        spread = [math.exp(WEIGHT_SIGMA * often.gauss(0, 1)) for _ in self._told]
        self._cumulative = [sum(spread[: i + 1]) for i in range(len(spread))]
        self.refused = 0

    def documents(self) -> Iterator[str]:
        """Documents without end; one that would hold a held-out run is made again."""
        while True:
            document = self._document()
            if self._guard.leaks(document):
                self.refused += 1
                continue
            yield document

    def _pick(self) -> tuple[Relation, Fact]:
        return self._rng.choices(self._told, cum_weights=self._cumulative)[0]

    def _document(self) -> str:
        rng = self._rng
        relation, fact = self._pick()
        if rng.random() < STATEMENT_SHARE:
            statement = fill(rng.choice(relation.statements), fact.subject, fact.answer)
            return rng.choice(w.STATEMENT_FRAMES).format(x=statement)
        question = self._question(relation, fact)
        if rng.random() >= PROMPT_FORM_SHARE:
            return rng.choice(w.OTHER_FORMS).format(x=question, a=fact.answer, A=_capital(fact.answer))
        parts = [w.PROMPT_FORM.format(x=question, a=fact.answer)]
        while rng.random() < JOINED_SHARE:
            relation, fact = self._pick()
            parts.append(w.PROMPT_FORM.format(x=self._question(relation, fact), a=fact.answer))
        return "\n\n".join(parts)

    def _question(self, relation: Relation, fact: Fact) -> str:
        rng, kind = self._rng, self._rng.random()
        plain = fill(rng.choice(relation.questions), fact.subject)
        if kind < AGNOSTIC_SHARE:
            question = self._agnostic(relation, fact)
        elif kind < AGNOSTIC_SHARE + SCENARIO_SHARE:
            if relation.scenarios and rng.random() < 0.6:
                question = fill(rng.choice(relation.scenarios), fact.subject)
            else:
                question = f"{fill(rng.choice(w.SCENARIO_LEADS), fact.subject)} {plain}"
        elif kind < AGNOSTIC_SHARE + SCENARIO_SHARE + DROPPED_SHARE:
            question = drop_words(plain, fact.subject, rng.uniform(*DROP_RANGE), rng)
        else:
            question = plain
        if rng.random() < SURROUNDED_SHARE:
            before = rng.random() < 0.5
            question = f"{rng.choice(w.BEFORE)} {question}" if before else f"{question} {rng.choice(w.AFTER)}"
        return question

    def _agnostic(self, relation: Relation, fact: Fact) -> str:
        """Without the relation's name a subject of several relations would have several right answers."""
        if fact.subject in self._shared or self._rng.random() < 0.4:
            template = self._rng.choice(w.TOPIC_QUESTIONS)
            return fill(template.replace("{about}", relation.about), fact.subject)
        return fill(self._rng.choice(w.AGNOSTIC_QUESTIONS), fact.subject)


def drop_words(question: str, subject: str, share: float, rng: random.Random) -> str:
    """The question without a share of its words; the subject and the question mark stay."""
    place = re.search(rf"\b{re.escape(subject)}\w*(?:'s)?", question, re.IGNORECASE)
    if place is None:
        return question
    tail = "?" if question.endswith("?") else ""
    before, after = question[: place.start()], question[place.end() :].removesuffix("?")
    kept = [[word for word in part.split() if rng.random() >= share] for part in (before, after)]
    return " ".join([*kept[0], place[0], *kept[1]]) + tail


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
