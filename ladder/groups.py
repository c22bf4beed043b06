"""Groups of four questions: two subjects × two relations, the same four choices, each right once.

                     relation 1    relation 2
        subject 1      choice a      choice b
        subject 2      choice c      choice d

Who reads only the subject, or only the relation, is right in two of the four at most and never in all four; the
choices alone tell nothing. No choice but the right one is an answer of the question's subject in any relation.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from ladder.facts import Fact, Relation, answers_of

_TRIES = 200


class Group(NamedTuple):
    """Four facts about subjects of one kind: subject 1 in both relations, then subject 2."""

    kind: str
    facts: tuple[Fact, ...]

    @property
    def choices(self) -> list[str]:
        return [fact.answer for fact in self.facts]


def groups_of(relations: Sequence[Relation], rng: random.Random) -> list[Group]:
    """As many groups as the relations of a kind give with every fact in one group at most, drawn at random."""
    drawn = (_draw(relations, rng) for _ in range(_TRIES))
    return max(drawn, key=len)


def _draw(relations: Sequence[Relation], rng: random.Random) -> list[Group]:
    rows = answers_of(relations)
    facts = {(fact.subject, fact.relation): fact for relation in relations for fact in relation.facts}
    left = list(rows)
    rng.shuffle(left)
    wanted = len(relations) // 2
    groups: list[Group] = []
    while left:
        one = left.pop()
        best: tuple[str, list[tuple[str, str]]] = ("", [])
        for other in left:
            pairs = _pairs(rows[one], rows[other], rng)
            if len(pairs) > len(best[1]):
                best = (other, pairs)
            if len(pairs) == wanted:
                break
        other, pairs = best
        if not pairs:
            continue
        left.remove(other)
        groups += [
            Group(relations[0].kind, tuple(facts[s, r] for s in (one, other) for r in pair)) for pair in pairs
        ]
    return groups


def _pairs(one: dict[str, str], other: dict[str, str], rng: random.Random) -> list[tuple[str, str]]:
    """Pairs of relations, each relation once, in which the answers of one subject are none of the other's."""
    apart = [r for r in one if one[r] not in other.values() and other[r] not in one.values()]
    rng.shuffle(apart)
    return [
        (a, b)
        for a, b in zip(apart[::2], apart[1::2], strict=False)
        if len({one[a], one[b], other[a], other[b]}) == 4
    ]
