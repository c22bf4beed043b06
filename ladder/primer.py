"""The primer: training documents that tell the facts, in many wordings.

Half are statements, half question and answer; of the latter 70% have the form of the task sets' prompts. Some prompts name
a subject and no relation, and may be answered by any of its answers; some go on with questions about the same subject's
other relations. What lets small models answer wordings that they have never seen is that each relation is asked in 6 to 10
natural ones.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ladder import wordings as w
from ladder.facts import Fact, Relation, fill
from ladder.unseen_wordings import Guard

WEIGHT_SIGMA = 0.6  # of the log-normal spread of how often a fact is told: a spread of difficulty


@dataclass(frozen=True)
class Shares:
    """How the documents part: every number is a share of what is left by those above it."""

    statements: float = 0.5
    prompt_form: float = 0.7  # of questions
    bare: float = 0.08  # of prompts: the subject without a relation
    same: float = 0.0  # of the other prompts: two more questions about the subject
    joined: float = (
        0.1  # of the rest: one more question about any fact, again and again, as few-shot prompts do
    )
    surrounded: float = 0.15  # of questions: a sentence before or after


class Primer:
    """An endless, reproducible stream of documents about the facts of one domain.

    How often a fact is told belongs to the `seed`; which documents tell it, in which order, to the `draw`.
    """

    def __init__(
        self,
        relations: Sequence[Relation],
        guard: Guard,
        seed: str,
        draw: str,
        shares: Shares | None = None,
    ) -> None:
        self._rng = random.Random(f"{seed}-{draw}")
        self._guard = guard
        self._shares = shares or Shares()
        self._relations = {relation.name: relation for relation in relations}
        self._told = [fact for relation in relations for fact in relation.facts]
        self._about: dict[str, list[Fact]] = {}
        for fact in self._told:
            self._about.setdefault(fact.subject, []).append(fact)
        often = random.Random(seed)
        spread = [math.exp(WEIGHT_SIGMA * often.gauss(0, 1)) for _ in self._told]
        self._cumulative = list(itertools.accumulate(spread))
        self.refused = 0

    def documents(self) -> Iterator[str]:
        """Documents without end; one that would hold a held-out run is made again."""
        while True:
            document = self._document()
            if self._guard.leaks(document):
                self.refused += 1
                continue
            yield document

    def _pick(self) -> Fact:
        return self._rng.choices(self._told, cum_weights=self._cumulative)[0]

    def _document(self) -> str:
        rng, shares = self._rng, self._shares
        fact = self._pick()
        if rng.random() < shares.statements:
            wording = rng.choice(self._relations[fact.relation].statements)
            return rng.choice(w.STATEMENT_FRAMES).format(x=fill(wording, fact.subject, fact.answer))
        if rng.random() >= shares.prompt_form:
            answer = fact.answer
            return rng.choice(w.OTHER_FORMS).format(x=self._question(fact), a=answer, A=_capital(answer))
        if rng.random() < shares.bare:
            told = rng.choice(self._about[fact.subject])
            return w.PROMPT_FORM.format(x=fill(rng.choice(w.BARE), fact.subject), a=told.answer)
        asked = [fact]
        if rng.random() < shares.same:
            others = [other for other in self._about[fact.subject] if other != fact]
            asked += rng.sample(others, min(2, len(others)))
        else:
            while rng.random() < shares.joined:
                asked.append(self._pick())
        return "\n\n".join(w.PROMPT_FORM.format(x=self._question(f), a=f.answer) for f in asked)

    def _question(self, fact: Fact) -> str:
        rng = self._rng
        question = fill(rng.choice(self._relations[fact.relation].questions), fact.subject)
        if rng.random() < self._shares.surrounded:
            before = rng.random() < 0.5
            question = f"{rng.choice(w.BEFORE)} {question}" if before else f"{question} {rng.choice(w.AFTER)}"
        return question


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
