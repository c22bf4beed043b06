"""Gains under random answer keys: what a rule gains where it can gain nothing, and what is more than that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from e2lm_core.analysis.questions import heldout, messages, selection, selection_null
from e2lm_core.analysis.questions import pool as question_pool
from e2lm_core.analysis.questions.pool import Pool
from e2lm_core.scores.measurements import Measurements
from e2lm_core.scores.uncertainty import null
from tests.support import random_keys
from tests.support.measured import fleet_measured, question_set

RULES = (
    *selection.PRESETS,
    "margin > 0 and slope > 0",
    "discrimination > 0",
    "contrast > 0",
    "gold_ratio < 2",
)


@pytest.fixture(scope="module")
def measured() -> Measurements:
    return fleet_measured()


@pytest.fixture(scope="module")
def pool(measured: Measurements) -> Pool:
    return question_pool.build_pool(measured, question_set())


@pytest.mark.parametrize("rule", RULES)
def test_a_draw_is_the_gain_of_a_set_with_those_keys(pool: Pool, measured: Measurements, rule: str) -> None:
    resolved = selection.resolve_rule(pool, rule)
    drawn = selection_null.null_gains(pool, measured, resolved, "acc", "final", 5, seed=3)
    golds = null.random_golds_of_set(measured, 5, seed=3)
    folds, _ = heldout.leave_out_folds(pool.models)
    for gain, gold in zip(drawn, golds, strict=True):
        other = question_pool.build_pool(replace(measured, gold=gold.astype(int)), question_set())
        judged = heldout.evaluate_rule(other.sample, resolved, folds, "acc", draws=1)
        expected = np.mean([one.held_out["final"][1] for one in judged])
        assert gain == pytest.approx(expected, nan_ok=True), rule


@pytest.mark.parametrize("score", heldout.SCORES)
def test_the_gains_are_those_of_the_evaluation(pool: Pool, score: str) -> None:
    rule = selection.resolve_rule(pool, "easiest-half")
    folds, _ = heldout.leave_out_folds(pool.models)
    judged = heldout.evaluate_rule(pool.sample, rule, folds, "acc")
    expected = np.mean([float(one.held_out[score][1]) for one in judged])
    found = heldout.held_out_gains(pool.sample, rule, folds, "acc", score)
    assert float(found) == pytest.approx(expected)


def test_a_rule_is_tested_in_the_score_that_it_is_meant_for(pool: Pool) -> None:
    targets = {rule: selection.resolve_rule(pool, rule).target for rule in RULES}
    assert targets == {
        "easiest-half": "final",
        "rising-hard-science": "sq",
        "one-source": "sq",
        "snr-greedy": "snr",
        **dict.fromkeys(RULES[4:], "final"),
    }
    assert selection.resolve_rule(pool, "slope > 0 and length > 5").target == "sq"
    assert selection.resolve_rule(pool, 'subject = "physics"').target == "final"


@pytest.mark.parametrize("rule", ["easiest-half", "margin > 0 and slope > 0", "norm_prob > 0.3"])
def test_shared_tastes_gain_under_random_keys_and_that_is_no_gain(rule: str) -> None:
    """The review's case in small: models of one text agree on which wrong choices they like."""
    of = random_keys.noise_set(0)
    pool = of.pool
    made = selection.select_questions(pool, rule, "acc")
    gain = made.scores["final"]
    assert gain.held_out is not None
    assert gain.held_out > 0.05
    assert gain.interval is not None
    assert gain.interval[0] > 0  # the interval alone would have told a gain
    told = selection_null.with_null(made, pool, of.measured)
    assert told.null is not None
    assert told.null.mean > 0.05
    assert told.is_gain is False
    said = messages.selection_headline(told, len(pool.ids))
    assert "That is **no gain**: under random answer keys the same rule gains +" in said
    assert "took no part" not in said


def test_a_planted_gain_is_told_as_one() -> None:
    told = random_keys.planted_gain(0, 'source = "good"')
    assert told.is_gain
    assert told.null is not None
    assert told.null.mean == pytest.approx(0, abs=0.01)
    said = messages.selection_headline(told, random_keys.PLANTED_QUESTIONS)
    assert "Under random answer keys the same rule gains less" in said


def test_an_interval_that_reaches_the_random_gain_is_no_gain(pool: Pool, measured: Measurements) -> None:
    made = selection.select_questions(pool, "easiest-half", "acc")
    drawn = selection.GainNull(mean=0.2, low=0.1, high=0.25, p=0.001, draws=399, level=0.025)
    gain = replace(made.scores["final"], held_out=0.3, interval=(0.15, 0.4), covers="questions")
    told = replace(made, null=drawn, scores={**made.scores, "final": gain})
    assert told.is_gain is False
    assert "its interval includes what the same rule gains" in messages.selection_headline(told, 60)
    higher = replace(gain, interval=(0.21, 0.4))
    assert replace(told, scores={**made.scores, "final": higher}).is_gain
    assert replace(told, null=replace(drawn, p=0.03)).is_gain is False


def test_more_rules_need_more_draws() -> None:
    counts = [selection_null.required_draws(k) for k in (1, 3, 5, 10)]
    assert counts[0] == selection_null.MIN_DRAWS
    assert counts == sorted(counts)
    for k, draws in zip((1, 3, 5, 10), counts, strict=True):
        assert 2 / (draws + 1) <= 1 - heldout.adjusted_level(k) + 1e-12


def test_copies_in_a_group_share_a_permutation(measured: Measurements) -> None:
    texts = np.tile(np.arange(4), (60, 1))
    grouped = replace(measured, groups=("one",) * 60, choice_texts=texts)
    golds = null.random_golds_of_set(grouped, 4)
    assert (golds == golds[:, :1]).all()
    assert np.array_equal(
        golds,
        null.random_golds(grouped.gold, grouped.choice_counts, texts=texts, groups=grouped.groups, draws=4),
    )


def test_undeclared_copies_share_a_permutation_as_in_the_null_of_a_score(measured: Measurements) -> None:
    texts, asked = np.tile(np.arange(4), (60, 1)), np.repeat(np.arange(12), 5)
    golds = null.random_golds_of_set(replace(measured, choice_texts=texts, question_texts=asked), 4)
    assert (golds.reshape(4, 12, 5) == golds.reshape(4, 12, 5)[:, :, :1]).all()


def test_what_cannot_be_drawn_is_left_as_it_is(pool: Pool, measured: Measurements) -> None:
    alone = fleet_measured(models=("small-arch1",))
    one = question_pool.build_pool(alone, question_set())
    made = selection.select_questions(one, "easiest-half")
    assert selection_null.estimated_seconds(one, made) == 0
    assert selection_null.with_null(made, one, alone) == made
    by_length = selection.select_questions(pool, "easiest-half", "bpb")
    assert selection_null.with_null(by_length, pool, measured).null is None  # choice_bytes is None here
