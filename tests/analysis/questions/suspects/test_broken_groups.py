"""Broken groups: by hand, orders of choices, and the sets in which the rule is silent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from e2lm_core.analysis.questions.suspects import keys, messages
from e2lm_core.analysis.questions.suspects.broken_groups import MIN_GROUPS, find_misplaced
from e2lm_core.scores.measurements import Measurements
from tests.support.simulation import answered

GROUPS = 20


def in_groups(taught: float = 1.0, seed: int = 0) -> Measurements:
    """Groups of four questions with the same choices, each right once, in orders of their own; the models know them."""
    measured = answered(4 * GROUPS, taught=taught, seed=seed)
    random = np.random.default_rng(seed)
    texts, gold, curves = np.empty((4 * GROUPS, 4), np.intp), np.empty(4 * GROUPS, np.intp), []
    orders = [random.permutation(4) for _ in range(4 * GROUPS)]
    for q, order in enumerate(orders):
        texts[q] = 10 * (q // 4) + order
        gold[q] = int(np.flatnonzero(order == q % 4)[0])
    for curve in measured.curves:
        ll = curve.ll.copy()
        for q in range(4 * GROUPS):  # the right answer's log-likelihood follows the right answer
            ll[:, q, [gold[q], measured.gold[q]]] = ll[:, q, [measured.gold[q], gold[q]]]
        curves.append(replace(curve, ll=ll))
    return replace(
        measured,
        gold=gold,
        choice_texts=texts,
        question_texts=None,
        curves=tuple(curves),
        groups=(None,) * (4 * GROUPS),
    )


def with_key_of(measured: Measurements, q: int, other: int) -> Measurements:
    """The same with the key of another question of its group."""
    gold = measured.gold.copy()
    answer = measured.choice_texts[other, measured.gold[other]]
    gold[q] = int(np.flatnonzero(measured.choice_texts[q] == answer)[0])
    return replace(measured, gold=gold)


def test_the_question_that_gives_the_missing_answer_is_the_wrong_one():
    """Question 0 has question 1's key: 1 gives .9 to its own, 0 gives .6 to the missing one and .2 to its key."""
    whole = in_groups()
    measured = with_key_of(whole, 0, 1)
    pooled = np.full((4 * GROUPS, 4), 0.05)
    missing = int(whole.gold[0])
    pooled[0, [missing, measured.gold[0]]] = 0.6, 0.2
    answer = whole.choice_texts[0, missing]
    pooled[1, measured.gold[1]] = 0.9
    pooled[1, whole.choice_texts[1] == answer] = 0.05
    (found,) = find_misplaced(measured, pooled)
    first, second = 0.6 / 0.2, 0.05 / 0.9
    assert (found.question, found.rather) == (0, missing)
    assert found.probability == pytest.approx(first / (first + second))


@pytest.mark.parametrize("seed", range(5))
def test_flipped_keys_of_groups_are_found_and_no_other(seed: int):
    whole = in_groups(seed=seed)
    planted = [int(q) for q in np.random.default_rng(seed).choice(GROUPS, 4, replace=False) * 4]
    measured = whole
    for q in planted:
        measured = with_key_of(measured, q, q + 1)
    assert not find_misplaced(whole, np.full((4 * GROUPS, 4), 0.25))
    found = keys.find_doubtful_keys(measured)
    listed = {suspect.question_id for suspect in found.listed if suspect.kind == "wrong key"}
    assert listed <= {measured.question_ids[q] for q in planted}
    assert len(listed) >= 3
    assert "with a possibly wrong answer key" in messages.headline(found)


def test_sets_without_such_groups_list_none():
    whole = in_groups()
    pooled = np.full((4 * GROUPS, 4), 0.25)
    broken = with_key_of(whole, 0, 1)
    assert find_misplaced(broken, pooled)
    assert not find_misplaced(replace(broken, choice_texts=None), pooled)
    apart = np.arange(16 * GROUPS).reshape(-1, 4)  # no two questions share a choice
    assert not find_misplaced(replace(broken, choice_texts=apart), pooled)
    random = replace(whole, gold=np.random.default_rng(1).integers(0, 4, 4 * GROUPS))
    assert not find_misplaced(random, pooled)  # keys of no design: most groups are broken
    few = broken.choice_texts.copy()
    few[4 * (MIN_GROUPS - 1) :] = np.arange(4 * len(few)).reshape(-1, 4)[4 * (MIN_GROUPS - 1) :] + 10**6
    assert not find_misplaced(replace(broken, choice_texts=few), pooled)
