"""Suspect keys: flipped ones are found, models that know nothing are silent, doubt and two right answers by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from e2lm_core.analysis.questions.suspects import keys, messages
from e2lm_core.analysis.questions.suspects.records import Suspect, SuspectList
from e2lm_core.base.records import ModelInfo
from e2lm_core.scores.measurements import Measurements
from tests.support.measured import LARGE, SMALL, curve, measurements
from tests.support.simulation import answered


def flipped(measured: Measurements, number: int) -> tuple[Measurements, set[str]]:
    """The same results under keys of which so many are wrong, and which."""
    rng = np.random.default_rng(0)
    gold, counts = measured.gold.copy(), measured.choice_counts
    chosen = rng.choice(len(gold), number, replace=False)
    for q in chosen:
        gold[q] = rng.choice([c for c in range(counts[q]) if c != gold[q]])
    return replace(measured, gold=gold), {measured.question_ids[q] for q in chosen}


def wrong_keys(found: SuspectList) -> set[str]:
    return {suspect.question_id for suspect in found.listed if suspect.kind == "wrong key"}


def test_flipped_keys_are_found_and_right_ones_are_not():
    measured, planted = flipped(answered(100, taught=1.0), 5)
    found = keys.find_doubtful_keys(measured)
    assert wrong_keys(found) <= planted
    assert len(wrong_keys(found)) >= 3
    first = found.listed[0]
    assert first.evidence > keys.DOUBTED
    assert first.models >= 4
    assert "** with a possibly wrong answer key" in messages.headline(found)
    assert "are expected to be right" in messages.headline(found)


def test_models_that_know_nothing_cannot_tell():
    found = keys.find_doubtful_keys(flipped(answered(100), 5)[0])
    assert not wrong_keys(found)
    assert found.knowledge < keys.KNOWS
    assert "know too little to find wrong answer keys" in messages.headline(found)


def test_models_that_know_three_quarters_cannot_tell():
    """They err together where they are sure: half and more of what they contradicted were right keys."""
    measured = answered(100, taught=1.0)
    knows = keys.find_doubtful_keys(measured).knowledge
    assert knows is not None
    assert knows > keys.KNOWS
    unlearnt = np.random.default_rng(1).choice(100, 25, replace=False)
    curves = []
    for one in measured.curves:
        ll = one.ll.copy()
        ll[:, unlearnt, (measured.gold[unlearnt] + 1) % 4] = (
            ll[:, unlearnt].max(axis=-1) + 3.0
        )  # sure, and wrong
        curves.append(replace(one, ll=ll))
    found = keys.find_doubtful_keys(replace(measured, curves=tuple(curves)))
    assert found.listed == () or not wrong_keys(found)
    assert found.why is not None


def with_probabilities(
    *rows: list[float], models: Sequence[ModelInfo] = (SMALL, LARGE), last: Sequence[list[float]] = ()
) -> Measurements:
    """Twenty questions that all models know, and these after them; of each model in turn the last one may be given."""
    known = [[0.97, 0.01, 0.01, 0.01]] * 20
    one, curves = curve(SMALL, [0.5] * 4), []
    for n, model in enumerate(models):
        ll = np.log(np.array([*known, *rows, *([last[n]] if last else [])]))
        curves.append(replace(one, model=model, ll=np.stack([ll + 0.001 * k for k in range(4)])))
    count = len(ll)
    return Measurements(
        task="made",
        question_ids=tuple(f"q{n}" for n in range(count)),
        subjects=("",) * count,
        gold=np.zeros(count, int),
        chars=np.full((count, 4), 3.0),
        gold_bytes=np.full(count, 3.0),
        curves=tuple(curves),
    )


def test_doubt_is_the_gap_to_the_key_by_hand():
    found = keys.find_doubtful_keys(with_probabilities([0.01, 0.983, 0.004, 0.003], [0.3, 0.65, 0.03, 0.02]))
    [one] = [s for s in found.listed if s.kind == "wrong key"]
    assert (one.question_id, one.gold, one.about, one.models, one.of) == ("q20", 0, (1,), 2, 2)
    assert one.evidence == pytest.approx(0.973)


THREE = (SMALL, LARGE, LARGE.model_copy(update={"name": "another"}))
SURE = ([0.97, 0.01, 0.01, 0.01], [0.01, 0.97, 0.01, 0.01], [0.49, 0.49, 0.01, 0.01])


def doubled(found: SuspectList) -> list[Suspect]:
    return [suspect for suspect in found.listed if suspect.kind == "two right answers"]


def test_two_answers_between_which_each_model_hesitates():
    rows = (
        [0.48, 0.44, 0.04, 0.04],
        [0.4, 0.3, 0.2, 0.1],
        [0.56, 0.32, 0.06, 0.06],
        [0.64, 0.28, 0.04, 0.04],
    )
    found = doubled(keys.find_doubtful_keys(with_probabilities(*rows, models=THREE)))
    assert [(one.question_id, one.about) for one in found] == [("q20", (1,)), ("q22", (1,))]
    assert found[0].evidence == pytest.approx(0.92)
    two_alone = keys.find_doubtful_keys(with_probabilities(*rows))
    assert not doubled(two_alone), "two models hesitate by chance"


def test_models_sure_of_different_answers_do_not_make_two_right_ones():
    measured = with_probabilities(models=THREE, last=SURE)
    pooled = np.mean(SURE, axis=0)
    assert pooled[:2].sum() > keys.TOGETHER
    assert pooled[0] == pytest.approx(pooled[1])
    assert not doubled(keys.find_doubtful_keys(measured))


def test_a_model_that_wavers_between_checkpoints_does_not_hesitate():
    measured = with_probabilities([0.97, 0.01, 0.01, 0.01], models=THREE)
    ll = [curve.ll.copy() for curve in measured.curves]
    for one in ll:
        one[2:, -1] = np.log([[0.97, 0.01, 0.01, 0.01], [0.01, 0.97, 0.01, 0.01]])
    wavering = replace(
        measured, curves=tuple(replace(c, ll=one) for c, one in zip(measured.curves, ll, strict=True))
    )
    assert not doubled(keys.find_doubtful_keys(wavering))


def test_questions_that_the_models_were_never_told_of_are_left_out():
    measured = with_probabilities([0.01, 0.983, 0.004, 0.003], [0.01, 0.985, 0.003, 0.002])
    told = replace(measured, told=(True,) * 21 + (False,))
    found = keys.find_doubtful_keys(told)
    assert (wrong_keys(found), found.left_out) == ({"q20"}, 1)
    assert "never told of 1 question, whose keys they cannot doubt" in messages.headline(found)
    assert wrong_keys(keys.find_doubtful_keys(measured)) == {"q20", "q21"}
    none = keys.find_doubtful_keys(replace(measured, told=(False,) * 22))
    assert "told of 0 of the 22 questions" in messages.headline(none)


def test_nothing_is_told_of_nothing():
    found = keys.find_doubtful_keys(measurements(curve(SMALL, [float("nan")] * 3)))
    assert found.listed == ()
    assert "No checkpoint is complete yet" in messages.headline(found)
