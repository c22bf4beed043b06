"""The null of a chosen set's scores: keys at random, the rule made anew, what is left scored."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from e2lm_core.analysis import validity
from e2lm_core.analysis.questions import null_through_rule as through_rule
from e2lm_core.analysis.questions import selection
from e2lm_core.base.errors import StudioError
from e2lm_core.base.records import METRICS
from e2lm_core.scores import set_scores
from e2lm_core.scores.uncertainty import null
from tests.support import random_keys

RULE = "margin > 0 and slope > 0"


@pytest.fixture(scope="module")
def of() -> random_keys.RandomSet:
    return random_keys.noise_set(3, 40)


@pytest.fixture(scope="module")
def kept(of: random_keys.RandomSet):
    return random_keys.chosen_set(of, selection.select_questions(of.pool, RULE, "acc"))


@pytest.mark.parametrize("metric", [m for m in METRICS if m != "bpb"])
def test_a_draw_is_the_score_of_what_the_rule_keeps_of_those_keys(
    of: random_keys.RandomSet, kept, metric: str
) -> None:
    drawn = through_rule.null_through_rule(kept, of.measured, of.pool, (metric,), draws=4, seed=5)[metric]
    golds = null.random_golds_of_set(of.measured, 4, seed=5)
    for number, gold in enumerate(golds):
        other = random_keys.with_keys(of, np.arange(40), gold.astype(int))
        left = random_keys.chosen_set(other, selection.select_questions(other.pool, RULE, metric))
        scores = set_scores.scores(left, metric)
        for name in ("sq", "cs", "snr", "decision_accuracy"):
            value = getattr(scores, name).value
            if name == "cs" and value is None and "does not rise" in str(scores.cs.why):
                continue  # random keys are not asked for a rise, which leaves p too high and never too low
            assert drawn.whole[name][number] == pytest.approx(np.nan if value is None else value, nan_ok=True)


def test_the_scores_of_noise_lie_within_the_null_through_the_rule(of: random_keys.RandomSet, kept) -> None:
    drawn = through_rule.null_through_rule(kept, of.measured, of.pool, ("norm_prob",), draws=99)["norm_prob"]
    scores = set_scores.scores(kept, "norm_prob")
    found = through_rule.score_nulls(scores, drawn, 1)
    assert found["sq"] is not None
    assert found["sq"].p > 0.05
    (sentence, *_) = through_rule.null_sentences(scores, drawn, 1, 1)
    assert sentence.startswith("SQ is 0.")
    assert "under random answer keys the same rule gives" in sentence


def through_both(of: random_keys.RandomSet, second: str):
    return random_keys.chosen_twice(of, RULE, second, "norm_prob")


@pytest.mark.parametrize("second", ["easiest-half", "discrimination > 0 and gold_ratio <= 1", "snr-greedy"])
def test_a_draw_goes_through_both_rules(of: random_keys.RandomSet, second: str) -> None:
    kept = through_both(of, second)
    drawn = through_rule.null_through_rule(kept, of.measured, of.pool, ("norm_prob",), draws=5, seed=7)
    golds = null.random_golds_of_set(of.measured, 5, seed=7)
    for number, gold in enumerate(golds):
        other = random_keys.with_keys(of, np.arange(40), gold.astype(int))
        scores = set_scores.scores(through_both(other, second), "norm_prob")
        for name in ("sq", "snr", "decision_accuracy"):
            value = getattr(scores, name).value
            assert drawn["norm_prob"].whole[name][number] == pytest.approx(
                np.nan if value is None else value, nan_ok=True
            )
    sentences = through_rule.null_sentences(scores, drawn["norm_prob"], 2, 2)
    assert not sentences or "the same 2 rules give" in sentences[0]


def test_the_null_begins_at_the_first_rule_that_read_these_models(of: random_keys.RandomSet) -> None:
    kept = through_both(of, "easiest-half")
    last, first = through_rule.rules_through(kept)
    assert (last.rule, first.rule) == ("easiest-half", RULE)
    elsewhere = first.model_copy(update={"models": ("another",), "model_count": 1})
    of_another = replace(kept, chosen=last.model_copy(update={"earlier": elsewhere}))
    assert [one.rule for one in through_rule.rules_through(of_another)] == ["easiest-half"]
    by_text = first.model_copy(update={"rule": "length > 3", "models": (), "model_count": 0})
    of_text = replace(kept, chosen=last.model_copy(update={"earlier": by_text}))
    assert [one.rule for one in through_rule.rules_through(of_text)] == ["easiest-half"]
    note = validity.selection_note(kept)
    assert "by the rule easiest-half" in note
    assert f"before that from made by the rule {RULE}" in note


def test_refusals(of: random_keys.RandomSet, kept) -> None:
    def refused(chosen, parent=of.measured, pool=of.pool) -> str:
        with pytest.raises(StudioError, match=r"^[^\n]+$") as error:
            through_rule.null_through_rule(chosen, parent, pool, draws=2)
        return str(error.value)

    assert "was not made by a rule" in refused(replace(kept, chosen=None))
    twice = replace(kept, chosen=kept.chosen.model_copy(update={"earlier": kept.chosen, "rule": "acc > 0.9"}))
    assert "The rules would now choose" in refused(twice)
    other = kept.chosen.model_copy(update={"models": (*kept.chosen.models, "another")})
    assert "by results of another too" in refused(replace(kept, chosen=other))
    fewer = replace(kept, question_ids=kept.question_ids[1:])
    assert "The rule would now choose" in refused(fewer)
    holes = replace(
        of.measured,
        curves=tuple(replace(c, ll=np.where(c.ll > -3, np.nan, c.ll)) for c in of.measured.curves),
    )
    assert "lacks results" in refused(kept, holes)
    unnamed = kept.chosen.model_copy(update={"models": (), "model_count": 30, "models_digest": "x"})
    assert "chose by 30 models" in refused(replace(kept, chosen=unnamed))
