"""Chooses wrong answers so that the choices alone tell nothing about the right one.

Inside a relation each answer is offered as a distractor three times for every time that it is right, as
nearly as the answers allow: a guesser who sees only the choices then does no better than chance.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence

from e2lm_core.base.errors import StudioError
from ladder.facts import Fact, Relation

DISTRACTORS = 3
MAX_GOLD_SHARE = 0.25  # a commoner answer could not be wrong often enough
_TRIES = 200


def balanced_facts(facts: Sequence[Fact], rng: random.Random) -> list[Fact]:
    """The facts without the surplus of any answer that is right in over a quarter of them."""
    kept = list(facts)
    while True:
        answer, count = Counter(f.answer for f in kept).most_common(1)[0]
        if count <= max(1, MAX_GOLD_SHARE * len(kept)):
            return kept
        kept.remove(rng.choice([f for f in kept if f.answer == answer]))


def distractors(
    facts: Sequence[Fact], relation: Relation, also_right: Mapping[str, set[str]], rng: random.Random
) -> list[tuple[str, ...]]:
    """Three wrong answers for each fact, from those of the same relation.

    `also_right` names, for each subject, every answer that is true of it in any relation of the domain.
    Raises `StudioError` when a fact has fewer than three wrong answers.
    """
    best: list[tuple[str, ...]] | None = None
    best_error = float("inf")
    for _ in range(_TRIES):
        drawn = _draw(facts, relation, also_right, rng)
        error = _imbalance(facts, drawn)
        if error < best_error:
            best, best_error = drawn, error
        if error == 0:
            break
    assert best is not None
    return best


def _draw(
    facts: Sequence[Fact], relation: Relation, also_right: Mapping[str, set[str]], rng: random.Random
) -> list[tuple[str, ...]]:
    quota = Counter({f.answer: 0 for f in facts})
    for fact in facts:
        quota[fact.answer] += DISTRACTORS
    pool = sorted(quota)
    order = list(range(len(facts)))
    rng.shuffle(order)
    # Those with the commonest right answers have the fewest other answers left: they choose first.
    order.sort(key=lambda i: -quota[facts[i].answer])
    drawn: dict[int, tuple[str, ...]] = {}
    for index in order:
        fact = facts[index]
        wrong = [a for a in pool if a not in also_right[fact.subject]]
        if len(wrong) < DISTRACTORS:
            raise StudioError(
                f"{relation.name}: {fact.subject!r} has only {len(wrong)} wrong answers to choose from; "
                f"it needs {DISTRACTORS}: add facts with other answers."
            )
        wrong.sort(key=lambda a: (-quota[a], rng.random()))
        drawn[index] = tuple(wrong[:DISTRACTORS])
        quota.subtract(drawn[index])
    return [drawn[i] for i in range(len(facts))]


def _imbalance(facts: Sequence[Fact], drawn: Sequence[tuple[str, ...]]) -> int:
    wrong = Counter(answer for choices in drawn for answer in choices)
    right = Counter(f.answer for f in facts)
    return sum((wrong[a] - DISTRACTORS * right[a]) ** 2 for a in set(wrong) | set(right))
